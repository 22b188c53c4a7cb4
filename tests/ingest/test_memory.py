"""Memory is what the tables say, and whoever is due is woken: never late, and without looking at everybody."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostguard.domain.gateway import Gateway, gateway_due, hear
from frostguard.domain.limits import Limits
from frostguard.domain.outages import Outage
from frostguard.domain.rules import Rules, SensorRules
from frostguard.domain.shards import WHOLE
from frostguard.domain.unit import deadline, expire, observe
from frostguard.domain.unit_state import UnitState
from frostguard.store import outages
from frostguard.store.alerts import Subject
from frostguard.store.states import is_touch
from frostguard.units import Unit
from ingest.catching_up import CatchingUp
from ingest.fleet import Fleet
from ingest.memory import NEVER, Deadlines, Memory
from tests.factories import identity, make_organization, make_reading
from tests.fakes import NOON
from tests.ingest.stage import Stage, at, image, staged

LIMITS = [Limits(), Limits(late_missed=2, slack_seconds=0, confirm_seconds=60), Limits(interrupted_missed=2)]
UNITS = [UUID(int=n) for n in range(5)]


def unit_of(unit_id: UUID, limits: Limits, interval: int = 300, since=NOON) -> Unit:
    sensor = UUID(int=unit_id.int + 1000)
    rules = Rules(limits, sensor, {sensor: SensorRules(interval, NOON)}, since)
    return Unit(Subject(identity("acme"), unit_id, unit_id), rules, None)


class World:
    """Some units, the heap under test, and the naive way to the same answer: look at everybody."""

    def __init__(self) -> None:
        self.fleet = Fleet()
        self.fleet.units = {unit: unit_of(unit, Limits()) for unit in UNITS}
        self.memory = Memory()
        self.now = NOON
        self.heap = Deadlines(self.fleet, self.memory, CatchingUp())

    def take(self, unit: UUID, state: UnitState) -> None:
        """What the writer does after a commit."""
        before = self.memory.units.get(unit)
        self.memory.units[unit] = state
        if not is_touch(state, before):
            self.heap.schedule([unit])

    def state(self, unit: UUID) -> UnitState:
        return self.memory.units[unit].copy() if unit in self.memory.units else UnitState(unit)

    def read(self, unit: UUID, celsius: float, delay: int) -> None:
        state, rules = self.state(unit), self.fleet.units[unit].rules
        reading = make_reading(
            0, celsius, unit_id=unit, sensor_id=rules.primary, recorded_at=self.now - timedelta(seconds=delay)
        )
        observe(state, reading, rules, self.memory.outages.same or ())
        self.take(unit, state)

    def change(self, unit: UUID, limits: Limits, interval: int) -> None:
        self.fleet.units[unit] = unit_of(unit, limits, interval, self.now)
        self.heap.schedule([unit])

    def be_deaf(self, seconds: int) -> None:
        began, self.now = self.now, self.now + timedelta(seconds=seconds)
        self.memory.add_outage(Outage(began, self.now))

    def naive(self) -> set[UUID]:
        found = set()
        for unit in UNITS:
            due = deadline(self.state(unit), self.fleet.units[unit].rules, self.memory.outages.same or ())
            if due is not None and due <= self.now:
                found.add(unit)
        return found

    def look(self) -> None:
        units, _ = self.heap.due(self.now)
        assert len(units) == len(set(units))
        assert set(units) == self.naive()
        for unit in units:
            state = self.state(unit)
            expire(state, self.now, self.fleet.units[unit].rules, self.memory.outages.same or ())
            self.take(unit, state)
        self.heap.schedule(units)
        assert not self.naive()


unit = st.sampled_from(UNITS)
steps = st.one_of(
    st.tuples(st.just("read"), unit, st.sampled_from([4.0, 4.0, 4.0, 9.0]), st.sampled_from([0, 0, 1, 400])),
    st.tuples(st.just("change"), unit, st.sampled_from(LIMITS), st.sampled_from([60, 300, 3600])),
    st.tuples(st.just("be_deaf"), st.integers(1, 4000)),
    st.tuples(st.just("pass"), st.integers(0, 2000)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=40))
def test_the_heap_finds_whoever_is_due_as_if_it_looked_at_everybody(story: list[tuple]) -> None:
    world = World()
    for verb, *arguments in story:
        if verb == "pass":
            world.now += timedelta(seconds=arguments[0])
        else:
            getattr(world, verb)(*arguments)
        world.look()
    assert len(world.heap) < 10 * len(UNITS) + len(story), "what is out of date does not pile up"


class Counting(Deadlines):
    """Counts how often somebody's deadline is asked for."""

    asked = 0

    def _unit_due(self, unit_id):
        self.asked += 1
        return super()._unit_due(unit_id)


