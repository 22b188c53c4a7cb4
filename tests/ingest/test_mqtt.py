"""One session against real brokers: what is acknowledged and when, what comes again; and against a broken broker."""

import asyncio
import random
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt import client as paho

from frostguard.config import MqttSettings
from frostguard.errors import UsageError
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from ingest import mqtt
from ingest.mqtt import BrokerRefusedError, BrokerUnavailableError, Session
from ingest.reader import DUP, RETAIN
from tests.factories import topic_of
from tests.fakes import CONNACK, FakeBroker, length, packet, publish, until
from tests.ingest.rig import PASSWORD, Inbox, gateway, listening, mqtt_settings

TOPIC = topic_of().decode()


async def publish_many(broker: Broker, count: int, begin: int = 0, name: str = "gw-1") -> list[bytes]:
    payloads = [f"{name} {n}".encode() for n in range(begin, begin + count)]
    async with gateway(broker, name) as client:
        for payload in payloads:
            await client.publish(topic_of(gateway=name).decode(), payload, qos=1)
    return payloads


# --- both brokers


async def test_messages_come_in_order_and_are_acknowledged_only_when_we_say_so(broker: Broker) -> None:
    settings = mqtt_settings(broker)
    async with listening(settings) as first:
        assert not first.session.session_present
        sent = await publish_many(broker, 20)
        await first.holds(20)
        assert first.payloads == sent
        assert all(message.topic == topic_of() for message in first.messages)
        assert not any(message.flags & DUP for message in first.messages)
        await first.acknowledge(first.packet_ids[:7])
    async with listening(settings) as second:
        assert second.session.session_present
        await until(lambda: second.payloads[-1:] == sent[-1:], "the rest")
        if broker.kind == "mosquitto":
            assert second.payloads == sent[7:]
            assert all(message.flags & DUP for message in second.messages)
        else:  # the embedded one may repeat what it was told is acknowledged, and does not say that it repeats
            assert second.payloads == sent[-len(second.payloads) :]
            assert len(second.payloads) >= 13
        await second.acknowledge(second.packet_ids)
    async with listening(settings) as third:
        sent = await publish_many(broker, 1)
        await third.holds(1)
        assert third.payloads == sent


async def test_what_was_sent_while_we_were_away_is_delivered(broker: Broker) -> None:
    settings = mqtt_settings(broker)
    async with listening(settings):
        pass
    sent = await publish_many(broker, 50)
    async with listening(settings) as inbox:
        assert inbox.session.session_present
        await inbox.holds(50)
        assert inbox.payloads == sent


async def test_a_dropped_connection_is_noticed_and_the_messages_come_again_under_fresh_ids(broker: Broker) -> None:
    settings = mqtt_settings(broker)
    async with listening(settings) as first:
        await publish_many(broker, 5)
        await first.holds(5)
        first.session.abort()
        assert first.session.lost.done()
        first.session.acknowledge(first.packet_ids)  # too late: it does nothing
        first.session.publish("frostguard/v1/acme/gw-1/committed", b"")
    async with listening(settings) as second:
        await second.holds(5)
        assert second.payloads == first.payloads
        second.session.acknowledge(second.packet_ids)
        await publish_many(broker, 3, begin=5)
        await second.holds(8)
        assert len(set(second.packet_ids[5:])) == 3


async def test_wrong_credentials_are_refused_by_name(broker: Broker) -> None:
    settings = mqtt_settings(broker, url=f"mqtt://{DAEMON}:wrong@127.0.0.1:{broker.port}")
    session = Session(settings, lambda _: None)
    with pytest.raises(BrokerRefusedError):
        await session.connect()
    await session.close()
    assert session.lost.done()


async def test_a_stopped_broker_is_noticed(broker: Broker) -> None:
    async with listening(mqtt_settings(broker)) as inbox:
        await asyncio.to_thread(broker.stop)
        async with asyncio.timeout(10):
            await inbox.session.lost
    again = Session(mqtt_settings(broker), lambda _: None)
    with pytest.raises(BrokerUnavailableError):
        await again.connect()
    await again.close()


