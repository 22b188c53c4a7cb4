"""Which sensor speaks: its own order, its own last check-in."""

from frostguard.domain.sensors import fault_of, select_sensor
from frostguard.domain.unit_state import UnitState, pack_sensors
from tests.domain.stories import DOOR, OTHER, PRIMARY, UNIT, clock, make_reading, make_rules, moment, tell


def test_each_sensor_keeps_its_own_last_check_in():
    state = UnitState(UNIT)
    tell("0:4 7:open 5:4 6:x3", make_rules(), state)
    assert {row.sensor_id: clock(row.last_at) for row in pack_sensors(state)} == {PRIMARY: "5", DOOR: "7", OTHER: "6"}


def test_a_late_reading_touches_nothing():
    state = UnitState(UNIT)
    tell("0:4 5:4 6:open", make_rules(), state)
    before = pack_sensors(state)
    assert not select_sensor(state, make_reading(moment("5"), PRIMARY, temperature=40.0))
    assert pack_sensors(state) == before


def test_the_fault_of_a_reading_is_its_own_or_its_values():
    rules = make_rules()
    assert fault_of(make_reading(moment("0"), fault="decoder_error"), rules) == "decoder_error"
    assert fault_of(make_reading(moment("0"), temperature=126.0), rules) == "out_of_range"
    assert fault_of(make_reading(moment("0"), humidity=40.0), rules) is None
