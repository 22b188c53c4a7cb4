"""A broker that answers no, garbage, or nothing but a closed door: the daemon says so, waits, and comes back alone."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from frostguard.config import MqttSettings
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from ingest import daemon as program
from ingest.health import Health
from tests.factories import GATEWAY, payload_of, plant, raw_reading, topic_of
from tests.fakes import CONNACK, packet, until
from tests.ingest.rig import PASSWORD, daemon_of, gateway

MINUTE = 60.0
SCALE = 20.0
"""Pauses are so much shorter here than in production, where the longest is BROKER_SECONDS."""


def connack(reason: int) -> bytes:
    return packet(0x20, bytes([0, reason, 0]))


ANSWERS = {
    "not authorised": connack(0x87),
    "a wrong password": connack(0x86),
    "the server is busy": connack(0x89),
    "accepted, and dropped at once": CONNACK,
    "another protocol": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "noise": bytes(range(255, 0, -1)),
    "dropped without a word": b"",
}


class Door:
    """Listens, answers the first packet with `answer`, and closes. `at` has the seconds of each attempt."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.at: list[float] = []
        self.port = 0

    async def __aenter__(self) -> "Door":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at.append(time.monotonic())
        with contextlib.suppress(OSError):
            await reader.read(1000)
            writer.write(self.answer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()


async def asked(health: Health, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as client, client.get(health.address + path) as answer:
        return answer.status, await answer.text()


@pytest.mark.case("C7")
@pytest.mark.parametrize("how", ANSWERS)
async def test_a_broker_that_refuses_is_asked_seldom_and_it_is_told(
    how: str, database: str, tmp_path: Path, case: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "BROKER_SECONDS", program.BROKER_SECONDS / SCALE)
    plant(database)
    async with Door(ANSWERS[how]) as door:
        mqtt = MqttSettings(url=f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{door.port}", client_id=DAEMON)
        async with daemon_of(database, mqtt, tmp_path) as (_, health):
            await until(lambda: len(door.at) >= 5, "it has backed off")
            begun, spent = time.monotonic(), time.process_time()
            await until(lambda: door.at[-1] > begun + MINUTE / SCALE, "a minute, scaled")
            late = [at for at in door.at if begun < at <= begun + MINUTE / SCALE]
            case(f"{how}: attempts a minute, once backed off", len(late), "", below=7)
            seconds = (time.process_time() - spent) / len(late)
            case(f"{how}: processor at six attempts a minute", 100 * 6 * seconds / MINUTE, "%", below=1)
            status, told = await asked(health, "/readyz")
            assert status == 503
            assert "broker" in told
            assert "frostguard_broker_connected 0.0" in (await asked(health, "/metrics"))[1]
            assert (await asked(health, "/livez"))[0] == 200


async def _says(health: Health, word: str) -> bool:
    return word in (await asked(health, "/readyz"))[1]


@pytest.mark.case("C7")
@pytest.mark.skipif(find_mosquitto() is None, reason="needs Mosquitto")
async def test_a_password_that_is_put_right_is_noticed_alone(
    database: str, tmp_path: Path, case: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "BROKER_SECONDS", program.BROKER_SECONDS / SCALE)
    plant(database)
    broker = Broker(tmp_path / "broker", free_port(), kind="mosquitto")
    broker.folder.mkdir()
    broker.set_passwords({DAEMON: mosquitto_hash("another"), GATEWAY: mosquitto_hash(PASSWORD)})
    await asyncio.to_thread(broker.start)
    mqtt = MqttSettings(url=f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{broker.port}", client_id=DAEMON)
    try:
        async with daemon_of(database, mqtt, tmp_path) as (_, health):
            await until(lambda: _says(health, "refused"), "it was refused")
            broker.set_passwords(dict.fromkeys([DAEMON, GATEWAY], mosquitto_hash(PASSWORD)))
            righted = time.monotonic()
            await until(lambda: health.ready, "it is let in")
            case("let in after the password was put right, scaled", time.monotonic() - righted, "s")
            async with gateway(broker) as client:
                await client.publish(topic_of().decode(), payload_of(raw_reading(1)), qos=1)
    finally:
        await asyncio.to_thread(broker.stop)
