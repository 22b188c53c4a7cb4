"""What a real broker says of itself, to an account that hears nothing else, and what that means."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from frostguard.config import MqttSettings
from frostguard.doctor import figures
from frostguard.doctor.broker import limits_of
from frostguard.doctor.finding import Level
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from tests.fakes import until
from tests.mqtt_peer import Peer

ROOM = 5


class TellingBroker(Broker):
    """Mosquitto that looks at itself every second, and holds little."""

    def _command(self) -> list[str | Path]:
        command = super()._command()
        with (self.folder / "mosquitto.conf").open("a") as configuration:
            configuration.write("sys_interval 1\n")
        text = (self.folder / "mosquitto.conf").read_text()
        (self.folder / "mosquitto.conf").write_text(
            text.replace("max_queued_messages 10000000", f"max_queued_messages {ROOM}")
        )
        return command


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    running = TellingBroker(tmp_path / "broker", free_port(), kind="mosquitto")
    running.folder.mkdir()
    accounts = {DAEMON: "pw", "gw-1": "pw", figures.ACCOUNT: figures.password_of("pw")}
    running.set_passwords({name: mosquitto_hash(password) for name, password in accounts.items()})
    running.start()
    yield running
    running.stop()


def settings_for(broker: Broker, password: str = "pw") -> MqttSettings:
    return MqttSettings(url=f"mqtt://{DAEMON}:{password}@127.0.0.1:{broker.port}")


async def test_dropped_messages_and_sessions_that_wait_are_seen_and_nobody_is_disturbed(broker: Broker) -> None:
    quiet = await figures.listen(settings_for(broker))
    assert figures.drops(quiet)[0] is Level.OK
    with Peer(broker.port, DAEMON, keep=True) as daemon:
        daemon.subscribe("frostguard/v1/+/+/readings")
    with Peer(broker.port, "gw-1") as gateway:
        for number in range(ROOM + 4):
            gateway.publish("frostguard/v1/acme/gw-1/readings", b"%d" % number)
        # The broker looks at itself now and then; counting who is away it counts who is just coming, too.
        with Peer(broker.port, figures.ACCOUNT, figures.password_of("pw")) as watching:
            watching.subscribe("$SYS/broker/#")
            await until(lambda: dict(watching.received).get(figures.PREFIX + figures.TOTAL, b"0") != b"0", "a drop")
            await until(lambda: (figures.PREFIX + figures.AWAY, b"1") in watching.received, "a session that waits")
        told = await figures.listen(settings_for(broker))
        assert not gateway.lost
    assert told.keys() >= figures.WANTED
    level, says, do = figures.drops(told)
    assert level is Level.FAIL
    assert "are being dropped" in says
    assert do


async def test_its_account_hears_no_reading_and_may_say_nothing(broker: Broker) -> None:
    with Peer(broker.port, figures.ACCOUNT, figures.password_of("pw")) as doctor, Peer(broker.port, "gw-1") as gateway:
        doctor.subscribe("frostguard/#")
        gateway.publish("frostguard/v1/acme/gw-1/readings", b"secret")
        doctor.subscribe("$SYS/broker/version")
        await until(lambda: bool(doctor.received), "what the broker says of itself")
        assert [topic for topic, _ in doctor.received] == ["$SYS/broker/version"]


async def test_who_has_another_password_is_told_which_account_is_missing(broker: Broker) -> None:
    with pytest.raises(figures.RefusedError, match="mqtt-accounts"):
        await figures.listen(settings_for(broker, "wrong"))


async def test_what_is_no_broker_is_refused_in_a_sentence() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x20\x02\x00\x00" + b"\x30\xff\xff\xff\xff\xff")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(figures.RefusedError, match="no broker"):
            await figures.listen(MqttSettings(url=f"mqtt://{DAEMON}:pw@127.0.0.1:{port}"))


async def test_no_broker_is_an_error_of_the_network() -> None:
    with pytest.raises(ConnectionError):
        await figures.listen(MqttSettings(url=f"mqtt://{DAEMON}:pw@127.0.0.1:{free_port()}"))


@pytest.mark.parametrize(
    ("heard", "level"),
    [
        ({}, Level.WARN),
        ({figures.TOTAL: 0.0, figures.LATELY: 0.0}, Level.OK),
        ({figures.TOTAL: 12.0, figures.LATELY: 0.0}, Level.WARN),
        ({figures.TOTAL: 12.0, figures.LATELY: 0.8}, Level.FAIL),
    ],
)
def test_drops_of_long_ago_are_a_warning_and_those_of_now_a_failure(heard: figures.Figures, level: Level) -> None:
    assert figures.drops(heard)[0] is level


LIMITS = limits_of("max_queued_messages 1000\nmemory_limit 1000000\n")


@pytest.mark.parametrize(
    ("stored", "heap", "limits", "level"),
    [
        (100.0, 1e5, LIMITS, Level.OK),
        (600.0, 1e5, LIMITS, Level.WARN),
        (100.0, 9e5, LIMITS, Level.FAIL),
        (950.0, 1e5, LIMITS, Level.FAIL),
        (1e9, 1e9, None, Level.OK),
        (1e9, 1e9, limits_of("max_queued_messages 0"), Level.OK),
    ],
)
def test_queues_that_fill_are_seen_before_they_are_full(stored: float, heap: float, limits, level: Level) -> None:
    assert figures.backlog({figures.STORED: stored, figures.HEAP: heap}, limits)[0] is level


def test_a_broker_that_says_nothing_is_a_warning() -> None:
    assert figures.backlog({}, LIMITS)[0] is Level.WARN
