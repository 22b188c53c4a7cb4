"""The whole daemon between a real broker and a real database, through everything that may happen to either."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import psycopg
import pytest

from frostguard import migrate
from frostguard.config import DatabaseSettings, IngestSettings
from frostguard.local.broker import DAEMON, Broker
from frostguard.local.ports import free_port
from frostguard.local.postgres import PostgresServer
from frostguard.store import dead_letters
from frostguard.store.connection import Connection, connect
from ingest import metrics
from ingest.daemon import Daemon, Settings
from ingest.health import Health
from tests.conftest import FAST, binaries, wait_for_exit
from tests.factories import (
    SERIAL,
    Planted,
    assign,
    payload_of,
    plant,
    plant_gateway,
    plant_sensor,
    plant_unit,
    raw_reading,
    topic_of,
)
from tests.fakes import until
from tests.ingest.rig import PASSWORD, gateway, mqtt_settings

NOW = datetime.now(UTC)
KILL = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
 where application_name like 'frostguard-ingest%' and datname = current_database()
"""
ROOT = Path(__file__).parent.parent.parent


def reading(n: float, sensor: str = SERIAL, **fields: Any) -> dict[str, Any]:
    """Reading number n of a sensor, minutes ago."""
    return raw_reading(None, sensor, at=(NOW - timedelta(minutes=n)).isoformat(), **fields)


class Running:
    """A daemon in this process."""

    def __init__(self, url: str, broker: Broker, folder: Path) -> None:
        ingest = IngestSettings(port=0, ready_file=folder / "ready", batch_ms=1)
        self.health = Health(ingest)
        settings = Settings(DatabaseSettings(url=url, command_timeout=5), mqtt_settings(broker), ingest)
        self.daemon = Daemon(settings, self.health)
        self.task: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        await until(lambda: self.health.ready, "the daemon is ready")

    async def probe(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as client, client.get(self.health.address + path) as answer:
            return answer.status, await answer.text()


@contextlib.asynccontextmanager
async def running(url: str, broker: Broker, folder: Path) -> AsyncIterator[Running]:
    one = Running(url, broker, folder)
    await one.health.start()
    one.task = asyncio.create_task(one.daemon.run())
    try:
        await one.ready()
        yield one
        one.daemon.stop()
        async with asyncio.timeout(10):
            await one.task
    finally:
        one.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, BaseExceptionGroup):
            await one.task
        await one.health.stop()


