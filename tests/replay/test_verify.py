"""What is on record against what the stored facts come to."""

import os
from collections.abc import AsyncIterator

import pytest

from frostguard.config import DatabaseSettings
from frostguard.replay import verify
from frostguard.store.connection import Connection, connect
from tests.replay.life import Clock, Life, plant_units

SEEDS = [int(seed) for seed in os.environ.get("FROSTGUARD_REPLAY_SEEDS", "3,4").split(",")]


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database, command_timeout=10), "test")
    yield opened
    await opened.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_the_daemon_wrote_is_what_the_stored_facts_come_to(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    life = Life(database, plant_units(database), Clock(monkeypatch), seed)
    await life.live()
    report = await verify(connection)
    assert report.incomparable == {}
    assert report.differences == []
    assert report.units == 3
    assert report.readings == await connection.fetchval("select count(*) from sensor_readings")
    assert report.alerts == await connection.fetchval("select count(*) from alerts where unit_id is not null")
    assert report.alerts > 5
