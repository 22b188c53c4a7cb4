"""From a POST to a chart: API, inbox, daemon, readings, sums, and back to the API."""

import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from frostguard.config import MqttSettings
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from ingest.daemon import Daemon
from tests.api.conftest import Running, serving
from tests.factories import GATEWAY, SERIAL, Planted, plant
from tests.fakes import until
from tests.ingest.rig import daemon_of

PASSWORD = "of-the-tests"
KEY = base64.b64encode(f"{GATEWAY}:{PASSWORD}".encode()).decode()
NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    kind = "mosquitto" if find_mosquitto() is not None else "embedded"
    one = Broker(tmp_path / "broker", free_port(), kind=kind)
    one.folder.mkdir()
    one.set_passwords({DAEMON: mosquitto_hash(PASSWORD)})
    one.start()
    yield one
    one.stop()


@pytest.fixture
def planted(database: str) -> Planted:
    made = plant(database)
    with psycopg.connect(database) as c:
        c.execute("update gateways set password_hash = %s", (mosquitto_hash(PASSWORD),))
    return made


@pytest.fixture
async def running(database: str, planted: Planted, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(database, MAIL_DIR=tmp_path / "mail") as found:
        yield found


@contextlib.asynccontextmanager
async def daemon(database: str, broker: Broker, folder: Path) -> AsyncIterator[Daemon]:
    mqtt = MqttSettings(url=f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{broker.port}", client_id=DAEMON)
    async with daemon_of(database, mqtt, folder) as (one, health):
        await until(lambda: health.ready, "the daemon is ready")
        yield one


def counts(running: Running, query: str, count: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return bool(await running.world.sql.fetchval(query) == count)

    return reached


def reading(minutes: int, celsius: object, **more: Any) -> dict[str, Any]:
    return {"sensor": SERIAL, "at": (NOW - minutes * MINUTE).isoformat(), "temperature": celsius} | more


async def test_what_was_posted_is_stored_once_and_shown(
    running: Running, database: str, broker: Broker, planted: Planted, tmp_path: Path
) -> None:
    world, api = running.world, running.api
    message = {"readings": [reading(9, 4.5, seq=1), reading(8, "warm", seq=2), reading(7, 5.5, seq=3)], "boot": "b1"}
    before = await api.post("/ingest/readings", message, KEY)  # the daemon is away: it waits
    assert (before.status, before.json["accepted"], before.json["rejected"]) == (202, 2, 1)
    async with daemon(database, broker, tmp_path):
        await until(counts(running, "select count(*) from sensor_readings", 2), "what waited is stored")
        assert (await api.post("/ingest/readings", message, KEY)).status == 202
        more = {"readings": [reading(6, 6.5, seq=4), reading(5, 7.0, sensor="bb00")], "boot": "b1"}
        assert (await api.post("/ingest/readings", more, KEY)).status == 202
        await until(counts(running, "select count(*) from sensor_readings", 3), "the new one is stored")
        await until(counts(running, "select count(*) from http_inbox", 0), "the inbox is empty")
    assert await world.sql.fetchval("select count(*) from held_readings") == 1
    letters = await world.sql.fetch("select reason from dead_letters")
    assert {row["reason"] for row in letters} == {"bad_temperature"}
    assert await world.sql.fetchval("select upto from gateway_watermarks") == 4
    token = await world.token(await world.member(planted.organization, "viewer"))
    found = (await api.get(f"/units/{planted.units[SERIAL]}/readings", token)).json
    assert [each["temperature"] for each in found] == [6.5, 5.5, 4.5]
    assert (await api.get(f"/units/{planted.units[SERIAL]}", token)).json["lastTemperature"] == 6.5


async def test_the_daemon_sums_what_it_stores(  # noqa: PLR0917 - fixtures
    running: Running, database: str, broker: Broker, planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr("ingest.rollups.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("ingest.rollups.EVERY_SECONDS", 0.02)
    world, api = running.world, running.api
    async with daemon(database, broker, tmp_path):
        reached = "select count(*) from rollup_progress where upto > now() - interval '7 minutes'"
        await until(counts(running, reached, 1), "it has caught up")
        late = {"readings": [reading(60 * 26, 1.0), reading(30, 2.0), reading(29, 3.0)]}
        assert (await api.post("/ingest/readings", late, KEY)).status == 202
        await until(counts(running, "select count(*) from sensor_readings", 3), "they are stored")
        await until(counts(running, "select count(*) from late_hours", 0), "the marks are settled")
        summed = await world.sql.fetchval("select sum(readings) from reading_buckets where span = 5")
    today = NOW.replace(hour=0, minute=0, second=0)
    assert (summed or 0) == sum(age * MINUTE <= NOW - today for age in (30, 29))
    token = await world.token(await world.member(planted.organization, "viewer"))
    found = (await api.get(f"/units/{planted.units[SERIAL]}/readings?range=7d&resolution=1d", token)).json
    assert sum(bucket["count"] for bucket in found) == 3
