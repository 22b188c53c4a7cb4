"""What the machines know of sensors."""

from datetime import timedelta

from frostguard.domain.rules import Rules, SensorRules
from tests.domain.stories import DOOR, OTHER, PRIMARY, START, moment

SENSORS = {
    PRIMARY: SensorRules(300, moment("10")),
    OTHER: SensorRules(600, moment("5")),
    DOOR: SensorRules(60, START, measures_temperature=False),
}


def test_with_a_primary_only_it_counts():
    rules = Rules(primary=PRIMARY, sensors=SENSORS)
    assert (rules.drives(PRIMARY), rules.drives(OTHER)) == (True, False)
    assert (rules.assigned_at, rules.interval(OTHER)) == (moment("10"), 300)


def test_without_one_any_that_measures_temperature_counts():
    rules = Rules(sensors=SENSORS)
    assert rules.drives(OTHER)
    assert (rules.assigned_at, rules.interval(OTHER), rules.interval(None)) == (moment("5"), 600, 300)


def test_nothing_known_means_the_defaults():
    rules = Rules(primary=PRIMARY)
    assert (rules.assigned_at, rules.interval(None)) == (None, 300)
    assert rules.patience(5, None) == timedelta(seconds=1530)