async def test_watermarks_go_out_to_the_gateway(broker: Broker) -> None:
    topic = topic_of("committed").decode()
    async with listening(mqtt_settings(broker)) as inbox, gateway(broker) as client:
        await client.subscribe(topic, qos=1)
        inbox.session.publish(topic, b'{"boot":"b","upto":7}')
        async with asyncio.timeout(10):
            async for message in client.messages:
                assert (str(message.topic), message.payload) == (topic, b'{"boot":"b","upto":7}')
                break
        await until(lambda: inbox.session.unsent == 0, "the broker has acknowledged it")


# --- Mosquitto


async def test_a_graceful_restart_of_the_broker_loses_nothing(mosquitto: Broker) -> None:
    settings = mqtt_settings(mosquitto)
    async with listening(settings) as inbox:
        sent = await publish_many(mosquitto, 10)
        await inbox.holds(10)
        await inbox.acknowledge(inbox.packet_ids[:4])
        await publish_many(mosquitto, 1, begin=10)
        await inbox.holds(11)
        await asyncio.to_thread(mosquitto.stop)
        async with asyncio.timeout(10):
            await inbox.session.lost
    await asyncio.to_thread(mosquitto.start)
    async with listening(settings) as inbox:
        assert inbox.session.session_present
        await inbox.holds(7)
        assert inbox.payloads == [*sent[4:], b"gw-1 10"]


async def test_the_window_is_the_back_pressure_and_joined_acknowledgements_free_it(mosquitto: Broker) -> None:
    """Mosquitto 2.0.11 keeps the window until the first PUBACK; each PUBACK then lets a whole window follow."""
    async with listening(mqtt_settings(mosquitto, receive_maximum=10)) as inbox:
        sent = await publish_many(mosquitto, 35)
        await inbox.holds(10)
        async with gateway(mosquitto) as client:
            await client.publish(TOPIC, b"behind the window", qos=1)
        assert inbox.payloads == sent[:10]
        acknowledged = 0
        while acknowledged < 36:
            await inbox.holds(acknowledged + 1)
            inbox.session.acknowledge(inbox.packet_ids[acknowledged:])
            acknowledged = len(inbox.messages)
        assert inbox.payloads == [*sent, b"behind the window"]
        async with gateway(mosquitto) as client:
            await client.publish(TOPIC, b"and so on", qos=1)
        await inbox.holds(37)


async def test_a_paused_session_takes_nothing_until_it_is_resumed(mosquitto: Broker) -> None:
    async with listening(mqtt_settings(mosquitto)) as inbox:
        inbox.session.pause()
        inbox.session.pause()
        sent = await publish_many(mosquitto, 200)
        assert inbox.messages == []
        inbox.session.resume()
        inbox.session.resume()
        await inbox.holds(200)
        assert inbox.payloads == sent
        inbox.session.pause()
        more = await publish_many(mosquitto, 10)
        assert len(inbox.messages) == 200
        inbox.session.resume()
        await inbox.holds(210)
        assert inbox.payloads[200:] == more


async def test_a_paused_session_can_be_closed(mosquitto: Broker) -> None:
    async with listening(mqtt_settings(mosquitto)) as inbox:
        inbox.session.pause()
        await publish_many(mosquitto, 5)
    assert inbox.session.lost.done()


async def test_the_connection_outlives_its_keep_alive_while_messages_flow_one_way(mosquitto: Broker) -> None:
    """Only PINGREQs keep it: QoS 0 messages come in and nothing goes out. Mosquitto cuts after 1.5 times 5 s."""
    async with listening(mqtt_settings(mosquitto, keepalive=5)) as inbox, gateway(mosquitto) as client:
        begun, sent = asyncio.get_running_loop().time(), 0
        while asyncio.get_running_loop().time() < begun + 9:
            await client.publish(TOPIC, b"x", qos=0)
            sent += 1
            await asyncio.sleep(0.05)
        assert not inbox.session.lost.done()
        await inbox.holds(sent)


async def test_retained_messages_come_with_their_flag_and_only_for_status(mosquitto: Broker) -> None:
    async with gateway(mosquitto) as client:
        await client.publish(topic_of("status").decode(), b"online", qos=1, retain=True)
        await client.publish(TOPIC, b"a mistake", qos=1, retain=True)
    async with listening(mqtt_settings(mosquitto)) as inbox:
        await inbox.holds(1)
        await publish_many(mosquitto, 1)
        await inbox.holds(2)
        assert [(m.payload, bool(m.flags & RETAIN)) for m in inbox.messages] == [(b"online", True), (b"gw-1 0", False)]


