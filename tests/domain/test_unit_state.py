"""The rows: scalars that a database takes, and only those sensors that changed."""

from datetime import datetime
from uuid import UUID

from frostguard.domain.unit_state import UnitRow, UnitState, pack, pack_sensors, unpack
from tests.domain.stories import DOOR, PRIMARY, START, UNIT, make_rules, tell

LIFE = "0:8 1:open 2:battery=15 5:fault 30:log=9 40:13"


def test_a_row_holds_scalars_only():
    state = UnitState(UNIT)
    tell(LIFE, make_rules(), state)
    row = pack(state)
    assert isinstance(row, UnitRow)
    assert all(value is None or isinstance(value, str | int | float | bool | datetime | UUID) for value in row)
    assert (row.status, row.temperature_phase, row.data_phase) == ("alarm_active", "alarm", "fresh")
    assert (row.celsius, row.measured_by, row.door_open) == (13.0, PRIMARY, True)


def test_a_new_unit_packs_too():
    state = UnitState(UNIT)
    assert pack(unpack(pack(state))) == pack(state)
    assert pack(state).status == "offline"
    assert pack_sensors(state) == []


def test_only_the_sensors_that_changed_are_written():
    rules, state = make_rules(), UnitState(UNIT)
    tell("0:4 1:open", rules, state)
    assert {row.sensor_id for row in pack_sensors(state)} == {PRIMARY, DOOR}
    committed, working = state, state.copy()
    assert pack_sensors(working, committed) == []
    tell("5:4", rules, working)
    assert [(row.sensor_id, row.last_at) for row in pack_sensors(working, committed)] == [
        (PRIMARY, START.replace(minute=5))
    ]
    committed = working.copy()
    tell("10:4", rules, working)
    assert [row.sensor_id for row in pack_sensors(working, committed)] == [PRIMARY]


def test_every_slot_is_copied():
    state = UnitState(UNIT)
    tell(LIFE, make_rules(), state)
    other = state.copy()
    assert all(getattr(other, name) is getattr(state, name) for name in UnitState.__slots__)


def test_a_working_copy_leaves_the_committed_state_alone():
    rules, state = make_rules(), UnitState(UNIT)
    tell(LIFE, rules, state)
    before = pack(state), pack_sensors(state)
    tell("50:closed 51:4 52:4 53:battery=90 60:x4 700:tick", rules, state.copy())
    assert (pack(state), pack_sensors(state)) == before
