"""What people at a terminal are shown."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from frostguard.config import DatabaseSettings, load
from frostguard.store import connection as connections
from frostguard.store import hierarchy, partitions, status
from frostguard.store.connection import Connection
from tests.store.test_hierarchy import make


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connections.connect(load(DatabaseSettings, {"DATABASE_URL": database}), "test")
    await partitions.ensure_ahead(opened, datetime.now(UTC))
    yield opened
    await opened.close()


@pytest.fixture
def store(database: str):
    """Store readings of a unit: (age in seconds, °C), received when they were measured."""

    def run(unit: UUID, sensor: UUID, *readings: tuple[float, float | None]) -> None:
        now = datetime.now(UTC)
        with psycopg.connect(database, autocommit=True) as c:
            for age, celsius in readings:
                at = now - timedelta(seconds=age)
                c.execute(
                    "insert into sensor_readings (unit_id, sensor_id, recorded_at, received_at, temperature)"
                    " values (%s, %s, %s, %s, %s)",
                    (unit, sensor, at, at, celsius),
                )

    return run


async def fleet(connection: Connection, slug: str = "kitchen") -> tuple[UUID, UUID, UUID]:
    organization, *_, unit = await make(connection, slug)
    sensor = await hierarchy.ensure_sensor(connection, organization, "s1", "temperature", 60, None)
    await hierarchy.assign_sensor(connection, organization, sensor, unit, primary=True)
    return organization, unit, sensor


async def test_a_unit_shows_its_last_temperature(connection: Connection, store) -> None:
    _, unit, sensor = await fleet(connection)
    [empty] = await status.units(connection)
    assert (empty["unit"], empty["temperature"], empty["recorded_at"]) == ("Fridge", None, None)
    store(unit, sensor, (60, 3.5), (30, 4.0), (5, None))
    [row] = await status.units(connection, "kitchen")
    assert (row["organization"], row["site"], row["area"], row["unit"]) == (
        "kitchen",
        "Main Street",
        "Kitchen",
        "Fridge",
    )
    assert row["temperature"] == 4.0


async def test_one_organization_is_shown_without_the_others(connection: Connection) -> None:
    await fleet(connection, "one")
    await fleet(connection, "two")
    assert {row["organization"] for row in await status.units(connection)} == {"one", "two"}
    assert {row["organization"] for row in await status.units(connection, "one")} == {"one"}
    assert await status.units(connection, "nobody") == []


async def test_gateways_are_shown_also_when_they_never_spoke(connection: Connection) -> None:
    organization, *_ = await fleet(connection)
    await hierarchy.ensure_gateway(connection, organization, "gw1", "Gateway")
    [row] = await status.gateways(connection)
    assert (row["gateway"], row["online"], row["last_heard_at"]) == ("gw1", None, None)
    assert await status.gateways(connection, "nobody") == []


async def test_the_last_minute_is_counted(connection: Connection, store) -> None:
    _, unit, sensor = await fleet(connection)
    empty = await status.last_minute(connection)
    assert (empty["readings"], empty["newest_age"]) == (0, -1)
    store(unit, sensor, (120, 1.0), (20, 2.0), (10, 3.0))
    counted = await status.last_minute(connection)
    assert (counted["readings"], counted["sensors"], counted["median_lag"]) == (2, 1, 0)


async def test_sensors_that_wait_are_counted(connection: Connection) -> None:
    organization, *_ = await fleet(connection)
    await hierarchy.ensure_sensor(connection, organization, "unknown", "temperature", 60, None)
    assert await status.pending_sensors(connection) == 1
    assert await status.pending_sensors(connection, "kitchen") == 1
    assert await status.pending_sensors(connection, "nobody") == 0


async def test_units_are_found_by_name_and_by_id(connection: Connection) -> None:
    _, unit, _ = await fleet(connection)
    assert await status.find_units(connection, None, "FRIDGE") == [unit]
    assert await status.find_units(connection, "kitchen", str(unit)) == [unit]
    assert await status.find_units(connection, "nobody", "fridge") == []


async def test_the_servers_clock_is_near_ours(connection: Connection) -> None:
    assert abs(await status.server_now(connection) - datetime.now(UTC)) < timedelta(minutes=1)