async def test_a_last_will_comes_in(mosquitto: Broker) -> None:
    async with listening(mqtt_settings(mosquitto)) as inbox:
        client = aiomqtt.Client(
            "127.0.0.1", mosquitto.port, username="gw-1", password=PASSWORD, identifier="gw-1",
            will=aiomqtt.Will(topic_of("status").decode(), b"offline", qos=1, retain=True),
        )  # fmt: skip
        async with client:
            client._client._sock_close()
            client._disconnected.set_result(None)
        await inbox.holds(1)
        assert inbox.payloads == [b"offline"]


async def test_what_a_stranger_publishes_does_not_reach_us(mosquitto: Broker) -> None:
    async with listening(mqtt_settings(mosquitto)) as inbox:
        async with gateway(mosquitto, "gw-2") as client:
            await client.publish(TOPIC, b"foreign", qos=1)
        sent = await publish_many(mosquitto, 1)
        await inbox.holds(1)
        assert inbox.payloads == sent


async def test_a_gateway_cannot_take_the_daemons_session(mosquitto: Broker) -> None:
    async with listening(mqtt_settings(mosquitto)) as inbox:
        async with aiomqtt.Client(
            "127.0.0.1", mosquitto.port, username="gw-1", password=PASSWORD, identifier=DAEMON, clean_session=True
        ):
            pass
        sent = await publish_many(mosquitto, 1)
        await inbox.holds(1)
        assert inbox.payloads == sent
        assert not inbox.session.lost.done()


async def test_a_second_daemon_of_the_same_name_ends_the_first_session(mosquitto: Broker) -> None:
    async with listening(mqtt_settings(mosquitto)) as first, listening(mqtt_settings(mosquitto)) as second:
        assert second.session.session_present
        async with asyncio.timeout(10):
            await first.session.lost


# --- TLS


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A certificate for this machine that signs itself, and one for another name."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    for name, subject in (("server", "IP:127.0.0.1"), ("other", "DNS:elsewhere.example")):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2",
             "-subj", "/CN=test", "-addext", f"subjectAltName={subject}",
             "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.crt"],
            check=True, capture_output=True,
        )  # fmt: skip
    return tmp_path


@pytest.fixture
def tls_broker(certificates: Path) -> Iterator[Broker]:
    """Mosquitto that speaks TLS only, and shows a certificate."""
    if find_mosquitto() is None:
        pytest.skip("no mosquitto on this machine")
    broker = _TlsBroker(certificates / "broker", free_port(), kind="mosquitto")
    broker.start()
    yield broker
    broker.stop()


class _TlsBroker(Broker):
    shown = "server"

    def _command(self) -> list[str | Path]:
        configuration, folder = self.folder / "tls.conf", self.folder.parent
        configuration.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\ncertfile {folder}/{self.shown}.crt\n"
            f"keyfile {folder}/{self.shown}.key\n" + ("user root\n" if Path("/root").owner() == "root" else "")
        )
        return [str(find_mosquitto()), "-c", configuration]


# paho leaves a socket whose TLS handshake failed to the garbage collector, which says so.
leaves_a_socket = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)


def tls_settings(broker: Broker, **changes: object) -> MqttSettings:
    return MqttSettings(**({"url": f"mqtts://127.0.0.1:{broker.port}", "client_id": DAEMON} | changes))


async def test_tls_carries_more_than_one_record_at_a_time(tls_broker: Broker, certificates: Path) -> None:
    """What TLS has decoded already makes no socket readable: nothing may stay in its buffer."""
    authority = certificates / "server.crt"
    context = ssl.create_default_context(cafile=authority)
    async with listening(tls_settings(tls_broker, ca_file=authority)) as inbox:
        async with aiomqtt.Client("127.0.0.1", tls_broker.port, tls_context=context, identifier="gw-1") as client:
            inbox.session.pause()
            for n in range(20):
                await client.publish(TOPIC, bytes([n]) * 30_000, qos=1)
            inbox.session.resume()
            await inbox.holds(20)
            await client.publish(TOPIC, b"the last", qos=1)
            await inbox.holds(21)
        assert [payload[:1] for payload in inbox.payloads if payload] == [bytes([n]) for n in range(20)] + [b"t"]
        inbox.session.acknowledge(inbox.packet_ids)


