"""The life of an alert: every step from every status, as one table."""

from dataclasses import replace

import pytest

from frostguard.domain.alert import (
    TRANSITIONS,
    Action,
    Alert,
    AlertStatus,
    AlertType,
    ConditionHoldsError,
    ResolveReason,
    Severity,
    TransitionRefusedError,
    acknowledge,
    alert_id,
    correct,
    escalate,
    go_on,
    link,
    open_alert,
    reopen,
    resolve,
    resolve_by_person,
    rise,
    tell,
)
from tests.domain.stories import OTHER, PRIMARY, UNIT, moment

AT = moment("30")
SOMEBODY = PRIMARY


def make_alert(status="active", **changes):
    given = {
        "id": alert_id(UNIT, AlertType.ALARM_ACTIVE, moment("10")),
        "subject_id": UNIT,
        "type": AlertType.ALARM_ACTIVE,
        "severity": Severity.WARNING,
        "status": AlertStatus(status),
        "opened_at": moment("10"),
        "resolved_at": moment("20") if status == "resolved" else None,
    }
    return Alert(**{**given, **changes})


STEPS = {
    Action.RISE: lambda a: rise(a, Severity.CRITICAL, AT),
    Action.CONTINUE: lambda a: go_on(a, AT, "restoring_started"),
    Action.ACKNOWLEDGE: lambda a: acknowledge(a, SOMEBODY, AT),
    Action.ESCALATE: lambda a: escalate(a, AT),
    Action.LINK: lambda a: link(a, OTHER, AT),
    Action.TELL: lambda a: tell(a, AT),
    Action.RESOLVE: lambda a: resolve(a, AT),
    Action.RESOLVE_BY_PERSON: lambda a: resolve_by_person(a, SOMEBODY, AT, holds=False),
    Action.REOPEN: lambda a: reopen(a, Severity.WARNING, AT),
    Action.CORRECT: lambda a: correct(a, AT, "late readings"),
}

TABLE = {
    # from:               active        acknowledged   escalated     resolved
    Action.RISE: "active acknowledged escalated -",
    Action.CONTINUE: "active acknowledged escalated -",
    Action.ACKNOWLEDGE: "acknowledged same acknowledged -",
    Action.ESCALATE: "escalated - escalated -",
    Action.LINK: "active acknowledged escalated -",
    Action.TELL: "active acknowledged escalated resolved",
    Action.RESOLVE: "resolved resolved resolved -",
    Action.RESOLVE_BY_PERSON: "resolved resolved resolved -",
    Action.REOPEN: "- - - active",
    Action.CORRECT: "- - - resolved",
}
STATUSES = ["active", "acknowledged", "escalated", "resolved"]
CASES = [
    (action, before, after)
    for action, row in TABLE.items()
    for before, after in zip(STATUSES, row.split(), strict=True)
]


@pytest.mark.parametrize(("action", "before", "after"), CASES)
def test_a_step(action, before, after):
    alert = make_alert(before)
    if after == "-":
        with pytest.raises(TransitionRefusedError):
            STEPS[action](alert)
        return
    change = STEPS[action](alert)
    if after == "same":
        assert change is None
        return
    assert change.alert.status == after
    assert (change.entry.action, change.entry.at, change.entry.alert_id) == (action, AT, alert.id)
    assert not change.is_new


def test_the_table_knows_every_step():
    assert {action for _, action in TRANSITIONS} == set(Action) - {Action.OPEN}


def test_opening_writes_its_first_line():
    change = open_alert(make_alert())
    assert change.is_new
    assert change.entry == (change.alert.id, moment("10"), Action.OPEN, None, "warning")


def test_acknowledging_names_who_and_never_resolves():
    change = acknowledge(make_alert(), SOMEBODY, AT, "on my way")
    assert (change.alert.acknowledged_by, change.alert.acknowledged_at) == (SOMEBODY, AT)
    assert (change.entry.by, change.entry.detail) == (SOMEBODY, "on my way")
    assert change.alert.is_open


def test_a_person_cannot_resolve_what_still_holds_but_with_a_reason():
    with pytest.raises(ConditionHoldsError, match="still holds"):
        resolve_by_person(make_alert(), SOMEBODY, AT, holds=True)
    change = resolve_by_person(make_alert(), SOMEBODY, AT, holds=True, reason=ResolveReason.OUT_OF_SERVICE, note="sold")
    assert (change.alert.resolved_by, change.alert.resolve_reason) == (SOMEBODY, "out_of_service")
    assert change.entry.detail == "out_of_service: sold"


def test_a_severity_never_falls_while_open():
    assert rise(make_alert(severity=Severity.CRITICAL), Severity.WARNING, AT).alert.severity is Severity.CRITICAL


def test_reopening_forgets_who_dealt_with_it():
    alert = replace(make_alert("resolved"), acknowledged_by=SOMEBODY, told=Severity.CRITICAL, resolved_by=SOMEBODY)
    after = reopen(alert, Severity.WARNING, AT).alert
    assert (after.acknowledged_by, after.told, after.resolved_by, after.resolved_at) == (None, None, None, None)
    assert (after.id, after.opened_at) == (alert.id, alert.opened_at)


def test_an_alert_is_never_over_before_it_began():
    change = resolve(make_alert(), moment("5"))
    assert change.alert.duration == moment("0") - moment("0")


def test_the_extreme_is_kept_to_the_end():
    assert resolve(make_alert(extreme=9.0), AT).alert.extreme == 9.0
    assert resolve(make_alert(extreme=9.0), AT, 12.0).alert.extreme == 12.0


def test_the_duration_is_that_of_the_alert():
    assert make_alert().duration is None
    assert resolve(make_alert(), AT).alert.duration == AT - moment("10")


def test_the_id_follows_from_the_facts():
    assert make_alert().id == alert_id(UNIT, AlertType.ALARM_ACTIVE, moment("10"))
    others = {
        alert_id(OTHER, AlertType.ALARM_ACTIVE, moment("10")),
        alert_id(UNIT, AlertType.DOOR_OPEN, moment("10")),
        alert_id(UNIT, AlertType.ALARM_ACTIVE, moment("11")),
    }
    assert len(others | {make_alert().id}) == 4


def test_a_severity_has_its_word():
    assert [s.word for s in Severity] == ["info", "warning", "critical"]
