"""Sensor faults: never a temperature, never an excursion."""

import math

import pytest

from frostguard.domain.fault import temperature_fault
from frostguard.domain.unit import forget_sensor, observe
from frostguard.domain.unit_state import UnitState
from tests.domain.stories import PRIMARY, TEMPERATURE, UNIT, make_reading, make_rules, moment, tell, write

FAULT = {"fault_raised", "fault_cleared"}

STORIES = {
    "a fault is raised once": ("0:4 5:fault 10:fault 15:fault=decoder_error", "5:fault_raised"),
    "a valid temperature clears it": ("0:fault 5:4", "0:fault_raised 5:fault_cleared"),
    "a heartbeat does not": ("0:fault 5:battery=80", "0:fault_raised"),
    "a value outside what the sensor can measure is a fault": ("0:4 5:130 10:4", "5:fault_raised 10:fault_cleared"),
    "an unplugged probe is a fault": ("0:327.67", "0:fault_raised"),
    "no number is a fault": ("0:nan 5:4 10:inf", "0:fault_raised 5:fault_cleared 10:fault_raised"),
}


@pytest.mark.parametrize(("story", "expected"), STORIES.values(), ids=STORIES.keys())
def test_story(story, expected):
    events = tell(story, make_rules())
    assert write(events, FAULT) == expected
    assert write(events, TEMPERATURE) == ""


@pytest.mark.parametrize(
    ("celsius", "fault"),
    [
        (4.0, None),
        (-40.0, None),
        (85.0, None),
        (-40.1, "out_of_range"),
        (85.1, "out_of_range"),
        (150.1, "impossible_value"),
        (-100.1, "impossible_value"),
        (327.67, "no_probe"),
        (-327.67, "no_probe"),
        (math.nan, "not_a_number"),
        (-math.inf, "not_a_number"),
    ],
)
def test_the_fault_in_a_value(celsius, fault):
    assert temperature_fault(celsius, -40.0, 85.0) == fault


def test_a_sensor_that_is_taken_away_takes_its_fault_along():
    state, rules = UnitState(UNIT), make_rules()
    observe(state, make_reading(moment("0"), fault="no_probe", battery_percent=3, door_open=True), rules)
    events = forget_sensor(state, PRIMARY, moment("1"), rules)
    assert write(events) == "1:door_closed 1:battery_cleared 1:fault_cleared"
    assert next(e.reason for e in events if e.kind == "fault_cleared") == "sensor_removed"
