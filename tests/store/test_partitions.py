"""Weekly partitions: their names, who makes them, and that nobody waits for a reader."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.config import DatabaseSettings
from frostguard.store import partitions
from frostguard.store.connection import Connection, connect


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "test")
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("at", "name"),
    [
        ("2026-11-22T23:59:59.999999+00:00", "sensor_readings_2026w47"),
        ("2026-11-23T00:00:00+00:00", "sensor_readings_2026w48"),
        ("2026-11-23T01:00:00+02:00", "sensor_readings_2026w47"),
        ("2027-01-01T00:00:00+00:00", "sensor_readings_2026w53"),
        ("2024-12-30T00:00:00+00:00", "sensor_readings_2025w01"),
        ("2024-02-29T12:00:00+00:00", "sensor_readings_2024w09"),
    ],
)
def test_a_week_has_its_iso_name(at: str, name: str) -> None:
    assert partitions.name_of(datetime.fromisoformat(at)) == name


@given(st.integers(7 * 1440, 120_000_000), st.integers(-12, 14))
def test_every_moment_is_in_its_week_whatever_its_zone(minute: int, hours: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    begin = partitions.week_of(at.astimezone(timezone(timedelta(hours=hours))))
    assert begin <= at < begin + partitions.WEEK
    assert begin.weekday() == 0
    assert partitions.begin_of(partitions.name_of(at)) == begin


@pytest.mark.parametrize("name", ["units", 'sensor_readings_2026w47"; drop', "sensor_readings_2026w4", "", "x\n"])
def test_a_name_that_is_not_ours_gets_near_no_statement(name: str) -> None:
    for use in (partitions.quoted, partitions.begin_of):
        with pytest.raises(ValueError, match="partition"):
            use(name)


async def test_partitions_are_made_once_and_cover_their_week(connection: Connection) -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    moments = [at, at + timedelta(days=1), at - timedelta(days=1)]
    assert await partitions.ensure(connection, moments) == ["sensor_readings_2026w47", "sensor_readings_2026w48"]
    assert await partitions.ensure(connection, moments) == []
    assert await partitions.existing(connection) == {"sensor_readings_2026w47", "sensor_readings_2026w48"}
    insert = """insert into sensor_readings (unit_id, sensor_id, recorded_at)
                values (gen_random_uuid(), gen_random_uuid(), $1)"""
    for moment in (partitions.week_of(at), at, partitions.week_of(at) + partitions.WEEK):
        await connection.execute(insert, moment)


async def test_a_partition_is_made_beside_an_open_reader(database: str, connection: Connection) -> None:
    now = datetime.now(UTC)
    await partitions.ensure(connection, [now])
    reader = await connect(DatabaseSettings(url=database), "reader")
    await reader.execute("begin; select count(*) from sensor_readings")
    assert len(await partitions.ensure(connection, [now + timedelta(days=70)])) == 1
    await reader.execute("commit")
    await reader.close()


async def test_inside_a_transaction_they_are_part_of_it(connection: Connection) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    await connection.execute("begin")
    assert len(await partitions.ensure(connection, [at])) == 1
    await connection.execute("rollback")
    assert await partitions.existing(connection) == set()


async def test_a_fortnight_ahead_is_always_there(connection: Connection) -> None:
    sunday = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
    await partitions.ensure_ahead(connection, sunday)
    names = await partitions.existing(connection)
    assert names >= {partitions.name_of(sunday + timedelta(days=n)) for n in range(-6, 15)}
    assert await partitions.ensure_ahead(connection, sunday + timedelta(minutes=2)) != list(names)
