"""The front door's own rules; what it lets whom do is in test_broker.py, which asks the running broker."""

import os
import socket
from collections.abc import Iterator

import pytest

from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import Broker
from frostguard.local.front_door import Passwords, main
from frostguard.local.ports import free_port
from tests.mqtt_peer import Peer


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = Broker(tmp_path_factory.mktemp("door") / "broker", free_port(), kind="embedded")
    running.folder.mkdir(mode=0o700)
    running.set_passwords({name: mosquitto_hash("pw") for name in ("gw1", "frostguard-ingest")})
    running.start()
    yield running
    running.stop()


def test_a_changed_password_file_counts_at_once(tmp_path) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"gw1:{mosquitto_hash('old')}\nbroken line\n:\n")
    passwords = Passwords(file)
    assert passwords.admit("gw1", b"old")
    assert not passwords.admit("broken line", b"")
    file.write_text(f"gw1:{mosquitto_hash('new')}\n")
    os.utime(file, ns=(1, 1))
    assert not passwords.admit("gw1", b"old")
    assert passwords.admit("gw1", b"new")


@pytest.mark.parametrize(("user", "password"), [(None, b"pw"), ("gw1", None), ("gw1", b"\xff"), ("", b"")])
def test_nobody_enters_without_name_and_password(tmp_path, user: str, password: bytes) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"gw1:{mosquitto_hash('pw')}\n")
    assert not Passwords(file).admit(user, password)


@pytest.mark.parametrize(
    "bytes_sent",
    [b"GET / HTTP/1.1\r\n\r\n", b"\xc0\0", b"\x10\xff\xff\xff\xff\xff", b"\x10\x02\0\4", b"\x10\xff\xff\x7f"],
)
def test_what_is_not_mqtt_is_cut_and_the_next_client_is_served(broker: Broker, bytes_sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", broker.port), timeout=15) as stranger:
        stranger.sendall(bytes_sent)
        assert stranger.recv(100) == b""
    with Peer(broker.port, "gw1") as gateway:
        assert gateway.refused is None


def test_what_comes_with_the_connect_in_one_piece_is_checked_as_well(broker: Broker) -> None:
    connect = b"\0\4MQTT\4\xc2\0\x3c\0\0\0\3gw1\0\2pw"
    publish = b"\x32\5\0\1x\0\1"
    with socket.create_connection(("127.0.0.1", broker.port), timeout=15) as forger:
        forger.sendall(bytes([0x10, len(connect)]) + connect + publish)
        answers = b""
        while piece := forger.recv(100):
            answers += piece
    assert b"\x40\2\0\1" not in answers, "a PUBACK: it was taken"


def test_a_taken_port_ends_it_with_a_reason(broker: Broker, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "passwords").touch()
    code = main(["--port", str(broker.port), "--folder", str(tmp_path), "--passwords", str(tmp_path / "passwords"),
                 "--acl", str(tmp_path / "passwords")])  # fmt: skip
    assert code == 1
    assert "address already in use" in capsys.readouterr().err.lower()


@pytest.mark.parametrize("keep", [False, True], ids=["anew", "resumed"])
def test_who_connects_again_and_again_is_still_heard_and_hears(broker: Broker, keep: bool) -> None:
    """The broker behind must learn of the end of each connection before it learns of the next."""
    earlier = []
    for _ in range(15):
        peer = Peer(broker.port, "gw1", keep=keep)
        peer.subscribe("frostguard/v1/org/gw1/committed")
        earlier.append(peer)
    with Peer(broker.port, "frostguard-ingest") as daemon:
        daemon.publish("frostguard/v1/org/gw1/committed", b"yours")
    assert peer.wait_received(1) == [b"yours"]
    assert all(each.lost for each in earlier[:-1])
    for each in earlier:
        each.close()