@pytest.fixture
async def daemon(database: str, mosquitto: Broker, planted: Planted, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(database, mosquitto, tmp_path) as one:
        yield one


async def stored(connection: Connection, count: int) -> None:
    """Wait until so many readings are stored."""
    query = "select count(*) from sensor_readings"
    with contextlib.suppress(AssertionError):
        await until(lambda: _is(connection, query, count), "")
    assert await connection.fetchval(query) == count


async def _is(connection: Connection, query: str, value: object) -> bool:
    return bool(await connection.fetchval(query) == value)


async def test_a_message_becomes_a_row_and_is_acknowledged(
    daemon: Running, mosquitto: Broker, connection: Connection
) -> None:
    async with gateway(mosquitto) as client:
        await client.publish(topic_of().decode(), payload_of(reading(1), reading(2)), qos=1)
        await stored(connection, 2)
        await client.publish(topic_of().decode(), b"garbage", qos=1)
        await until(lambda: _is(connection, "select count(*) from dead_letters", 1), "a dead letter")


async def test_numbered_readings_are_answered_with_the_watermark(daemon: Running, mosquitto: Broker) -> None:
    async with gateway(mosquitto) as client:
        await client.subscribe(topic_of("committed").decode(), qos=1)
        payload = payload_of(*[reading(n, seq=n) for n in (1, 2, 3, 5)], boot="k3f9")
        await client.publish(topic_of().decode(), payload, qos=1)
        told = []
        async with asyncio.timeout(10):
            async for message in client.messages:
                told.append(json.loads(message.payload))
                if len(told) == 1:
                    await client.publish(topic_of().decode(), payload_of(reading(4, seq=4), boot="k3f9"), qos=1)
                else:
                    break
    assert told == [{"boot": "k3f9", "upto": 3}, {"boot": "k3f9", "upto": 5}]


async def test_a_gateway_is_online_until_its_last_will(
    daemon: Running, mosquitto: Broker, connection: Connection
) -> None:
    async with gateway(mosquitto) as client:
        for word, online in (("online", True), ("offline", False)):
            await client.publish(topic_of("status").decode(), word, qos=1, retain=True)
            await until(lambda: _is(connection, "select online from gateway_states", online), word)  # noqa: B023


async def test_the_probes_say_how_it_stands(daemon: Running, mosquitto: Broker, connection: Connection) -> None:
    assert (await daemon.probe("/livez"))[0] == 200
    status, body = await daemon.probe("/readyz")
    assert (status, json.loads(body)) == (200, {"status": "ok", "database": "ok", "broker": "ok"})
    before = metrics.STORED._value.get()
    async with gateway(mosquitto) as client:
        await client.publish(topic_of().decode(), payload_of(reading(1), reading(2)), qos=1)
    await stored(connection, 2)
    await until(lambda: metrics.STORED._value.get() == before + 2, "two more are counted")
    status, body = await daemon.probe("/metrics")
    assert status == 200
    assert f"frostguard_readings_stored_total {before + 2}" in body
    for name in (
        "frostguard_oldest_unacknowledged_seconds",
        "frostguard_broker_connected 1.0",
        'fleet_size{what="units"} 1.0',
    ):
        assert name in body
    await asyncio.to_thread(mosquitto.stop)
    await until(lambda: not daemon.health.ready, "not ready without a broker")
    status, body = await daemon.probe("/readyz")
    assert status == 503
    assert json.loads(body)["broker"] != "ok"
    assert (await daemon.probe("/livez"))[0] == 200


async def test_the_broker_may_stop_and_come_back(daemon: Running, mosquitto: Broker, connection: Connection) -> None:
    async with gateway(mosquitto) as client:
        for n in range(10):
            await client.publish(topic_of().decode(), payload_of(reading(n)), qos=1)
    await asyncio.to_thread(mosquitto.stop)
    await until(lambda: not daemon.health.ready, "the broker is missed")
    await asyncio.to_thread(mosquitto.start)
    async with gateway(mosquitto) as client:  # before the daemon is back: its session keeps it
        for n in range(10, 20):
            await client.publish(topic_of().decode(), payload_of(reading(n)), qos=1)
    await stored(connection, 20)


async def test_what_came_while_it_was_away_is_stored_when_it_is_back(
    database: str, mosquitto: Broker, planted: Planted, connection: Connection, tmp_path: Path
) -> None:
    async with running(database, mosquitto, tmp_path):
        pass
    async with gateway(mosquitto) as client:
        for n in range(300):
            await client.publish(topic_of().decode(), payload_of(reading(n)), qos=1)
    async with running(database, mosquitto, tmp_path):
        await stored(connection, 300)


async def test_a_new_sensor_unit_and_gateway_are_picked_up_while_it_runs(
    daemon: Running, mosquitto: Broker, connection: Connection, planted: Planted, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as c:
        with c.transaction():
            unit = plant_unit(c, planted.organization, planted.area, "New")
            plant_sensor(c, planted.organization, "new-1", unit)
        c.execute("update gateways set deleted_at = now() where serial = 'gw-2'")
    async with gateway(mosquitto) as client, gateway(mosquitto, "gw-2") as gone:
        await until(lambda: daemon.daemon._fleet.sizes()["sensors"] == 2, "the daemon has seen the sensor")
        await client.publish(topic_of().decode(), payload_of(reading(1, "new-1")), qos=1)
        await stored(connection, 1)
        assert await connection.fetchval("select unit_id from sensor_readings") == unit
        await until(lambda: daemon.daemon._fleet.sizes()["gateways"] == 1, "the daemon has seen the deletion")
        await gone.publish(topic_of(gateway="gw-2").decode(), payload_of(reading(2)), qos=1)
        await until(lambda: _is(connection, "select reason from dead_letters", "unknown_gateway"), "a dead letter")
        with psycopg.connect(database, autocommit=True) as c:
            plant_gateway(c, planted.organization, "gw-2")
        await until(lambda: daemon.daemon._fleet.sizes()["gateways"] == 2, "the daemon has seen the gateway")
        await gone.publish(topic_of(gateway="gw-2").decode(), payload_of(reading(3)), qos=1)
        await stored(connection, 2)
        # What was refused for want of the gateway can be taken again now.
        assert await dead_letters.request_replay(connection, reason="unknown_gateway") == 1
        await stored(connection, 3)
        assert await connection.fetchval("select count(*) from dead_letters where replayed_at is null") == 0


async def test_readings_of_a_new_sensor_wait_for_its_unit(
    daemon: Running, mosquitto: Broker, connection: Connection, planted: Planted, database: str
) -> None:
    async with gateway(mosquitto) as client:
        for n in range(5):
            await client.publish(topic_of().decode(), payload_of(reading(n, "new-1")), qos=1)
        await until(lambda: _is(connection, "select count(*) from held_readings", 5), "five are held")
        sensor = await connection.fetchval("select id from sensors where serial = 'new-1' and unit_id is null")
        with psycopg.connect(database, autocommit=True) as c:
            assign(c, sensor, plant_unit(c, planted.organization, planted.area, "New"))
        await stored(connection, 5)
        assert await connection.fetchval("select count(*) from held_readings") == 0
        await client.publish(topic_of().decode(), payload_of(reading(9, "new-1")), qos=1)
        await stored(connection, 6)


async def test_many_new_sensors_at_once_lose_nothing(
    daemon: Running, mosquitto: Broker, connection: Connection
) -> None:
    """Each registration makes the daemon read the fleet anew while the next ones are on their way."""
    async with gateway(mosquitto) as client:
        for minute in range(4):
            for n in range(40):
                await client.publish(topic_of().decode(), payload_of(reading(minute, f"new-{n}")), qos=1)
    await until(lambda: _is(connection, "select count(*) from held_readings", 160), "160 are held")
    assert await connection.fetchval("select count(*) from sensors where serial like 'new-%'") == 40
    assert await connection.fetchval("select count(*) from dead_letters") == 0


async def test_sensors_that_were_assigned_while_it_was_away_get_their_readings(
    database: str, mosquitto: Broker, planted: Planted, connection: Connection, tmp_path: Path
) -> None:
    async with running(database, mosquitto, tmp_path), gateway(mosquitto) as client:
        await client.publish(topic_of().decode(), payload_of(reading(1, "new-1")), qos=1)
        await until(lambda: _is(connection, "select count(*) from held_readings", 1), "one is held")
    with psycopg.connect(database, autocommit=True) as c:
        sensor = c.execute("select id from sensors where serial = 'new-1'").fetchone()
        assert sensor is not None
        assign(c, sensor[0], plant_unit(c, planted.organization, planted.area, "New"))
    async with running(database, mosquitto, tmp_path):
        await stored(connection, 1)


async def test_a_poison_row_does_not_stop_the_line(daemon: Running, mosquitto: Broker, connection: Connection) -> None:
    await connection.execute("alter table sensor_readings add constraint poison check (temperature <> 13)")
    async with gateway(mosquitto) as client:
        for n in range(60):
            celsius = 13 if n % 20 == 7 else 4
            await client.publish(topic_of().decode(), payload_of(reading(n, temperature=celsius)), qos=1)
    await stored(connection, 57)
    await until(lambda: _is(connection, "select count(*) from dead_letters", 3), "three dead letters")


async def test_a_notification_that_means_nothing_is_no_reason_to_die(
    daemon: Running, mosquitto: Broker, connection: Connection
) -> None:
    for text in ("nonsense", "", "00000000-0000-0000-0000-000000000000"):
        await connection.execute("select pg_notify('config', $1)", text)
    await connection.execute("update sensors set name = 'so that it is read again'")
    async with gateway(mosquitto) as client:
        await client.publish(topic_of().decode(), payload_of(reading(1)), qos=1)
    await stored(connection, 1)
    await until(lambda: not daemon.daemon._watch._changed, "the notifications were read")
    await asyncio.sleep(0)
    assert daemon.task is not None
    assert not daemon.task.done()


async def test_its_connections_may_be_terminated_at_any_time(
    daemon: Running, mosquitto: Broker, connection: Connection
) -> None:
    async with gateway(mosquitto) as client:
        for n in range(200):
            await client.publish(topic_of().decode(), payload_of(reading(n)), qos=1)
            if n % 40 == 20:
                await until(lambda: connection.fetchval(KILL), "a connection to terminate")
    await stored(connection, 200)
    await daemon.ready()


# --- a database of its own, to be stopped


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    options = FAST | {"synchronous_commit": "on"}  # else an immediate stop takes the last commits along
    server = PostgresServer(tmp_path_factory.mktemp("own") / "cluster", free_port(), binaries(), options)
    server.start()
    migrate.apply(server.url())
    yield server
    server.stop()


@pytest.mark.case("B4")
async def test_the_database_may_stop_and_come_back(
    own_postgres: PostgresServer, mosquitto: Broker, tmp_path: Path
) -> None:
    plant(own_postgres.url())
    async with running(own_postgres.url(), mosquitto, tmp_path) as one, gateway(mosquitto) as client:
        for n in range(100):
            await client.publish(topic_of().decode(), payload_of(reading(n)), qos=1)
            if n == 30:
                await asyncio.to_thread(own_postgres.stop, signal.SIGQUIT)
            if n == 70:
                await asyncio.to_thread(own_postgres.start)
        await one.ready()
        connection = await connect(DatabaseSettings(url=own_postgres.url()), "test")
        try:
            await stored(connection, 100)
        finally:
            await connection.close()


# --- as a process


class Process:
    """A daemon in a process of its own."""

    def __init__(self, url: str, broker: Broker, folder: Path, name: str = "one") -> None:
        self.ready_file = folder / f"ready-{name}"
        self.log = folder / f"{name}.log"
        self.port = free_port()
        environment = clean_environment() | {
            "DATABASE_URL": url, "MQTT_URL": f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{broker.port}",
            "INGEST_PORT": str(self.port), "READY_FILE": str(self.ready_file), "LOG_FORMAT": "text",
        }  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ingest"], env=environment, stdout=log, stderr=log, cwd=ROOT
            )

    async def ready(self) -> None:
        await until(lambda: self.ready_file.exists() or self.process.poll() is not None, "the process is ready")
        assert self.process.poll() is None, self.log.read_text()

    async def says(self) -> dict[str, str]:
        """What /readyz answers; nothing while it does not listen yet."""
        with contextlib.suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                return dict(await answer.json())
        return {}

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return wait_for_exit(self.process, 10)


def clean_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/"}


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    """Whatever is in the list has ended after the test."""
    started: list[Process] = []
    yield started
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


async def publish_until(client: aiomqtt.Client, stop: asyncio.Event) -> int:
    """Publish one reading after the other; returns how many were acknowledged by the broker."""
    count = 0
    while not stop.is_set():
        await client.publish(topic_of().decode(), payload_of(reading(count)), qos=1)
        count += 1
    return count


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_stop_under_load_loses_nothing(  # noqa: PLR0917 - fixtures
    database: str, mosquitto: Broker, planted: Planted, connection: Connection, tmp_path: Path,
    processes: list[Process], how: signal.Signals,
) -> None:  # fmt: skip
    first = Process(database, mosquitto, tmp_path)
    processes.append(first)
    await first.ready()
    stop = asyncio.Event()
    async with gateway(mosquitto) as client:
        publishing = asyncio.create_task(publish_until(client, stop))
        await until(lambda: _at_least(connection, 100), "a load")
        begun = time.monotonic()
        code = await asyncio.to_thread(first.end, how)
        assert code == (0 if how is signal.SIGTERM else -signal.SIGKILL), first.log.read_text()
        assert time.monotonic() - begun < 10
        before = await connection.fetchval("select count(*) from sensor_readings")
        second = Process(database, mosquitto, tmp_path, "two")
        processes.append(second)
        await second.ready()
        await until(lambda: _at_least(connection, before + 100), "it goes on")
        stop.set()
        sent = await publishing
    await stored(connection, sent)
    assert await asyncio.to_thread(second.end) == 0
    assert "Traceback" not in second.log.read_text()


async def _at_least(connection: Connection, count: int) -> bool:
    return bool(await connection.fetchval("select count(*) from sensor_readings") >= count)


@pytest.mark.case("E3")
async def test_a_second_daemon_waits_and_takes_over(  # noqa: PLR0917 - fixtures
    database: str, mosquitto: Broker, planted: Planted, connection: Connection, tmp_path: Path, processes: list[Process]
) -> None:
    first = Process(database, mosquitto, tmp_path)
    processes.append(first)
    await first.ready()
    second = Process(database, mosquitto, tmp_path, "two")
    processes.append(second)

    async def waits() -> bool:
        return "another daemon" in (await second.says()).get("database", "")

    await until(waits, "the second waits")
    async with gateway(mosquitto) as client:
        await client.publish(topic_of().decode(), payload_of(reading(1)), qos=1)
        await stored(connection, 1)
        first.end(signal.SIGKILL)
        await client.publish(topic_of().decode(), payload_of(reading(2)), qos=1)
        await second.ready()
        await client.publish(topic_of().decode(), payload_of(reading(3)), qos=1)
        await stored(connection, 3)
    assert (await second.says())["status"] == "ok"
    assert await asyncio.to_thread(second.end, signal.SIGINT) == 0


def start_and_fail(**environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "ingest"], env=clean_environment() | environment, capture_output=True, text=True,
        timeout=30, check=False, cwd=ROOT,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


GOOD = {"DATABASE_URL": "postgresql://x:secret@127.0.0.1:1/x", "MQTT_URL": "mqtt://x:secret@127.0.0.1:1"}

BAD_SETTINGS: dict[str, tuple[dict[str, str], list[str]]] = {
    "nothing is set": ({}, ["DATABASE_URL", "MQTT_URL"]),
    "one is missing, another one wrong": (
        {"DATABASE_URL": "mysql://secret", "INGEST_BATCH_ROWS": "many", "MQTT_KEEPALIVE": "1"},
        ["DATABASE_URL", "MQTT_URL", "MQTT_KEEPALIVE", "INGEST_BATCH_ROWS"],
    ),
    "a certificate is missing": (GOOD | {"MQTT_URL": "mqtts://x", "MQTT_CA_FILE": "/nowhere"}, ["MQTT_CA_FILE"]),
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_wrong_settings_are_all_named_in_one_line(name: str) -> None:
    environment, named = BAD_SETTINGS[name]
    code, said = start_and_fail(**environment)
    assert code == 78
    assert len(said.strip().splitlines()) == 1
    assert [setting for setting in named if setting not in said] == []
    assert "secret" not in said


def test_a_taken_port_is_a_wrong_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = start_and_fail(**GOOD, INGEST_PORT=str(taken.getsockname()[1]))
    assert code == 78
    assert "INGEST_PORT" in said
