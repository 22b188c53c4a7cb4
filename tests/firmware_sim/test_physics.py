"""The physics are the same for the same seed, and look like the real thing."""

import pytest

from firmware_sim.physics import STEP, UNIT_TYPES, Fault, FaultKind, Unit
from firmware_sim.truth import PRESETS

START = 1_700_000_000.0
HOUR = 3600.0


def walk(unit: Unit, hours: float) -> list[float]:
    return [unit.step().temperature for _ in range(int(hours * HOUR / STEP))]


def longest_outside(unit_type: str, temperatures: list[float]) -> float:
    limits, longest, now = PRESETS[unit_type], 0, 0
    for celsius in temperatures:
        now = 0 if limits.low <= celsius <= limits.high else now + 1
        longest = max(longest, now)
    return longest * STEP


@pytest.mark.parametrize("unit_type", UNIT_TYPES)
def test_a_healthy_unit_is_never_outside_its_limits_for_as_long_as_the_rule_asks(unit_type):
    for seed in ("a", "b"):
        assert longest_outside(unit_type, walk(Unit(unit_type, seed, START), 48)) < 600


@pytest.mark.parametrize("unit_type", UNIT_TYPES)
def test_the_compressor_swings_around_the_setpoint(unit_type):
    kind, temperatures = UNIT_TYPES[unit_type], walk(Unit(unit_type, "x", START), 24)
    assert max(temperatures) - min(temperatures) > kind.swing
    assert abs(sum(temperatures) / len(temperatures) - kind.setpoint) < 2 * kind.swing


@pytest.mark.parametrize("unit_type", UNIT_TYPES)
@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.COMPRESSOR_FAILURE, START + HOUR, HOUR),
        Fault(FaultKind.POWER_CUT, START + HOUR, 22 * HOUR),
        Fault(FaultKind.DOOR_OPEN, START + HOUR, 22 * HOUR),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_faulty_unit_warms_beyond_its_limit_but_not_beyond_the_room(unit_type, fault):
    temperatures = walk(Unit(unit_type, "x", START, [fault]), 22)
    assert temperatures[-1] > PRESETS[unit_type].high
    assert max(temperatures) < 30


def test_a_power_cut_ends_and_the_unit_gets_cold_again():
    temperatures = walk(Unit("fridge", "x", START, [Fault(FaultKind.POWER_CUT, START + HOUR, 5 * HOUR)]), 12)
    assert temperatures[int(6 * HOUR / STEP) - 1] > 5 > temperatures[-1]


def test_a_slow_failure_warms_later_than_a_sudden_one():
    slow = walk(Unit("fridge", "x", START, [Fault(FaultKind.COMPRESSOR_FAILURE, START, 8 * HOUR)]), 8)
    sudden = walk(Unit("fridge", "x", START, [Fault(FaultKind.COMPRESSOR_FAILURE, START, 0)]), 8)
    assert sudden[-1] > slow[-1]


def test_the_same_seed_gives_the_same_week_and_another_seed_another():
    assert walk(Unit("freezer", "1", START), 24) == walk(Unit("freezer", "1", START), 24)
    assert walk(Unit("freezer", "1", START), 24) != walk(Unit("freezer", "2", START), 24)


def test_the_answer_does_not_depend_on_how_often_one_asks():
    often, seldom = Unit("walk_in_cooler", "1", START), Unit("walk_in_cooler", "1", START)
    for second in range(0, 7200, 7):
        often.at(START + second)
    assert often.at(START + 7200.5) == seldom.at(START + 7200.5)


def test_between_two_points_the_temperature_is_a_straight_line():
    unit = Unit("fridge", "1", START)
    a = unit.at(START + 100)
    middle = unit.at(START + 105)
    b = unit.at(START + 110)
    assert middle.temperature == pytest.approx((a.temperature + b.temperature) / 2)


def test_a_fault_does_not_change_the_weather_before_it():
    healthy = walk(Unit("fridge", "1", START), 5)
    failing = walk(Unit("fridge", "1", START, [Fault(FaultKind.DOOR_OPEN, START + 4 * HOUR, HOUR)]), 5)
    assert healthy[: int(4 * HOUR / STEP)] == failing[: int(4 * HOUR / STEP)]
    assert healthy != failing


def test_an_open_door_is_seen_and_makes_the_air_damp():
    unit = Unit("fridge", "1", START, [Fault(FaultKind.DOOR_OPEN, START + HOUR, HOUR)])
    before, open_ = unit.at(START + HOUR - 20), unit.at(START + HOUR + 1200)
    assert open_.door_open
    assert open_.humidity > before.humidity
