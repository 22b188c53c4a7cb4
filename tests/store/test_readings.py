"""Storing readings: each way by itself, in a transaction of the test; whole batches are tested with the writer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from frostguard.config import DatabaseSettings
from frostguard.domain.reading import Reading
from frostguard.errors import ConflictError, MissingPartitionError, RowRefusedError
from frostguard.store import partitions, readings
from frostguard.store.connection import Connection, connect
from tests.factories import identity, make_reading
from tests.fakes import NOON


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    """Ready to insert, with the partition of the tests' day."""
    opened = await connect(DatabaseSettings(url=database), "test")
    await readings.prepare(opened)
    await partitions.ensure(opened, [NOON])
    yield opened
    await opened.close()


Store = Callable[[Connection, list[Reading]], Awaitable[object]]


async def _in_a_transaction(connection: Connection, store: Store, row: Reading) -> None:
    async with connection.transaction():
        await store(connection, [row])


MINUTES = [make_reading(n) for n in range(10)]


async def test_copy_stores_what_is_new_and_refuses_what_is_known(connection: Connection) -> None:
    await readings.copy(connection, MINUTES[:5])
    with pytest.raises(ConflictError):
        await readings.copy(connection, MINUTES[4:])
    assert await connection.fetchval("select count(*) from sensor_readings") == 5


async def test_insert_says_what_is_new_in_the_order_given(connection: Connection) -> None:
    await readings.copy(connection, MINUTES[2:4])
    async with connection.transaction():
        assert await readings.insert(connection, MINUTES[5:1:-1]) == [MINUTES[5], MINUTES[4]]
    async with connection.transaction():
        assert await readings.insert(connection, MINUTES[2:6]) == []


async def test_the_staging_table_is_empty_after_every_transaction(connection: Connection) -> None:
    async with connection.transaction():
        await readings.insert(connection, MINUTES)
    assert await connection.fetchval("select count(*) from staging") == 0


async def test_sift_stores_the_good_and_names_the_bad(connection: Connection) -> None:
    bad = [make_reading(2, 999.0), make_reading(7, float("nan"))]
    rows = [*MINUTES[:2], bad[0], *MINUTES[3:7], bad[1], *MINUTES[8:]]
    await connection.execute("begin")
    stored, refused = await readings.sift(connection, rows)
    await connection.execute("commit")
    assert stored == [row for row in rows if row not in bad]
    assert [row.recorded_at for row, _ in refused] == [row.recorded_at for row in bad]
    assert all("temperature" in reason for _, reason in refused)


@pytest.mark.parametrize("store", [readings.copy, readings.insert])
async def test_without_a_partition_it_says_so(connection: Connection, store: Store) -> None:
    far = make_reading(recorded_at=NOON + timedelta(days=400))
    with pytest.raises(MissingPartitionError):
        await _in_a_transaction(connection, store, far)


@pytest.mark.parametrize("store", [readings.copy, readings.insert])
@pytest.mark.parametrize("bad", [{"rssi": 10**6}, {"humidity": 101.0}, {"fault": "a\0b"}, {"snr": 1e300}], ids=str)
async def test_a_row_that_cannot_be_is_refused(connection: Connection, store: Store, bad: dict[str, object]) -> None:
    with pytest.raises(RowRefusedError):
        await _in_a_transaction(connection, store, make_reading(1, **bad))
    assert await connection.fetchval("select 1") == 1


async def test_the_readings_of_a_unit_between_two_moments_come_oldest_first(connection: Connection) -> None:
    other = make_reading(3, unit_id=identity("another unit"))
    await readings.copy(connection, [*reversed(MINUTES), other])
    found = await readings.between(
        connection, identity("unit"), NOON + timedelta(minutes=2), NOON + timedelta(minutes=5)
    )
    assert found == MINUTES[2:6]
    assert all(type(row) is Reading for row in found)
    assert await readings.between(connection, identity("unit"), NOON, NOON + timedelta(hours=1), 3) == MINUTES[:3]
