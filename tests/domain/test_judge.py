"""From facts to alerts: what opens, rises and resolves what, told as stories."""

from dataclasses import replace

import pytest
from hypothesis import given

from frostguard.domain.alert import Action, AlertType, ResolveReason, Severity, resolve_by_person
from frostguard.domain.event import Event, EventKind
from frostguard.domain.judge import VERDICTS, condition_holds, judge
from frostguard.domain.limits import Limits
from frostguard.domain.rules import SensorRules
from frostguard.domain.unit_state import UnitState
from tests.domain.stories import OTHER, PRIMARY, START, UNIT, clock, make_rules, moment, tell
from tests.domain.test_unit import fold, lives

LIMITS = Limits()

WORDS = {
    Action.OPEN: "opens",
    Action.RISE: "rises",
    Action.REOPEN: "reopens",
    Action.RESOLVE: "resolves",
    Action.CONTINUE: "goes on",
}


def write(changes):
    told = []
    for alert, entry, _ in changes:
        severity = f" {alert.severity.word}" if entry.action in {Action.OPEN, Action.RISE, Action.REOPEN} else ""
        told.append(f"{clock(entry.at)} {alert.type} {WORDS[entry.action]}{severity}")
    return told


STORIES = {
    "an alarm": (
        "0:8 5:8 10:8 15:4 20:4",
        [
            "10 alarm_active opens critical",
            "15 alarm_active goes on",
            "20 alarm_active resolves",
        ],
    ),
    "an excursion that passes opens nothing": ("0:8 5:4 10:4", []),
    "out again before it was normal continues the open one": (
        "0:8 5:8 10:8 15:4 20:8 25:8 30:8 35:4 40:4",
        [
            "10 alarm_active opens critical",
            "15 alarm_active goes on",
            "20 alarm_active goes on",
            "30 alarm_active goes on",
            "35 alarm_active goes on",
            "40 alarm_active resolves",
        ],
    ),
    "back within a quarter of an hour it is opened again": (
        "0:8 5:8 10:8 15:4 20:4 21:8 25:8 30:8 31:8",
        [
            "10 alarm_active opens critical",
            "15 alarm_active goes on",
            "20 alarm_active resolves",
            "31 alarm_active reopens critical",
        ],
    ),
    "after a quarter of an hour it is a new one": (
        "0:8 5:8 10:8 15:4 20:4 25:8 30:8 35:8",
        [
            "10 alarm_active opens critical",
            "15 alarm_active goes on",
            "20 alarm_active resolves",
            "35 alarm_active opens critical",
        ],
    ),
    "a silence": (
        "0:4 240:tick 250:4",
        [
            "25+30 monitoring_interrupted opens warning",
            "240 monitoring_interrupted rises critical",
            "240 missed_manual_entry opens warning",
            "250 monitoring_interrupted resolves",
            "250 missed_manual_entry resolves",
        ],
    ),
    "a manual log meets the duty only": (
        "0:4 240:tick 250:log=4",
        [
            "25+30 monitoring_interrupted opens warning",
            "240 monitoring_interrupted rises critical",
            "240 missed_manual_entry opens warning",
            "250 missed_manual_entry resolves",
        ],
    ),
    "no data clears no alarm": (
        "0:8 3:8 30:tick",
        ["10 alarm_active opens critical", "28+30 monitoring_interrupted opens warning"],
    ),
    "a log out of limits": (
        "0:4 5:log=7 10:log=4",
        ["5 temp_excursion opens warning", "10 temp_excursion resolves"],
    ),
    "a door": (
        "0:open 10:tick 11:closed",
        ["3 door_open opens warning", "10 door_open rises critical", "11 door_open resolves"],
    ),
    "a battery": (
        "0:battery=20 5:battery=10 10:battery=30",
        ["0 low_battery opens warning", "5 low_battery rises critical", "10 low_battery resolves"],
    ),
    "a fault": ("0:fault 5:4", ["0 sensor_fault opens critical", "5 sensor_fault resolves"]),
}


@pytest.mark.parametrize(("story", "expected"), STORIES.values(), ids=STORIES.keys())
def test_story(story, expected):
    assert write(judge(UNIT, tell(story, make_rules()), {}, LIMITS)) == expected


def test_a_log_beyond_a_critical_limit_is_critical():
    rules = make_rules(replace(LIMITS, critical_high=12.0))
    assert write(judge(UNIT, tell("5:log=13", rules), {}, rules.limits)) == ["5 temp_excursion opens critical"]