@leaves_a_socket
@pytest.mark.parametrize("authority", [None, "other.crt"], ids=["system", "another"])
async def test_a_certificate_that_nobody_signed_is_no_connection(
    tls_broker: Broker, certificates: Path, authority: str | None
) -> None:
    ca_file = certificates / authority if authority else None
    session = Session(tls_settings(tls_broker, ca_file=ca_file), lambda _: None)
    with pytest.raises(BrokerUnavailableError, match="certificate"):
        await session.connect()
    await session.close()


@leaves_a_socket
async def test_a_certificate_of_another_name_is_no_connection(certificates: Path) -> None:
    if find_mosquitto() is None:
        pytest.skip("no mosquitto on this machine")
    broker = _TlsBroker(certificates / "broker", free_port(), kind="mosquitto")
    broker.shown = "other"
    broker.start()
    try:
        session = Session(tls_settings(broker, ca_file=certificates / "other.crt"), lambda _: None)
        with pytest.raises(BrokerUnavailableError, match="certificate"):
            await session.connect()
        await session.close()
    finally:
        broker.stop()


@leaves_a_socket
async def test_a_broker_without_tls_is_no_connection(mosquitto: Broker) -> None:
    session = Session(tls_settings(mosquitto), lambda _: None)
    with pytest.raises(BrokerUnavailableError):
        await session.connect()
    await session.close()


def test_a_certificate_file_that_cannot_be_read_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "empty.crt").touch()
    plain = MqttSettings(url="mqtt://x", ca_file=tmp_path / "missing")
    assert mqtt.tls_context(plain) is None
    for file in ("missing", "empty.crt"):
        with pytest.raises(UsageError, match="MQTT_CA_FILE"):
            mqtt.tls_context(MqttSettings(url="mqtts://x", ca_file=tmp_path / file))


# --- the names it stands on


def test_the_self_check_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    mqtt.self_check()
    monkeypatch.delattr(paho.Client, "_packet_queue")
    monkeypatch.delattr(paho.Client, "manual_ack_set")
    monkeypatch.setattr(mqtt.Client, "__init__", lambda self: setattr(self, "_client", None))
    with pytest.raises(UsageError, match=r"_packet_queue, manual_ack_set, _client, _connected, _disconnected"):
        mqtt.self_check()


# --- a broker that is broken


def fake_settings(broker: FakeBroker) -> MqttSettings:
    return MqttSettings(url=f"mqtt://127.0.0.1:{broker.port}", client_id=DAEMON)


async def test_the_acknowledgements_of_a_batch_go_out_in_the_order_of_arrival() -> None:
    async with FakeBroker() as broker, listening(fake_settings(broker)) as inbox:
        assert [first for first, _ in broker.received].count(0x82) == 1
        ids = [7, 3, 65_535, 1, 256]
        await broker.send(b"".join(publish(topic_of(), b"x", packet_id) for packet_id in ids))
        await inbox.holds(5)
        assert broker.acknowledged() == []
        inbox.session.acknowledge(inbox.packet_ids)
        await until(lambda: len(broker.acknowledged()) == 5, "five PUBACKs")
        assert broker.acknowledged() == ids


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (packet(0x20, b"\x00\x86\x00"), BrokerRefusedError),  # bad user name or password
        (packet(0x20, b"\x00\x87\x00"), BrokerRefusedError),  # not authorized
        (packet(0x20, b""), BrokerUnavailableError),
        (packet(0x20, b"\x00"), BrokerUnavailableError),
        (packet(0x20, b"\x00\xee\x00"), BrokerUnavailableError),  # no such reason
        (packet(0x20, b"\x00\x00\x7f"), BrokerUnavailableError),  # properties that are not there
        (packet(0xE0, b"\x8b"), BrokerUnavailableError),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", BrokerUnavailableError),
        (b"\xff\xff\xff\xff\xff\xff", BrokerUnavailableError),
    ],
)  # fmt: skip
async def test_a_greeting_that_is_none_is_an_error_of_ours(
    greeting: bytes, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "CONNECT_SECONDS", 0.3)
    async with FakeBroker(greeting) as broker:
        session = Session(fake_settings(broker), lambda _: None)
        with pytest.raises(error):
            await session.connect()
        await session.close()
        assert session.lost.done()


