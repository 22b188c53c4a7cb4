"""A batch folded by runs is the batch folded reading by reading, however it is cut."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frostguard.domain import run
from frostguard.domain.event import EventKind
from frostguard.domain.limits import Limits
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules, SensorRules
from frostguard.domain.run import leave
from frostguard.domain.unit import expire, observe
from frostguard.domain.unit_state import UnitState, pack
from frostguard.store.alerts import Subject
from frostguard.units import Unit
from ingest.batch import in_table_order
from ingest.fleet import Fleet
from ingest.folding import Folding
from ingest.memory import Memory
from tests.factories import identity, make_reading
from tests.fakes import NOON

UNITS = [UUID(int=n) for n in range(4)]
GONE = UUID(int=99)


def sensor_of(unit: UUID) -> UUID:
    return UUID(int=unit.int + 1000)


def fleet() -> Fleet:
    found = Fleet()
    for unit in UNITS:
        sensor = sensor_of(unit)
        rules = Rules(Limits(), sensor, {sensor: SensorRules(300, NOON)}, None)
        found.units[unit] = Unit(Subject(identity("acme"), unit, unit), rules, None)
    return found


def image(state: UnitState) -> tuple[object, ...]:
    return pack(state), dict(state.every_sensor()), state.seen_at, state.seen_seq, state.due, state.calm


def settle(memory: Memory, folding: Folding) -> None:
    """What the writer does after a commit."""
    for unit, last in folding.dull.items():
        leave(memory.units[unit], last)
    memory.units.update({unit: state for unit, (state, _) in folding.working.items()})


class Plain:
    """The same, one reading after the other, with nothing remembered cleverly."""

    def __init__(self, of: Fleet) -> None:
        self.fleet = of
        self.units: dict[UUID, UnitState] = {}
        self.said: list[tuple[UUID, object]] = []
        self.late: list[Reading] = []

    def read(self, row: Reading) -> None:
        unit = self.fleet.units.get(row.unit_id)
        if unit is None:
            return
        state = self.units.setdefault(row.unit_id, UnitState(row.unit_id))
        for event in observe(state, row, unit.rules):
            if event.kind is EventKind.READING_LATE:
                self.late.append(row)
            else:
                self.said.append((row.unit_id, event))

    def expire(self, unit: UUID, now: object) -> None:
        self.said += [
            (unit, event) for event in expire(self.units.setdefault(unit, UnitState(unit)), now, self.rules(unit))
        ]

    def rules(self, unit: UUID) -> Rules:
        return self.fleet.units[unit].rules


readings = st.builds(
    lambda unit, second, celsius, percent: make_reading(
        second / 60, celsius, unit_id=unit, sensor_id=sensor_of(unit), battery_percent=percent
    ),
    st.sampled_from([*UNITS, GONE]),
    st.integers(0, 3000),
    st.sampled_from([4.0, 4.0, 4.0, 3.0, 3.5, 4.5, 8.0, None]),
    st.sampled_from([80, 80, 80, 80, None, 15]),
)


@pytest.fixture(autouse=True)
def _short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PIECE", 5)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(readings, max_size=30), max_size=4), st.sets(st.sampled_from(UNITS)))
def test_runs_are_what_their_readings_are_one_by_one(batches: list[list[Reading]], due: set[UUID]) -> None:
    one_fleet, memory = fleet(), Memory()
    plain = Plain(one_fleet)
    for number, batch in enumerate(batches):
        rows, now = in_table_order(batch), NOON + timedelta(minutes=30 * (number + 1))
        folding = Folding(one_fleet, memory)
        folding.readings(rows)
        if rows:
            assert folding.oldest <= min(row.recorded_at for row in rows)
        folding.expire(due, now)
        plain.said, plain.late = [], []
        for row in rows:
            plain.read(row)
        for unit in due:
            plain.expire(unit, now)
        said = [(unit, event) for unit, events in folding.events.items() for event in events]
        assert sorted(said, key=repr) == sorted(plain.said, key=repr)
        assert sorted((row for late in folding.late.values() for row in late), key=repr) == sorted(plain.late, key=repr)
        assert not folding.dull.keys() & folding.working.keys()
        settle(memory, folding)
        assert {unit: image(state) for unit, state in memory.units.items()} == {
            unit: image(state) for unit, state in plain.units.items()
        }


def test_units_that_are_well_get_no_working_copies() -> None:
    one_fleet, memory = fleet(), Memory()
    for begin in (0, 30):
        folding = Folding(one_fleet, memory)
        folding.readings(
            in_table_order(
                make_reading(begin + minute, 4.0, unit_id=unit, sensor_id=sensor_of(unit))
                for unit in UNITS
                for minute in range(0, 20, 4)
            )
        )
        settle(memory, folding)
        if begin == 0:
            assert folding.working.keys() == set(UNITS)  # their lives begin
    assert folding.working.keys() == set(UNITS)  # ten minutes without a word are something
    folding = Folding(one_fleet, memory)
    folding.readings([make_reading(48, 4.1, unit_id=unit, sensor_id=sensor_of(unit)) for unit in UNITS])
    assert folding.dull.keys() == set(UNITS)
    assert not folding.working
