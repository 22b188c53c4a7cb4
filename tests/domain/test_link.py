"""Every row of the data axis, as stories (interval 5 min, slack 30 s, late 1, interrupted 5, manual log at 240 min)."""

from dataclasses import replace

import pytest

from frostguard.domain.limits import Limits
from frostguard.domain.rules import SensorRules
from frostguard.domain.unit import deadline
from frostguard.domain.unit_state import UnitState
from tests.domain.stories import DATA, DOOR, PRIMARY, START, UNIT, clock, make_rules, statuses, tell, write

LIMITS = Limits()

STORIES = {
    "one missed check-in is late": (LIMITS, "0:4 5+29:tick 5+30:tick", "0:data_fresh 5+30:data_late"),
    "a value in time is fresh": (LIMITS, "0:4 5+29:4 10:4", "0:data_fresh"),
    "a value at the very moment is late, and fresh": (
        LIMITS,
        "0:4 5+30:4",
        "0:data_fresh 5+30:data_late 5+30:data_fresh",
    ),
    "five missed are an interruption": (
        LIMITS,
        "0:4 25+29:tick 25+30:tick",
        "0:data_fresh 5+30:data_late 25+30:data_interrupted",
    ),
    "240 minutes without value or log ask for a person": (
        LIMITS,
        "0:4 240:tick",
        "0:data_fresh 5+30:data_late 25+30:data_interrupted 240:manual_required",
    ),
    "a value ends it, from wherever": (
        LIMITS,
        "0:4 240:tick 300:4",
        "0:data_fresh 5+30:data_late 25+30:data_interrupted 240:manual_required 300:data_fresh",
    ),
    "a log leaves manual, and the next is due 240 minutes later": (
        LIMITS,
        "0:4 250:log=4 489+59:tick 490:tick",
        "0:data_fresh 5+30:data_late 25+30:data_interrupted 240:manual_required 250:manual_logged 490:manual_required",
    ),
    "a log in time postpones the duty": (
        LIMITS,
        "0:4 100:log=4 339+59:tick 340:tick",
        "0:data_fresh 5+30:data_late 25+30:data_interrupted 340:manual_required",
    ),
    "a log that is due again already does not leave manual": (
        replace(LIMITS, manual_interval_minutes=30),
        "0:4 100:tick 0:log=4 100:tick",
        "0:data_fresh 5+30:data_late 25+30:data_interrupted 30:manual_required",
    ),
    "a grace moves the duty": (
        replace(LIMITS, manual_grace_minutes=15),
        "0:4 254+59:tick 255:tick",
        "0:data_fresh 5+30:data_late 25+30:data_interrupted 255:manual_required",
    ),
    "a sensor that never speaks is an interruption after its assignment": (
        LIMITS,
        "25+29:tick 25+30:tick 240:tick",
        "25+30:data_interrupted 240:manual_required",
    ),
    "a door message does not hide that the temperature is missing": (
        LIMITS,
        "0:4 2:closed 5:open 6:closed",
        "0:data_fresh 5+30:data_late",
    ),
    "nor does a temperature of a sensor that is not the primary": (
        LIMITS,
        "0:4 4:x4 6:x4",
        "0:data_fresh 5+30:data_late",
    ),
    "nor a fault": (LIMITS, "0:4 5:fault 6:tick", "0:data_fresh 5+30:data_late"),
    "the counts are settings": (
        replace(LIMITS, late_missed=2, interrupted_missed=3, slack_seconds=0),
        "0:4 10:tick 15:tick",
        "0:data_fresh 10:data_late 15:data_interrupted",
    ),
}


@pytest.mark.parametrize(("limits", "story", "expected"), STORIES.values(), ids=STORIES.keys())
def test_story(limits, story, expected):
    assert write(tell(story, make_rules(limits)), DATA) == expected


def test_the_interval_is_the_sensors_own():
    assert (
        write(tell("0:4 60:tick 60+30:tick", make_rules(interval_seconds=3600)), DATA) == "0:data_fresh 60+30:data_late"
    )


def test_without_a_primary_the_interval_is_that_of_the_sensor_that_measured_last():
    rules = make_rules(primary=None)
    assert write(tell("0:4 5+30:tick", rules), DATA) == "0:data_fresh 5+30:data_late"
    assert write(tell("0:x4 5+30:tick 10+30:tick", rules), DATA) == "0:data_fresh 10+30:data_late"


def test_a_unit_without_a_temperature_sensor_waits_for_nothing():
    rules = make_rules(primary=None, sensors={DOOR: SensorRules(300, START, measures_temperature=False)})
    state = UnitState(UNIT)
    assert tell("0:closed 1000:tick", rules, state) == []
    assert deadline(state, rules) is None
    assert state.status == "offline"


def test_a_new_primary_gets_its_own_time_to_speak():
    state = UnitState(UNIT)
    tell("0:4 5:4", make_rules(), state)
    moved = make_rules(sensors={PRIMARY: SensorRules(300, START.replace(hour=1))})
    assert clock(deadline(state, moved)) == "65+30"


def test_the_status_says_the_worst_of_both_axes():
    events = tell("0:8 3:8 12:tick 30:tick 300:4 305:4 310:4", make_rules())
    assert statuses(events) == "0:excursion 10:alarm_active 300:restoring 305:ok"
    events = tell("0:4 6:tick 30:tick 240:tick 245:log=4 250:4", make_rules())
    assert statuses(events) == (
        "0:ok 5+30:offline 25+30:monitoring_interrupted 240:manual_required 245:monitoring_interrupted 250:ok"
    )
