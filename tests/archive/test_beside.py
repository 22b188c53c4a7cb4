"""A week leaves while readings come in, now and late; and into an S3 as into a folder."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from frostguard import blobs
from frostguard.archive import run
from frostguard.config import ArchiveSettings, DatabaseSettings
from frostguard.domain.reading import Reading
from frostguard.errors import MissingPartitionError, StoreUnavailableError
from frostguard.store import archives, partitions, readings
from frostguard.store.connection import Connection, connect
from tests.archive.conftest import MONDAY, NOW, House
from tests.s3_server import PASSWORD, make_bucket, s3_server


async def keep_writing(house: House, connection: Connection, done: asyncio.Event) -> int:
    """Write as the daemon does, one reading of now and one of the week that leaves in each transaction."""
    count = 0
    while not done.is_set():
        count += 1
        rows = [
            Reading(house.unit, NOW + timedelta(seconds=count), house.unit, count, NOW, 4.0),
            Reading(house.unit, MONDAY + timedelta(seconds=count), house.unit, count, MONDAY, 5.0),
        ]
        while True:
            try:
                async with connection.transaction():
                    await readings.copy(connection, rows)
                break
            except MissingPartitionError:
                await partitions.ensure(connection, {row.recorded_at for row in rows})
            except StoreUnavailableError:  # the very week is being detached
                await asyncio.sleep(0)
        house.stored += rows
        await asyncio.sleep(0.002)
    return count


async def test_readings_that_come_in_meanwhile_are_all_there_once(house: House) -> None:
    await house.store(house.rows(house.unit, MONDAY, 2000))
    other = await connect(DatabaseSettings(url=house.url), "daemon")
    done = asyncio.Event()
    writing = asyncio.create_task(keep_writing(house, other, done), name="writing")
    try:
        for _ in range(4):
            before = len(house.stored)
            await house.archive()
            found = [row[:4] for row in await house.read()]
            assert len(found) == len(set(found)) >= before
    finally:
        done.set()
        count = await writing
        await other.close()
    assert count > 0
    assert await house.read() == house.expected()
    (outcome,) = await house.archive()
    assert outcome.waits is None
    assert await house.read() == house.expected()
    assert await house.in_table() == count, "only what is of now"


async def test_a_week_waits_for_a_transaction_that_reads_for_long(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LONG_READER", timedelta(0))
    monkeypatch.setattr(run, "READER_SECONDS", 1)
    await house.store(house.rows(house.unit, MONDAY, 100))
    reader = await connect(DatabaseSettings(url=house.url), "report")
    await reader.execute("begin; select count(*) from sensor_readings")
    (outcome,) = await house.archive()
    assert "has been reading" in (outcome.waits or "")
    # Nothing is half detached: its readings are taken without a wait.
    late = house.rows(house.unit, MONDAY, 1, seq=9000)
    await house.store(late)
    await reader.execute("commit")
    await reader.close()
    assert [o.waits for o in await house.archive()] == [None]
    assert await house.read() == house.expected()


async def test_into_an_s3(house: House, tmp_path: Path) -> None:
    with s3_server() as url:
        make_bucket(url, "cold")
        settings = ArchiveSettings(endpoint=url, bucket="cold", access_key="key", secret_key=PASSWORD)
        async with blobs.opened(settings) as store:
            house.blobs = store
            await house.store(house.rows(house.unit, MONDAY, 300))
            await house.archive()
            assert await house.in_table() == 0
            assert await house.read() == house.expected()
            (row,) = await archives.all_files(house.connection)
            assert [each.key async for each in store.list("readings/")] == [
                row["key"].replace(".parquet", ".json"), row["key"],
            ]  # fmt: skip
