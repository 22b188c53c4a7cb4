"""Closed weeks are made dense once, beside everything."""

from datetime import timedelta

import pytest

from frostguard.archive.compact import compact
from frostguard.config import DatabaseSettings
from frostguard.store import partitions
from frostguard.store.connection import connect
from tests.archive.conftest import NOW, House


async def test_only_weeks_that_are_over_and_only_once(house: House) -> None:
    now = partitions.week_of(NOW) + timedelta(days=1)
    await partitions.ensure(house.connection, [now, now - timedelta(days=7), now - timedelta(days=14)])
    assert await compact(house.connection, now) == [partitions.week_of(now) - timedelta(days=14)]
    assert await compact(house.connection, now) == []
    assert len(await compact(house.connection, now + timedelta(days=1))) == 1


async def test_the_index_shrinks_and_a_rebuild_that_was_stopped_leaves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = NOW - timedelta(days=30)
    await partitions.ensure(house.connection, [at])
    name = partitions.name_of(at)
    await house.connection.execute(
        """insert into sensor_readings (unit_id, sensor_id, recorded_at)
           select gen_random_uuid(), gen_random_uuid(), $1::timestamptz from generate_series(1, 5000)""",
        at,
    )
    size = f"select pg_relation_size('{name}_pkey')"
    before = await house.connection.fetchval(size)
    reader = await connect(DatabaseSettings(url=house.url), "reader")
    await reader.execute("begin; select count(*) from sensor_readings")
    monkeypatch.setattr(partitions, "DETACH_PATIENCE", "20ms")
    assert await compact(house.connection, NOW) == []
    await reader.execute("commit")
    monkeypatch.setattr(partitions, "DETACH_PATIENCE", "10s")
    assert len(await compact(house.connection, NOW)) == 1
    assert await house.connection.fetchval(size) < before * 0.85
    assert await house.connection.fetchval("select count(*) from pg_index where not indisvalid") == 0
    await reader.close()
