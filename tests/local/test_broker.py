"""What a broker of ours lets whom do: the same table for Mosquitto and for the embedded one."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from frostguard.errors import UsageError
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local import broker as brokers
from frostguard.local.broker import CONFIGURATION, DAEMON, Broker, find_mosquitto, local_configuration
from frostguard.local.ports import free_port
from frostguard.local.processes import StartError
from tests.mqtt_peer import Peer

ACCOUNTS = {name: mosquitto_hash("pw") for name in (DAEMON, "gw1", "gw2")}
READINGS, STATUS = "frostguard/v1/+/+/readings", "frostguard/v1/+/+/status"
KINDS = ("mosquitto", "embedded")


def made(folder: Path, kind: str) -> Broker:
    if kind == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    broker = Broker(folder / "broker", free_port(), kind=kind)
    broker.folder.mkdir(mode=0o700)
    broker.set_passwords(ACCOUNTS)
    broker.start()
    return broker


@pytest.fixture(scope="module", params=KINDS)
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = made(tmp_path_factory.mktemp("broker"), request.param)
    yield running
    running.stop()


@pytest.fixture
def daemon(broker: Broker) -> Iterator[Peer]:
    with Peer(broker.port, DAEMON) as peer:
        peer.subscribe(READINGS)
        peer.subscribe(STATUS)
        yield peer


def own(gateway: str, what: str = "readings") -> str:
    return f"frostguard/v1/org/{gateway}/{what}"


@pytest.mark.parametrize("level", [4, 5])
def test_a_gateway_publishes_below_its_own_topics(broker: Broker, daemon: Peer, level: int) -> None:
    with Peer(broker.port, "gw1", level=level) as gateway:
        gateway.publish(own("gw1"), b"1")
        gateway.publish(own("gw1", "status"), b"online")
        assert daemon.wait_received(2) == [b"1", b"online"]


@pytest.mark.case("H19")
@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("topic", [own("gw2"), own("gw1", "committed"), "v3/a@t/devices/d/up", "anything"])
def test_a_gateway_cannot_publish_elsewhere(broker: Broker, daemon: Peer, level: int, topic: str) -> None:
    gateway = Peer(broker.port, "gw1", level=level)
    answer = gateway.publish(topic, b"forged")
    gateway.close()
    assert level == 4 or answer is None or answer.is_failure
    with Peer(broker.port, "gw2", level=level) as honest:
        honest.publish(own("gw2"), b"honest")
    assert daemon.wait_received(1) == [b"honest"]


@pytest.mark.case("H19")
@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("topic_filter", ["#", READINGS, own("gw1"), own("+", "committed")])
def test_a_gateway_hears_nothing_of_others(broker: Broker, daemon: Peer, level: int, topic_filter: str) -> None:
    spy = Peer(broker.port, "gw2", level=level)
    spy.subscribe(topic_filter)  # Mosquitto grants it and delivers nothing; the embedded one cuts the connection
    with Peer(broker.port, "gw1") as gateway:
        gateway.publish(own("gw1"), b"private")
    daemon.wait_received(1)
    daemon.publish(own("gw1", "committed"), b"private too")
    if not spy.lost:
        spy.subscribe(own("gw2", "committed"))
        daemon.publish(own("gw2", "committed"), b"yours")
        assert set(spy.wait_received(1)) == {b"yours"}
    assert all(topic == own("gw2", "committed") for topic, _ in spy.received)
    spy.close()


def test_a_gateway_hears_its_own_watermark(broker: Broker, daemon: Peer) -> None:
    with Peer(broker.port, "gw1") as gateway:
        gateway.subscribe(own("gw1", "committed"))
        daemon.publish(own("gw1", "committed"), b'{"boot":"a","upto":3}')
        assert gateway.wait_received(1) == [b'{"boot":"a","upto":3}']


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize(("user", "password"), [("gw1", "wrong"), ("nobody", "pw"), (None, None), ("", "pw")])
def test_whoever_cannot_say_who_he_is_stays_outside(broker: Broker, level: int, user: str, password: str) -> None:
    stranger = Peer(broker.port, user, password, level=level, client_id="stranger")
    assert stranger.refused is not None
    stranger.close()


@pytest.mark.case("C5")
def test_nobody_takes_the_daemons_name_and_its_backlog(broker: Broker) -> None:
    with Peer(broker.port, DAEMON, keep=True) as daemon:
        daemon.subscribe(own("gw1"))
    with Peer(broker.port, "gw2", client_id=DAEMON):  # a clean start under this id would end the session
        pass
    with Peer(broker.port, "gw1") as gateway:
        gateway.publish(own("gw1"), b"kept")
    with Peer(broker.port, DAEMON, keep=True) as daemon:
        assert daemon.session_present
        assert daemon.wait_received(1) == [b"kept"]
    Peer(broker.port, DAEMON).close()  # ends the session


def test_a_last_will_comes_when_a_gateway_goes_without_a_word(broker: Broker, daemon: Peer) -> None:
    gateway = Peer(broker.port, "gw1", will=own("gw1", "status"))
    gateway.die()
    assert daemon.wait_received(1) == [b"offline"]


def test_a_last_will_for_somebody_else_never_comes(broker: Broker, daemon: Peer) -> None:
    forger = Peer(broker.port, "gw1", will=own("gw2", "status"))
    if forger.refused is None:
        forger.die()
    else:
        forger.close()
    with Peer(broker.port, "gw2") as gateway:
        gateway.publish(own("gw2"), b"honest")
    assert daemon.wait_received(1) == [b"honest"]


def test_a_backlog_waits_for_an_absent_daemon_and_comes_in_order(broker: Broker) -> None:
    with Peer(broker.port, DAEMON, keep=True) as daemon:
        daemon.subscribe(READINGS)
    sent = [str(n).encode() for n in range(3000)]
    with Peer(broker.port, "gw1", level=4) as gateway:
        gateway.publish_many(own("gw1"), sent)
    with Peer(broker.port, DAEMON, keep=True) as daemon:
        assert daemon.session_present
        assert daemon.wait_received(len(sent)) == sent
    Peer(broker.port, DAEMON).close()


def test_what_a_killed_daemon_did_not_acknowledge_comes_again(broker: Broker) -> None:
    daemon = Peer(broker.port, DAEMON, keep=True, manual=True, receive_maximum=100)
    daemon.subscribe(READINGS)
    sent = [str(n).encode() for n in range(300)]
    with Peer(broker.port, "gw1") as gateway:
        gateway.publish_many(own("gw1"), sent)
    assert daemon.wait_received(100) == sent[:100], "the window holds the rest back"
    daemon.die()
    with Peer(broker.port, DAEMON, keep=True) as daemon:
        assert daemon.session_present
        assert daemon.wait_received(len(sent)) == sent
    Peer(broker.port, DAEMON).close()


def test_a_message_that_is_too_large_is_refused(broker: Broker, daemon: Peer) -> None:
    with Peer(broker.port, "gw1") as gateway:
        gateway.publish(own("gw1"), b"x" * 65_536)
        gateway.client.publish(own("gw1"), b"y" * 70_001, 1)
        gateway.wait_lost()
    assert [len(payload) for payload in daemon.wait_received(1)] == [65_536]


def test_new_accounts_are_admitted_and_old_ones_refused_while_it_runs(broker: Broker) -> None:
    try:
        assert broker.set_passwords({**ACCOUNTS, "gw3": mosquitto_hash("new")})
        for _ in range(200):  # Mosquitto reads the file when it gets round to it
            with Peer(broker.port, "gw3", "new") as late:
                if late.refused is None:
                    break
        assert late.refused is None
    finally:
        broker.set_passwords(ACCOUNTS)
    assert not broker.set_passwords(ACCOUNTS), "nothing changed, so nothing is written"


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("now", [None, "other"], ids=["revoked", "another password"])
def test_who_is_shut_out_is_cut_off_while_connected_and_nobody_else(
    broker: Broker, level: int, now: str | None
) -> None:
    gateway, neighbour = (Peer(broker.port, name, level=level) for name in ("gw1", "gw2"))
    others = {user: stored for user, stored in ACCOUNTS.items() if user != "gw1"}
    try:
        broker.set_passwords(others | ({"gw1": mosquitto_hash(now)} if now else {}))
        gateway.wait_lost()
        assert Peer(broker.port, "gw1", level=level).refused
        neighbour.publish(own("gw2"), b"still here")
        assert not neighbour.lost
    finally:
        broker.set_passwords(ACCOUNTS)
        for peer in (gateway, neighbour):
            peer.close()


@pytest.mark.parametrize("kind", KINDS)
def test_whether_a_session_outlives_the_broker(tmp_path: Path, kind: str) -> None:
    broker = made(tmp_path, kind)
    try:
        with Peer(broker.port, DAEMON, keep=True) as daemon:
            daemon.subscribe(READINGS)
        with Peer(broker.port, "gw1") as gateway:
            gateway.publish(own("gw1"), b"before")
        broker.stop()
        broker.start()
        with Peer(broker.port, DAEMON, keep=True) as daemon:
            assert daemon.session_present is (kind == "mosquitto")  # the embedded one forgets, as the README says
            if daemon.session_present:
                assert daemon.wait_received(1) == [b"before"]
    finally:
        broker.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_broker_leaves_nothing_behind_and_starts_again(tmp_path: Path, kind: str) -> None:
    broker = made(tmp_path, kind)
    try:
        broker.stop(signal.SIGKILL)
        assert not broker.takes_connections()
        broker.start()
        with Peer(broker.port, "gw1") as gateway:
            assert gateway.refused is None
    finally:
        broker.stop()


def test_a_broker_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "mosquitto.conf"
    broken.write_text("no_such_setting true\n")
    monkeypatch.setattr(brokers, "CONFIGURATION", broken)
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    with pytest.raises(StartError, match="no_such_setting"):
        Broker(tmp_path / "broker", free_port(), kind="mosquitto").start()


def test_without_any_broker_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "find_mosquitto", lambda: None)
    monkeypatch.setattr(brokers, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="install Mosquitto, set MQTT_URL"):
        Broker(tmp_path / "broker", 1).start()


def test_the_local_configuration_keeps_every_limit_of_production() -> None:
    here = local_configuration(Path("/data/broker"), "127.0.0.1", 1883).splitlines()
    production = [line for line in CONFIGURATION.read_text().splitlines() if line and not line.startswith("#")]
    changed = {line.split()[0] for line in production if line not in here}
    assert changed == {"persistence_location", "password_file", "acl_file", "listener", "certfile", "keyfile",
                       "tls_version"}  # fmt: skip
    assert [line for line in here if line.startswith("listener")] == ["listener 1883 127.0.0.1"]


def test_every_line_of_the_production_configuration_has_its_reason() -> None:
    lines = CONFIGURATION.read_text().splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith("#"):
            above = next((before for before in reversed(lines[:number]) if not before or before.startswith("#")), "")
            assert above.startswith("#"), f"{line}: no comment above it"


def test_mosquitto_takes_the_production_configuration_with_tls(tmp_path: Path) -> None:
    mosquitto, openssl = find_mosquitto(), shutil.which("openssl")
    if mosquitto is None or openssl is None:
        pytest.skip("mosquitto or openssl is not installed")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "server.key", "-out", tmp_path / "server.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    (tmp_path / "frostguard.passwd").write_text(f"gw1:{ACCOUNTS['gw1']}\n")
    plain, tls = free_port(), free_port()
    text = CONFIGURATION.read_text()
    for old, new in (
        ("/var/lib/mosquitto/", f"{tmp_path}/"), ("/etc/mosquitto/frostguard.passwd", f"{tmp_path}/frostguard.passwd"),
        ("/etc/mosquitto/frostguard.acl", str(brokers.ACL)), ("/etc/mosquitto/certs/", f"{tmp_path}/"),
        ("listener 1883 ", f"listener {plain} "), ("listener 8883", f"listener {tls}"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "mosquitto.conf").write_text(f"user root\n{text}")
    process = subprocess.Popen([mosquitto, "-c", tmp_path / "mosquitto.conf"], stderr=subprocess.PIPE, text=True)
    try:
        broker = Broker(tmp_path, tls)
        assert brokers.processes.wait_until(broker.takes_connections, process, seconds=15), process.stderr.read()
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=5)
        client.username_pw_set("gw1", "pw")
        client.tls_set(ca_certs=str(tmp_path / "server.crt"))
        assert client.connect("127.0.0.1", tls) == paho.MQTT_ERR_SUCCESS
        while not client.is_connected():
            assert client.loop(timeout=5) == paho.MQTT_ERR_SUCCESS
        connection = client.socket()
        client.disconnect()
        connection.close()
    finally:
        process.terminate()
        process.communicate(timeout=10)
