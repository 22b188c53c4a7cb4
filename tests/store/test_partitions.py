"""Weekly partitions: their names, who makes them, and that nobody waits for a reader."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.config import DatabaseSettings
from frostguard.errors import StoreUnavailableError
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


@pytest.mark.case("B15")
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


INSERT = (
    "insert into sensor_readings (unit_id, sensor_id, recorded_at) values (gen_random_uuid(), gen_random_uuid(), $1)"
)
AT = datetime(2025, 3, 5, tzinfo=UTC)
WEEK = "sensor_readings_2025w10"


@pytest.mark.case("B15")
async def test_a_week_is_detached_beside_readers_and_dropped(database: str, connection: Connection) -> None:
    await partitions.ensure(connection, [AT, AT + timedelta(days=7)])
    await connection.execute(INSERT, AT)
    assert await partitions.long_readers(connection, timedelta(0)) == 0
    await partitions.detach(connection, WEEK)
    assert await partitions.places(connection) == {
        WEEK: partitions.Place.DETACHED, "sensor_readings_2025w11": partitions.Place.ATTACHED,
    }  # fmt: skip
    await partitions.detach(connection, WEEK)  # harmless
    async with connection.transaction():
        await partitions.drop(connection, WEEK)
    assert list(await partitions.places(connection)) == ["sensor_readings_2025w11"]


async def test_a_reading_for_a_detached_week_brings_its_table_back_with_its_rows(connection: Connection) -> None:
    await partitions.ensure(connection, [AT])
    await connection.execute(INSERT, AT)
    await partitions.detach(connection, WEEK)
    assert await partitions.existing(connection) == set()
    assert await partitions.ensure(connection, [AT]) == [WEEK]
    await connection.execute(INSERT, AT)
    assert await connection.fetchval("select count(*) from sensor_readings") == 2
    with pytest.raises(StoreUnavailableError, match="in use again"):
        async with connection.transaction():
            await partitions.drop(connection, WEEK)


async def test_a_detaching_that_was_stopped_half_way_goes_on_or_back(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await partitions.ensure(connection, [AT, AT + timedelta(days=7)])
    monkeypatch.setattr(partitions, "DETACH_PATIENCE", "20ms")
    reader = await connect(DatabaseSettings(url=database), "reader")
    for back in (True, False):
        await reader.execute("begin; select count(*) from sensor_readings")
        assert await partitions.long_readers(connection, timedelta(0)) == 1
        with pytest.raises(StoreUnavailableError):
            await partitions.detach(connection, WEEK)
        assert (await partitions.places(connection))[WEEK] is partitions.Place.PENDING
        assert WEEK not in await partitions.existing(connection)
        # Nobody else waits: the daemon writes into the other week.
        await connection.execute(INSERT, AT + timedelta(days=7))
        await reader.execute("commit")
        if back:
            assert await partitions.ensure(connection, [AT]) == [WEEK]
            await connection.execute(INSERT, AT)
    await partitions.detach(connection, WEEK)
    assert (await partitions.places(connection))[WEEK] is partitions.Place.DETACHED
    await reader.close()
