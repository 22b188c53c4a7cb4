"""The broker's password file from the database."""

import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from frostguard.doctor.figures import ACCOUNT, password_of
from frostguard.gateway_passwords import matches, mosquitto_hash
from frostguard.local.broker import Broker, find_mosquitto
from frostguard.local.ports import free_port
from tests.mqtt_peer import Peer
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_URL", "mqtt://frostguard-ingest:p%40ss@localhost")


def test_gateways_and_the_daemon_get_in(command, psql, tmp_path) -> None:
    stored = mosquitto_hash("gw")
    [(organization,)] = psql("insert into organizations (name, slug) values ('A', 'aa') returning id")
    for serial, password_hash, kind in (("gw1", stored, "native"), ("gw2", None, "native"), ("app@t", "x", "tts")):
        psql("insert into gateways (organization_id, serial, name, password_hash, kind) values (%s, %s, 'g', %s, %s)",
             organization, serial, password_hash, kind)  # fmt: skip
    file = tmp_path / "passwords"
    assert "3 accounts; have Mosquitto read it" in command("mqtt-accounts", "--output", str(file)).err
    accounts = dict(line.split(":", 1) for line in file.read_text().splitlines())
    assert accounts["gw1"] == stored
    assert matches("p@ss", accounts["frostguard-ingest"])
    assert matches(password_of("p@ss"), accounts[ACCOUNT])
    assert set(accounts) == {"gw1", "frostguard-ingest", ACCOUNT}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_right_stays_as_it_is(command, tmp_path) -> None:
    file = tmp_path / "passwords"
    command("mqtt-accounts", "--output", str(file))
    before = file.stat().st_ino, file.read_text()
    assert "is up to date: 2 accounts" in command("mqtt-accounts", "--output", str(file)).err
    assert (file.stat().st_ino, file.read_text()) == before


def test_no_gateway_becomes_the_daemon_or_the_doctor(command, psql, tmp_path) -> None:
    [(organization,)] = psql("insert into organizations (name, slug) values ('A', 'aa') returning id")
    for name in ("frostguard-ingest", ACCOUNT):
        psql("insert into gateways (organization_id, serial, name, password_hash) values (%s, %s, 'g', %s)",
             organization, name, mosquitto_hash("forged"))  # fmt: skip
    file = tmp_path / "passwords"
    command("mqtt-accounts", "--output", str(file))
    accounts = dict(line.split(":", 1) for line in file.read_text().splitlines())
    assert matches("p@ss", accounts.pop("frostguard-ingest"))
    assert matches(password_of("p@ss"), accounts.pop(ACCOUNT))
    assert accounts == {}


def test_who_follows_says_whom_it_tells(command, tmp_path) -> None:
    said = command("mqtt-accounts", "--follow", "--output", str(tmp_path / "passwords"))
    assert (said.code, "--follow needs --pid-file" in said.err) == (2, True)


def test_a_broker_that_cannot_be_told_is_no_reason_to_write_nothing(command, tmp_path) -> None:
    file = tmp_path / "passwords"
    said = command("mqtt-accounts", "--output", str(file), "--pid-file", str(tmp_path / "none"))
    assert "2 accounts; Mosquitto was not told" in said.err
    assert file.exists()


@pytest.fixture
def followed(database: str, tmp_path: Path) -> Iterator[Broker]:
    """Mosquitto, whose accounts a running command keeps as the database has them."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    broker = Broker(tmp_path / "broker", free_port(), kind="mosquitto")
    broker.start()
    assert broker.process is not None
    pid_file = tmp_path / "pid"
    pid_file.write_text(f"{broker.process.pid}\n")
    arguments = ["--output", broker.folder / "passwords", "--pid-file", pid_file, "--follow"]
    follower = subprocess.Popen(
        [sys.executable, "-m", "frostguard.cli", "mqtt-accounts", *arguments],
        env={"DATABASE_URL": database, "MQTT_URL": "mqtt://frostguard-ingest:pw@localhost", "PATH": "/usr/bin:/bin"},
    )
    yield broker
    follower.send_signal(signal.SIGTERM)
    assert follower.wait(15) == 0
    broker.stop()


@pytest.mark.case("H20")
def test_a_gateway_is_let_in_and_cut_off_as_the_database_says(followed: Broker, psql, case) -> None:
    stored = mosquitto_hash("pw")
    [(organization,)] = psql("insert into organizations (name, slug) values ('A', 'aa') returning id")
    for serial in ("gw1", "gw2"):
        psql("insert into gateways (organization_id, serial, name, password_hash) values (%s, %s, 'g', %s)",
             organization, serial, stored)  # fmt: skip

    def let_in(user: str) -> bool:
        with Peer(followed.port, user) as peer:
            return peer.refused is None

    eventually(lambda: let_in("gw1") and let_in("gw2"), "both are let in")
    revoked, neighbour = Peer(followed.port, "gw1"), Peer(followed.port, "gw2")
    psql("update gateways set password_hash = null where serial = 'gw1'")
    began = time.monotonic()
    revoked.wait_lost()
    case("a connected gateway was cut off after its password was revoked", time.monotonic() - began, "s", below=5)
    assert not let_in("gw1")
    assert not neighbour.lost
    psql("update organizations set deleted_at = now()")
    neighbour.wait_lost()
    for peer in (revoked, neighbour):
        peer.close()
