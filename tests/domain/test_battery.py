"""Batteries: the levels, the curves, and the worst of several sensors."""

import pytest

from frostguard.domain.battery import battery_level, percent_of, volts_of
from frostguard.domain.limits import Limits
from frostguard.domain.unit import observe
from frostguard.domain.unit_state import UnitState
from tests.domain.stories import OTHER, PRIMARY, UNIT, make_reading, make_rules, moment, tell, write

BATTERY = {"battery_low", "battery_critical", "battery_cleared"}

STORIES = {
    "21 % is fine": ("0:battery=21", ""),
    "20 % is low": ("0:battery=21 5:battery=20", "5:battery_low"),
    "10 % is critical": ("0:battery=15 5:battery=10", "0:battery_low 5:battery_critical"),
    "0 % is critical, not unknown": ("0:battery=0", "0:battery_critical"),
    "25 % does not clear, 26 % does": ("0:battery=20 5:battery=25 10:battery=26", "0:battery_low 10:battery_cleared"),
    "a little better is not better": ("0:battery=9 5:battery=15 10:battery=9", "0:battery_critical"),
    "a message without a charge says nothing": ("0:battery=9 5:4 10:4", "0:battery_critical"),
    "a temperature that comes with it hides nothing": ("0:4 5:4 10:battery=20 15:4", "10:battery_low"),
}


@pytest.mark.parametrize(("story", "expected"), STORIES.values(), ids=STORIES.keys())
def test_story(story, expected):
    assert write(tell(story, make_rules()), BATTERY) == expected


def test_the_unit_has_the_worst_of_its_sensors():
    state, rules = UnitState(UNIT), make_rules()
    said = ""
    for minute, sensor, percent in [(0, PRIMARY, 20), (1, OTHER, 5), (2, OTHER, 90), (3, PRIMARY, 90)]:
        reading = make_reading(moment(str(minute)), sensor, battery_percent=percent)
        said += write(observe(state, reading, rules), BATTERY) + " "
    assert said.split() == ["0:battery_low", "1:battery_critical", "2:battery_low", "3:battery_cleared"]


def test_volts_count_where_no_percentage_is_sent_and_the_chemistry_is_known():
    state, rules = UnitState(UNIT), make_rules()
    volts = [3.0, 2.9, 2.8, 2.75, 2.6, 2.9]
    events = [
        e
        for minute, value in enumerate(volts)
        for e in observe(state, make_reading(moment(str(minute)), temperature=4.0, battery_volts=value), rules)
    ]
    assert write(events, BATTERY) == "3:battery_low 4:battery_critical 5:battery_cleared"


@pytest.mark.parametrize(
    ("volts", "chemistry", "percent"),
    [
        (3.0, "CR17450", 100),
        (2.80, "Li-MnO2", 35),
        (2.4, "lifes2_aa", 20),
        (1.0, "alkaline", 0),
        (4.0, "cr2032", 100),
        (3.0, "li-socl2", 5),
        (3.0, "ER14505", 5),
        (3.0, None, None),
        (3.0, "potato", None),
    ],
)
def test_volts_mean_percent_by_chemistry(volts, chemistry, percent):
    assert percent_of(volts, chemistry) == percent


def test_the_lowest_voltage_of_a_charge_is_found():
    lowest = volts_of(21, "li-mno2")
    assert percent_of(lowest, "li-mno2") >= 21 > percent_of(lowest - 0.001, "li-mno2")
    assert volts_of(21, None) is None


def test_a_level_never_falls_but_above_the_clear_level():
    assert [battery_level(2, percent, Limits()) for percent in (5, 15, 25, 26)] == [2, 2, 2, 0]
