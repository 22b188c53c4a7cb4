"""Deadlines: their order at the same moment, and the calibration that falls due like any other."""

from dataclasses import replace

from frostguard.domain.limits import Limits
from frostguard.domain.rules import SensorRules
from frostguard.domain.timers import Context, Timer, next_due
from frostguard.domain.unit import deadline
from frostguard.domain.unit_state import UnitState
from tests.domain.stories import PRIMARY, START, UNIT, clock, make_rules, moment, tell, write

CALIBRATION = {"calibration_due", "calibration_done"}


def calibrated(due, since=None):
    return make_rules(sensors={PRIMARY: SensorRules(300, START, calibration_due_at=due and moment(due))}, since=since)


def test_at_the_same_moment_data_comes_before_temperature_and_door():
    limits = replace(Limits(), confirm_seconds=330, door_warning_seconds=330, door_grace_seconds=0)
    rules = make_rules(replace(limits, confirm_open_seconds=330))
    events = tell("0:open 0:8 5+30:tick", rules)
    assert write(events[-4:]) == "5+30:data_late 5+30:alarm_raised 5+30:door_warning"


def test_the_next_deadline_is_the_earliest():
    rules, state = make_rules(), UnitState(UNIT)
    tell("0:4 0:open", rules, state)
    assert next_due(state, Context(rules)) == (moment("3"), Timer.DOOR)
    tell("3:tick", rules, state)
    assert next_due(state, Context(rules)) == (moment("5+30"), Timer.DATA)


def test_a_calibration_falls_due_once_and_is_over_when_a_later_one_is_planned():
    state = UnitState(UNIT)
    told = tell("0:4 5:4 10:4 15:4", calibrated("10"), state)
    told += tell("16:tick", calibrated("10", moment("16")), state)
    told += tell("20:4", calibrated("1000", moment("18")), state)
    assert write(told, CALIBRATION) == "10:calibration_due 20:calibration_done"
    assert state.calibration_due is None


def test_a_dull_reading_does_not_pass_over_a_calibration():
    rules, state = calibrated("12"), UnitState(UNIT)
    tell("0:4 5:4 10:4", rules, state)
    assert clock(deadline(state, rules)) == "12"
    assert write(tell("14:4", rules, state), CALIBRATION) == "12:calibration_due"


def test_dull_readings_keep_the_deadline_up_to_date():
    rules, state = make_rules(), UnitState(UNIT)
    for minute in range(0, 60, 5):
        tell(f"{minute}:4", rules, state)
        assert clock(deadline(state, rules)) == f"{minute + 5}+30"
        fresh = UnitState(UNIT)
        assert next_due(state, Context(rules)) == (deadline(state, rules), Timer.DATA)
        assert fresh.calm is None
