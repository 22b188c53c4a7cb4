"""Every row of the temperature axis, as stories (fridge: 5 and -1 °C, 0.5 K, 600 s / 1200 s, door grace 20 min)."""

from dataclasses import replace

import pytest

from frostguard.domain.limits import Limits
from frostguard.domain.temperature import beyond, is_critical, is_inside
from frostguard.domain.unit_state import UnitState
from tests.domain.stories import FREEZER, TEMPERATURE, UNIT, make_rules, tell, write

FRIDGE = Limits()
CRITICAL = replace(FRIDGE, critical_high=12.0, critical_low=-8.0)
SLOW_CRITICAL = replace(CRITICAL, critical_confirm_seconds=300)

STORIES = {
    "a unit that stays inside says nothing": (FRIDGE, "0:4 5:5 10:-1 15:0", ""),
    "at the limit is not out of it": (FRIDGE, "0:5 5:-1 10:5", ""),
    "above high begins an excursion": (FRIDGE, "0:4 5:5.1", "5:excursion_started"),
    "below low begins one too": (FRIDGE, "0:4 5:-1.1", "5:excursion_started"),
    "a reading still out at the confirm time makes the alarm": (
        FRIDGE,
        "0:8 5:8 9+59:8 10:8",
        "0:excursion_started 10:alarm_raised",
    ),
    "one second before the confirm time is too early": (FRIDGE, "0:8 5:8 9+59:8", "0:excursion_started"),
    "out on the other side is still out": (FRIDGE, "0:8 5:-3 10:8", "0:excursion_started 10:alarm_raised"),
    "between the limits and the hysteresis nothing changes": (FRIDGE, "0:8 5:4.8 10:4.8", "0:excursion_started"),
    "and the confirm time goes on": (FRIDGE, "0:8 5:4.8 10:8", "0:excursion_started 10:alarm_raised"),
    "inside by the hysteresis ends the excursion": (FRIDGE, "0:8 5:4.5", "0:excursion_started 5:restoring_started"),
    "the second reading inside in a row is normal again": (
        FRIDGE,
        "0:8 5:4 10:4",
        "0:excursion_started 5:restoring_started 10:normal_restored",
    ),
    "a reading between them does not break the row": (
        FRIDGE,
        "0:8 5:4 10:4.8 15:4",
        "0:excursion_started 5:restoring_started 15:normal_restored",
    ),
    "an alarm ends by the same two readings": (
        FRIDGE,
        "0:8 5:8 10:8 15:4 20:4",
        "0:excursion_started 10:alarm_raised 15:restoring_started 20:normal_restored",
    ),
    "out again while restoring begins a new excursion with its own confirm time": (
        FRIDGE,
        "0:8 5:8 10:8 15:4 20:8 25:8 30:8",
        "0:excursion_started 10:alarm_raised 15:restoring_started 20:excursion_started 30:alarm_raised",
    ),
    "silence is not recovery: the alarm comes when a check-in was missed": (
        FRIDGE,
        "0:8 5:8 10+29:tick 10+30:tick",
        "0:excursion_started 10+30:alarm_raised",
    ),
    "or at the confirm time, if that is later": (
        replace(FRIDGE, confirm_seconds=1800),
        "0:8 5:8 29+59:tick 30:tick",
        "0:excursion_started 30:alarm_raised",
    ),
    "the moment is found again by the next reading": (
        FRIDGE,
        "0:8 5:8 60:4",
        "0:excursion_started 10+30:alarm_raised 60:restoring_started",
    ),
    "a door that stands open holds normal": (FRIDGE, "0:4 1:open 5:8 10:8 20:8", ""),
    "for twenty minutes and not a second longer": (FRIDGE, "0:4 1:open 20+59:8 21:8", "21:excursion_started"),
    "a held reading begins nothing, the next does": (FRIDGE, "0:4 1:open 5:8 6:closed 10:8", "10:excursion_started"),
    "a held reading is no step of recovery": (
        FRIDGE,
        "0:8 5:4 6:open 10:8 15:4 20:4",
        "0:excursion_started 5:restoring_started 20:normal_restored",
    ),
    "a repeated open does not restart the grace": (FRIDGE, "0:4 1:open 10:open 19:open 21:8", "21:excursion_started"),
    "with the door open the confirm time is the longer one": (
        replace(FRIDGE, door_grace_seconds=0),
        "0:open 0:8 5:8 10:8 15:8 19+59:8 20:8",
        "0:excursion_started 20:alarm_raised",
    ),
    "the confirm time is that of the door's present state": (
        replace(FRIDGE, door_grace_seconds=0),
        "0:open 0:8 5:8 10:8 11:closed 12:8",
        "0:excursion_started 12:alarm_raised",
    ),
    "a closing door does not date the alarm back": (
        replace(FRIDGE, door_grace_seconds=0),
        "0:open 0:8 15:closed 16:tick",
        "0:excursion_started 15:alarm_raised",
    ),
    "the grace never holds beyond a critical limit": (
        CRITICAL,
        "0:4 1:open 5:8 10:12.1",
        "10:excursion_started 10:alarm_raised",
    ),
    "beyond a critical limit the alarm comes at once": (CRITICAL, "0:13", "0:excursion_started 0:alarm_raised"),
    "also out of an excursion, also below": (CRITICAL, "0:8 5:-9", "0:excursion_started 5:alarm_raised"),
    "also while restoring": (
        CRITICAL,
        "0:8 5:4 10:13",
        "0:excursion_started 5:restoring_started 10:excursion_started 10:alarm_raised",
    ),
    "at the critical limit is not beyond it": (CRITICAL, "0:12", "0:excursion_started"),
    "or after its own confirm time": (SLOW_CRITICAL, "0:13 4+59:13 5:13", "0:excursion_started 5:alarm_raised"),
    "which begins anew after a reading that is not beyond": (
        SLOW_CRITICAL,
        "0:13 4:11 5:13 9:13",
        "0:excursion_started",
    ),
    "and after one between the limits and the hysteresis": (
        SLOW_CRITICAL,
        "0:13 3:4.8 5:13 7+59:13",
        "0:excursion_started",
    ),
    "a critical limit never makes it later": (
        replace(SLOW_CRITICAL, critical_confirm_seconds=3600),
        "0:13 5:13 10:13",
        "0:excursion_started 10:alarm_raised",
    ),
    "a confirm time of 0 is at once": (
        replace(FRIDGE, confirm_seconds=0),
        "0:8",
        "0:excursion_started 0:alarm_raised",
    ),
    "a limit of 0 is a limit like any other": (replace(FRIDGE, high=0.0), "0:0 5:0.1", "5:excursion_started"),
    "one reading inside is enough, if so set": (
        replace(FRIDGE, restore_readings=1),
        "0:8 5:4",
        "0:excursion_started 5:restoring_started 5:normal_restored",
    ),
    "a freezer has its own limits": (
        FREEZER,
        "0:-18 5:-14.9 10:-15.5 15:-16",
        "5:excursion_started 15:restoring_started",
    ),
    "only the primary sensor drives": (FRIDGE, "0:4 1:x40 5:4 6:x40", ""),
}