async def test_a_subscription_that_is_refused_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.fakes.suback", lambda packet_id: packet(0x90, packet_id.to_bytes(2, "big") + b"\x00\x87")
    )
    async with FakeBroker() as broker:
        session = Session(fake_settings(broker), lambda _: None)
        await session.connect()
        with pytest.raises(BrokerRefusedError, match="frostguard/v1"):
            await session.subscribe()
        await session.close()


async def test_a_broker_that_goes_away_while_we_subscribe_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.suback", lambda _: b"")
    async with FakeBroker() as broker:
        session = Session(fake_settings(broker), lambda _: None)
        await session.connect()
        subscribing = asyncio.create_task(session.subscribe())
        await until(lambda: any(first == 0x82 for first, _ in broker.received), "a SUBSCRIBE")
        assert broker.writer is not None
        broker.writer.close()
        with pytest.raises(BrokerUnavailableError):
            async with asyncio.timeout(10):
                await subscribing
        assert session.lost.done()
        await session.close()


def broken_packets() -> list[bytes]:
    """Packets of every type with bodies that make no sense; the good ones among them are left out below."""
    dice = random.Random(5)
    bodies = [b"", b"\x00", b"\x00\x00", b"\x00\x01", b"\x00\x01\x80", b"\x00\x01\x00\xff\xff", b"\xff" * 7, bytes(40)]
    made = [packet(first, body) for first in range(0, 256, 8) for body in bodies]
    made += [packet(dice.randrange(256), dice.randbytes(dice.randrange(12))) for _ in range(150)]
    made += [bytes([dice.randrange(256)]) + length(dice.randrange(1, 400)) + dice.randbytes(600) for _ in range(60)]
    made += [dice.randbytes(dice.randrange(1, 60)) for _ in range(60)]
    return made


async def test_broken_packets_end_the_session_or_change_nothing() -> None:
    """After each of them the session is lost, or it still takes the next message: never neither, never a crash."""
    crashes: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: crashes.append(f"{context!r:.300}"))
    lost = 0
    async with FakeBroker() as broker:
        for spoiled in broken_packets():
            lost += await _survives(broker, spoiled)
    assert lost > 100
    # aiomqtt asks for a writer that is gone in the next turn of the loop; it is said, and nothing else happens.
    assert [crash for crash in crashes if "add_writer" not in crash] == []


async def _survives(broker: FakeBroker, spoiled: bytes) -> bool:
    broker.connected.clear()
    inbox = Inbox(fake_settings(broker))
    session = inbox.session
    await session.connect()
    await broker.send(spoiled)
    # A packet may be unfinished: what follows is its rest, until everything has been answered or the session is gone.
    for _ in range(3):
        await broker.send(publish(topic_of(), b"after", 9) + b"\x00" * 400)
    assert broker.writer is not None
    broker.writer.close()
    async with asyncio.timeout(5):
        await session.lost
    survived = any(message.payload == b"after" for message in inbox.messages)
    await session.close()
    return not survived


async def test_an_error_of_our_own_in_taking_a_message_ends_the_session() -> None:
    """Its message is not acknowledged, so it comes again; a session that went on would never see it."""

    def fail(_: object) -> None:
        raise KeyError("a mistake of ours")

    async with FakeBroker() as broker:
        session = Session(fake_settings(broker), fail)
        await session.connect()
        await broker.send(publish(topic_of(), b"x", 9))
        async with asyncio.timeout(5):
            await session.lost
        await session.close()
        assert broker.acknowledged() == []


async def test_more_messages_than_the_window_are_not_dropped() -> None:
    async with FakeBroker() as broker:
        inbox = Inbox(MqttSettings(url=f"mqtt://127.0.0.1:{broker.port}", client_id=DAEMON, receive_maximum=10))
        await inbox.session.connect()
        await broker.send(b"".join(publish(topic_of(), b"%d" % n, n) for n in range(1, 101)))
        await inbox.holds(100)
        assert inbox.payloads == [b"%d" % n for n in range(1, 101)]
        await inbox.session.close()


async def test_a_session_that_never_connected_can_be_closed() -> None:
    session = Session(MqttSettings(url="mqtt://127.0.0.1:1"), lambda _: None)
    await session.close()
    assert session.lost.done()
    assert CONNACK[0] == 0x20
