"""Forty units behind one dead gateway are one notification, and forty records."""

from dataclasses import replace
from uuid import UUID

from frostguard.domain.alert import Action, Alert, AlertType, Severity, alert_id
from frostguard.domain.grouping import Silences, group
from frostguard.domain.limits import Limits
from frostguard.domain.notice import Occasion, Place, decide
from tests.domain.stories import moment

LIMITS = Limits()
ORGANIZATION = UUID(int=900)
GATEWAYS = [UUID(int=100 + n) for n in range(5)]
UNITS = [UUID(int=1000 + n) for n in range(100)]
NOW = moment("30")


def make_alert(subject, kind=AlertType.MONITORING_INTERRUPTED, minute="25", severity=Severity.WARNING):
    at = moment(minute)
    return Alert(id=alert_id(subject, kind, at), subject_id=subject, type=kind, severity=severity, opened_at=at)


def make_silences(silent_gateways=(), silent_units=(), minute="15", **changes):
    """20 units behind each of five gateways."""
    of = {unit: GATEWAYS[n // 20] for n, unit in enumerate(UNITS)}
    given = {
        "organization_id": ORGANIZATION,
        "unit_count": 100,
        "units": [make_alert(u) for u in silent_units],
        "gateways": {g: make_alert(g, AlertType.GATEWAY_SILENT, minute) for g in silent_gateways},
        "gateway_of": of,
        "behind": {g: [u for u, its in of.items() if its == g] for g in silent_gateways},
    }
    return Silences(**{**given, **changes})


def apply(silences, changes):
    """Return every alert as it is after the changes."""
    alerts = [*silences.units, *silences.gateways.values(), *([silences.degraded] if silences.degraded else [])]
    return {a.id: a for a in alerts} | {c.alert.id: c.alert for c in changes}


def notified(silences, changes, now=NOW):
    alerts = apply(silences, changes)
    place = Place(ORGANIZATION)
    said = [
        a
        for a in alerts.values()
        if decide(a, place, Occasion(now, LIMITS, speaker=alerts.get(a.linked_to))).verb == "notify"
    ]
    return sorted(str(a.type) for a in said)


def test_units_behind_a_silent_gateway_are_linked_and_told_once():
    silences = make_silences(GATEWAYS[:1], UNITS[:20])
    changes = group(silences, NOW, LIMITS)
    assert {c.entry.action for c in changes} == {Action.LINK}
    assert len(changes) == 20
    assert notified(silences, changes) == ["gateway_silent"]


def test_a_gateway_with_all_units_of_the_organization_is_still_one_notification():
    silences = make_silences(GATEWAYS[:1], UNITS[:20], unit_count=20)
    assert notified(silences, group(silences, NOW, LIMITS)) == ["gateway_silent"]


def test_a_silent_unit_elsewhere_speaks_for_itself():
    silences = make_silences(GATEWAYS[:1], [UNITS[0], UNITS[50]])
    assert notified(silences, group(silences, NOW, LIMITS)) == ["gateway_silent", "monitoring_interrupted"]


def test_a_second_look_changes_nothing():
    silences = make_silences(GATEWAYS[:2], UNITS[:40])
    first = group(silences, NOW, LIMITS)
    alerts = apply(silences, first)
    degraded = next(a for a in alerts.values() if a.type is AlertType.INGEST_DEGRADED)
    again = replace(
        silences,
        units=[alerts[a.id] for a in silences.units],
        gateways={g: alerts[a.id] for g, a in silences.gateways.items()},
        degraded=degraded,
    )
    assert group(again, moment("31"), LIMITS) == []


def test_more_than_a_third_silent_together_are_told_once_for_all():
    silences = make_silences(GATEWAYS[:2], [])
    changes = group(silences, NOW, LIMITS)
    assert changes[0].is_new
    assert changes[0].alert.subject_id == ORGANIZATION
    assert notified(silences, changes) == ["ingest_degraded"]


def test_the_share_is_more_than_and_not_at_least():
    at_the_share = make_silences([], UNITS[::4][:15] + UNITS[1::4][:15])
    assert not any(c.is_new for c in group(at_the_share, NOW, LIMITS))
    beyond = make_silences([], UNITS[::4][:15] + UNITS[1::4][:16])
    assert notified(beyond, group(beyond, NOW, LIMITS)) == ["ingest_degraded"]


def test_units_that_fall_silent_one_after_the_other_do_not_fall_silent_together():
    silences = make_silences([], [], units=[make_alert(u, minute=str(20 * n)) for n, u in enumerate(UNITS[:40])])
    assert group(silences, moment("2000"), LIMITS) == []


def test_one_silent_unit_is_never_an_organizations_matter():
    silences = make_silences([], UNITS[:1], unit_count=1)
    assert notified(silences, group(silences, NOW, LIMITS)) == ["monitoring_interrupted"]


def test_it_is_over_when_half_of_the_share_is_left():
    degraded = make_alert(ORGANIZATION, AlertType.INGEST_DEGRADED, severity=Severity.CRITICAL)
    still = make_silences([], UNITS[:16], degraded=degraded)
    assert all(c.entry.action is Action.LINK for c in group(still, NOW, LIMITS))
    over = make_silences([], UNITS[:15], degraded=degraded)
    assert [c.entry.action for c in group(over, NOW, LIMITS)] == [Action.RESOLVE]


def test_a_gateway_becomes_critical_when_one_of_its_units_does():
    critical = [make_alert(UNITS[0], severity=Severity.CRITICAL)]
    changes = group(make_silences(GATEWAYS[:1], units=critical), NOW, LIMITS)
    assert [c.entry.action for c in changes] == [Action.LINK, Action.RISE]
    assert changes[-1].alert.type is AlertType.GATEWAY_SILENT


def test_units_that_stay_silent_when_their_gateway_is_heard_speak_for_themselves_later():
    silences = make_silences(GATEWAYS[:1], UNITS[:20])
    alerts = apply(silences, group(silences, NOW, LIMITS))
    gateway = next(a for a in alerts.values() if a.type is AlertType.GATEWAY_SILENT)
    over = replace(gateway, status="resolved", resolved_at=moment("40"), told=Severity.WARNING)
    left = replace(silences, units=[alerts[silences.units[0].id]], gateways={GATEWAYS[0]: over}, behind={})
    changes = group(left, moment("41"), LIMITS)
    assert changes == []
    assert notified(left, changes, moment("41")) == []
    assert notified(left, changes, moment("55")) == ["monitoring_interrupted"]


def test_nothing_silent_is_nothing_to_say():
    assert group(make_silences(), NOW, LIMITS) == []