def test_one_that_is_due_among_many_is_found_without_asking_the_others() -> None:
    fleet, memory = Fleet(), Memory()
    units = [UUID(int=n) for n in range(10_000)]
    fleet.units = {unit: unit_of(unit, Limits()) for unit in units}
    fleet.units[units[7]] = unit_of(units[7], Limits(), 60)
    heap = Counting(fleet, memory, CatchingUp())
    heap.asked = 0
    assert heap.due(NOON + timedelta(minutes=10)) == ([units[7]], [])
    assert heap.asked == 1


def test_dull_readings_push_nothing() -> None:
    world = World()
    for _ in range(100):
        world.now += timedelta(minutes=1)
        for unit in UNITS:
            world.read(unit, 4.0, 0)
    assert len(world.heap) <= 2 * len(UNITS)


def test_the_rest_comes_next_time_where_more_are_due_than_are_wanted() -> None:
    world = World()
    later = NOON + timedelta(days=1)
    first, _ = world.heap.due(later, limit=3)
    second, _ = world.heap.due(later, limit=3)
    assert (len(first), len(second)) == (3, 2)
    assert {*first, *second} == set(UNITS)


def test_a_gateway_is_woken_when_it_counts_as_silent_and_never_before_it_was_heard() -> None:
    owner = make_organization()
    fleet, memory = Fleet(), Memory()
    fleet._replace([], {owner.id: owner})
    gateway = owner.gateways["gw-1"]
    owner.intervals[gateway] = 300
    heap = Deadlines(fleet, memory, CatchingUp())
    assert heap.next() is None
    memory.gateways[gateway], _ = hear(Gateway(gateway), NOON)
    heap.schedule_gateways([gateway])
    due = gateway_due(memory.gateways[gateway], 300, owner.limits)
    assert heap.next() == due == NOON + timedelta(seconds=930)
    assert heap.due(due - timedelta(seconds=1)) == ([], [])
    assert heap.due(due) == ([], [gateway])


# --- read back


@pytest.fixture
async def stage(emptied: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with staged(emptied, monkeypatch, units=2, gateways=2) as one:
        yield one


async def test_everything_is_read_back(stage: Stage) -> None:
    await stage.live("0:4 5:8 15:8", 0, 1)
    await stage.commit(statuses={stage.gateways[1]: (False, at(15))})
    await stage.wait(40)
    before = stage.memory
    await stage.open()
    after = stage.memory
    assert {k: image(s) for k, s in after.units.items()} == {k: image(s) for k, s in before.units.items()}
    assert (after.outages.same, after.listened_until) == (before.outages.same, before.listened_until)
    silent = {key: replace_heard(gateway) for key, gateway in before.gateways.items()}
    assert {key: replace_heard(gateway) for key, gateway in after.gateways.items()} == silent
    assert after.gateways[stage.gateways[0]].silent_since is not None
    assert after.gateways[stage.gateways[1]].lost_at == at(15)


def replace_heard(gateway):
    """When it was heard is written once a minute; our outage covers the rest."""
    return gateway._replace(heard_at=None)


async def test_before_the_first_daemon_nobody_listened(stage: Stage) -> None:
    await stage.connection.execute("truncate listening, outages")
    memory = await Memory.read(stage.connection)
    assert (memory.listened_until, memory.outages.same) == (NEVER, ())
    await stage.open()
    await stage.drain(30)
    assert stage.memory.outages.same == (Outage(NEVER, at(30)),)
    await stage.wait(55)
    assert await stage.alerts() == [], "units that were assigned at noon are not silent for that"


async def test_memory_keeps_as_many_outages_as_are_read_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "KEPT", 3)
    await stage.connection.execute("truncate listening, outages")
    memory = await Memory.read(stage.connection)
    for n in range(5):
        outage = Outage(at(2 * n), at(2 * n + 1))
        memory.add_outage(outage)
        await outages.add(stage.connection, WHOLE, outage)
    _, silences = await outages.load(stage.connection)
    assert silences.same == (memory.outages.same or ())[-3:]
