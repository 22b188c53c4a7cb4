"""States written and read back: bit for bit, by the short way of dull readings and by the full one."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frostguard.config import DatabaseSettings
from frostguard.domain.gateway import Gateway
from frostguard.domain.limits import Limits
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules, SensorRules
from frostguard.domain.unit import ManualLog, expire, forget_sensor, manual_log, observe
from frostguard.domain.unit_state import UnitState, pack
from frostguard.store import states
from frostguard.store.connection import Connection, connect
from tests.fakes import NOON
from tests.store.tenants import Tenant, tenant

MINUTE = timedelta(minutes=1)


def image(state: UnitState) -> tuple[object, ...]:
    return pack(state), dict(state.every_sensor()), state.sensor and (state.sensor.id, state.seen_at, state.seen_seq)


class Life:
    """A unit with sensors, judged step by step; after each the state is saved as the daemon does."""

    def __init__(self, connection: Connection, unit: UUID, sensors: list[UUID]) -> None:
        self.connection, self.unit, self.sensors = connection, unit, sensors
        known = SensorRules(300, NOON)
        self.rules = Rules(Limits(confirm_seconds=60), sensors[0], dict.fromkeys(sensors, known))
        self.committed: UnitState | None = None
        self.now = NOON
        self.touches = 0

    def next(self) -> UnitState:
        return self.committed.copy() if self.committed is not None else UnitState(self.unit)

    async def save(self, state: UnitState) -> None:
        self.touches += states.is_touch(state, self.committed)
        await states.save(self.connection, [(state, self.committed)])
        self.committed = state

    async def read(self, sensor: int, **values: object) -> None:
        state = self.next()
        reading = Reading(self.unit, self.now, self.sensors[sensor], 0, self.now, **values)  # type: ignore[arg-type]
        observe(state, reading, self.rules)
        await self.save(state)

    async def log(self, celsius: float) -> None:
        state = self.next()
        manual_log(state, ManualLog(self.now, celsius), self.rules)
        await self.save(state)

    async def tick(self) -> None:
        state = self.next()
        expire(state, self.now, self.rules)
        await self.save(state)

    async def forget(self, sensor: int) -> None:
        state = self.next()
        forget_sensor(state, self.sensors[sensor], self.now, self.rules)
        await self.save(state)
        await states.forget_sensors(self.connection, [(self.unit, self.sensors[sensor])])

    async def is_read_back(self) -> None:
        found = (await states.load(self.connection)).get(self.unit)
        assert found is not None
        assert self.committed is not None
        assert image(found) == image(self.committed)


async def begin(direct: Connection, own: Tenant) -> Life:
    unit = await direct.fetchval(
        "insert into units (organization_id, area_id, name) values ($1, $2, 'Life') returning id",
        own.id, own.area,
    )  # fmt: skip
    sensors = [
        await direct.fetchval(
            """insert into sensors (organization_id, serial, unit_id, assigned_at) values ($1, $2, $3, $4)
               returning id""",
            own.id, f"life-{n}", unit, NOON,
        )
        for n in range(3)
    ]  # fmt: skip
    return Life(direct, unit, sensors)


@pytest.fixture
async def life(direct: Connection, own: Tenant) -> Life:
    return await begin(direct, own)


sensor = st.integers(0, 2)
celsius = st.sampled_from([4.0, 4.0, 4.0, 3.0, 9.0, 4.8, -5.0])
steps = st.one_of(
    st.tuples(st.just("read"), st.just(0), st.fixed_dictionaries({"temperature": celsius})),
    st.tuples(st.just("read"), sensor, st.fixed_dictionaries({"temperature": celsius, "battery_percent": sensor})),
    st.tuples(st.just("read"), sensor, st.fixed_dictionaries({"door_open": st.booleans()})),
    st.tuples(st.just("read"), sensor, st.just({"fault": "no_probe"})),
    st.tuples(st.just("log"), celsius),
    st.tuples(st.just("tick")),
    st.tuples(st.just("forget"), sensor),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_happens_the_tables_say_what_memory_says(database: str, data: st.DataObject) -> None:
    """Its own loop and connection for each example: hypothesis knows no async tests."""
    story = data.draw(st.lists(st.tuples(steps, st.sampled_from([0, 1, 1, 5, 30, 300])), min_size=1, max_size=15))
    asyncio.run(_live(database, story))


async def _live(database: str, story: list[tuple[tuple, int]]) -> None:
    connection = await connect(DatabaseSettings(url=database), "test")
    try:
        own = await tenant(connection)
        one = await begin(connection, own)
        for (verb, *arguments), pause in story:
            one.now += pause * MINUTE
            if verb == "read":
                await one.read(arguments[0], **arguments[1])
            else:
                await getattr(one, verb)(*arguments)
            await one.is_read_back()
    finally:
        await connection.close()


async def test_a_dull_reading_takes_the_short_way_and_leaves_nothing_out(life: Life) -> None:
    for _ in range(4):
        await life.read(0, temperature=4.0)
        life.now += MINUTE
    assert life.touches == 3
    await life.is_read_back()


async def test_another_sensor_takes_the_newest_check_in_of_the_last_one_into_its_row(life: Life) -> None:
    for _ in range(3):
        await life.read(0, temperature=4.0)
        life.now += MINUTE
    await life.read(1, door_open=False)
    await life.is_read_back()
    await life.read(0, temperature=4.0)
    life.now += MINUTE
    await life.read(0, temperature=4.0)
    await life.forget(1)
    await life.is_read_back()


async def test_the_status_is_in_the_row_for_whoever_asks(life: Life) -> None:
    await life.read(0, temperature=9.0)
    row = await life.connection.fetchrow("select status::text, last_temperature, last_reading_at from unit_states")
    assert tuple(row) == ("excursion", 9.0, NOON)


async def test_only_what_changed_more_than_its_last_values_is_returned(life: Life, direct: Connection) -> None:
    await life.read(0, temperature=4.0)
    assert life.committed is not None
    dull, hot = life.next(), life.next()
    later = NOON + MINUTE
    observe(dull, Reading(life.unit, later, life.sensors[0], 0, later, 4.0), life.rules)
    observe(hot, Reading(life.unit, later, life.sensors[0], 0, later, 9.0), life.rules)
    assert await states.save(direct, [(dull, life.committed)]) == []
    assert await states.save(direct, [(hot, life.committed)]) == [hot]


async def test_a_unit_that_was_deleted_meanwhile_is_left_out(life: Life, direct: Connection) -> None:
    await life.read(0, temperature=4.0)
    await direct.execute("delete from sensors where unit_id = $1", life.unit)
    await direct.execute("delete from units where id = $1", life.unit)
    await life.read(0, temperature=9.0)
    await life.read(0, temperature=9.0)
    assert life.unit not in await states.load(direct)


async def test_gateways_are_read_back_and_heard_never_steps_back(direct: Connection, own: Tenant) -> None:
    one = await direct.fetchval(
        "insert into gateways (organization_id, serial, name) values ($1, 'life-gw', 'G') returning id",
        own.id,
    )
    silent = Gateway(one, NOON, NOON + MINUTE, NOON + 2 * MINUTE)
    await states.save_gateways(direct, [silent, Gateway(UUID(int=9), NOON)])
    assert (await states.load_gateways(direct))[one] == silent
    await states.save_gateways(direct, [Gateway(one, NOON - MINUTE)])
    assert (await states.load_gateways(direct))[one] == Gateway(one, NOON)