def test_a_calibration_that_is_due_is_only_information():
    rules = make_rules(sensors={PRIMARY: SensorRules(300, START, calibration_due_at=moment("7"))})
    assert write(judge(UNIT, tell("5:4 10:4", rules), {}, LIMITS)) == ["7 calibration_due opens info"]


def test_an_alert_keeps_what_raised_it_and_what_was_in_force():
    limits = replace(LIMITS, high=6.0)
    changes = judge(UNIT, tell("0:8 5:9 9:7 10:8 12:10 15:4 20:4", make_rules(limits)), {}, limits)
    opened, resolved = changes[0].alert, changes[-1].alert
    assert (opened.limits, opened.celsius, opened.extreme) == (limits, 8.0, 9.0)
    assert (clock(opened.began_at), clock(opened.opened_at)) == ("0", "10")
    assert (resolved.extreme, resolved.duration) == (10.0, moment("20") - moment("10"))


def test_one_batch_or_many_give_the_same_alerts():
    events = tell("0:8 5:8 10:8 15:4 20:4 21:8 25:8 30:8 31:8 90:tick 240:4 245:4", make_rules())
    at_once = judge(UNIT, events, {}, LIMITS)
    newest, one_by_one = {}, []
    for event in events:
        changes = judge(UNIT, [event], newest, LIMITS)
        newest |= {c.alert.type: c.alert for c in changes}
        one_by_one += changes
    assert one_by_one == at_once


def test_what_a_person_resolved_is_opened_again_when_it_returns_at_once():
    alert = judge(UNIT, tell("0:8 5:8 10:8", make_rules()), {}, LIMITS)[0].alert
    by_hand = resolve_by_person(alert, OTHER, moment("12"), holds=True, reason=ResolveReason.OUT_OF_SERVICE).alert
    again = judge(UNIT, [Event(EventKind.ALARM_RAISED, moment("11"))], {alert.type: by_hand}, LIMITS)[0]
    assert (again.alert.id, clock(again.entry.at), again.is_new) == (alert.id, "12", False)


def test_the_end_of_what_nobody_knows_is_nothing():
    assert judge(UNIT, [Event(EventKind.NORMAL_RESTORED, START), Event(EventKind.DOOR_CLOSED, START)], {}, LIMITS) == []


def test_every_kind_of_event_has_its_verdict():
    assert set(VERDICTS) == set(EventKind)


@pytest.mark.parametrize(
    ("alert_type", "story", "over"),
    [
        (AlertType.ALARM_ACTIVE, "0:8 5:8 10:8", "15:4"),
        (AlertType.MONITORING_INTERRUPTED, "0:4 60:tick", "61:4"),
        (AlertType.MISSED_MANUAL_ENTRY, "0:4 240:tick", "241:log=4"),
        (AlertType.TEMP_EXCURSION, "0:log=9", "1:log=4"),
        (AlertType.DOOR_OPEN, "0:open 3:tick", "4:closed"),
        (AlertType.LOW_BATTERY, "0:battery=5", "1:battery=90"),
        (AlertType.SENSOR_FAULT, "0:fault", "1:4"),
    ],
)
def test_a_condition_holds_until_it_is_over(alert_type, story, over):
    state = UnitState(UNIT)
    assert not condition_holds(alert_type, state)
    tell(story, make_rules(), state)
    assert condition_holds(alert_type, state)
    tell(over, make_rules(), state)
    assert not condition_holds(alert_type, state)


@pytest.mark.parametrize("alert_type", AlertType)
def test_every_type_has_an_answer(alert_type):
    assert condition_holds(alert_type, UnitState(UNIT)) is False


@given(lives())
def test_at_most_one_alert_of_a_type_is_open_and_none_is_opened_twice(life):
    events, state = fold(life)
    opened, seen = {}, set()
    for alert, entry, is_new in judge(UNIT, events, {}, LIMITS):
        if is_new:
            assert alert.id not in seen
            assert alert.type not in opened
            seen.add(alert.id)
        assert entry.alert_id in seen
        if entry.action in {Action.OPEN, Action.REOPEN}:
            opened[alert.type] = alert
        if not alert.is_open:
            assert opened.pop(alert.type).id == alert.id
            assert alert.resolved_at >= alert.opened_at
    assert all(condition_holds(alert_type, state) for alert_type in set(opened) - {AlertType.ALARM_ACTIVE})
    assert (AlertType.ALARM_ACTIVE in opened) <= (state.temperature.phase != "normal")
    assert all(alert.severity >= Severity.WARNING for alert in opened.values())