@pytest.mark.parametrize(("limits", "story", "expected"), STORIES.values(), ids=STORIES.keys())
def test_story(limits, story, expected):
    assert write(tell(story, make_rules(limits)), TEMPERATURE) == expected


def test_the_extreme_is_the_farthest_out_since_the_unit_was_normal():
    events = tell("0:8 5:11 10:9 15:4 20:7 25:4 30:4", make_rules())
    assert [(str(e.kind), e.extreme) for e in events if e.extreme is not None] == [
        ("alarm_raised", 11.0),
        ("restoring_started", 11.0),
        ("restoring_started", 11.0),
        ("normal_restored", 11.0),
    ]


def test_an_alarm_says_what_raised_it():
    by = {}
    for story in ("0:8 10:8", "0:8 60:4", "0:13"):
        alarm = next(e for e in tell(story, make_rules(CRITICAL)) if e.kind == "alarm_raised")
        by[story] = alarm.reason, alarm.celsius
    # 0:8 10:8 has a missed check-in at 5+30, so that silence confirms first, at the confirm time
    assert by == {"0:8 10:8": ("silence", None), "0:8 60:4": ("silence", None), "0:13": ("critical", 13.0)}


def test_two_temperatures_of_the_same_second_both_count():
    state = UnitState(UNIT)
    events = tell("0:4 5:4 5:x9", make_rules(primary=None), state)
    assert write(events, TEMPERATURE) == "5:excursion_started"


@pytest.mark.parametrize(
    ("celsius", "out", "inside", "critical"),
    [(5.0, 0.0, False, False), (4.5, -0.5, True, False), (12.5, 7.5, False, True), (-8.5, 7.5, False, True)],
)
def test_the_three_questions_about_a_temperature(celsius, out, inside, critical):
    assert beyond(celsius, CRITICAL) == out
    assert is_inside(celsius, CRITICAL) is inside
    assert is_critical(celsius, CRITICAL) is critical
