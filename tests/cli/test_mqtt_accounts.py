"""The broker's password file from the database."""

import stat

import pytest

from frostguard.gateway_passwords import matches, mosquitto_hash


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
    assert "2 accounts; have Mosquitto read it" in command("mqtt-accounts", "--output", str(file)).err
    accounts = dict(line.split(":", 1) for line in file.read_text().splitlines())
    assert accounts["gw1"] == stored
    assert matches("p@ss", accounts["frostguard-ingest"])
    assert set(accounts) == {"gw1", "frostguard-ingest"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_right_stays_as_it_is(command, tmp_path) -> None:
    file = tmp_path / "passwords"
    command("mqtt-accounts", "--output", str(file))
    before = file.stat().st_ino, file.read_text()
    assert "is up to date: 1 accounts" in command("mqtt-accounts", "--output", str(file)).err
    assert (file.stat().st_ino, file.read_text()) == before


def test_no_gateway_becomes_the_daemon(command, psql, tmp_path) -> None:
    [(organization,)] = psql("insert into organizations (name, slug) values ('A', 'aa') returning id")
    psql("insert into gateways (organization_id, serial, name, password_hash)"
         " values (%s, 'frostguard-ingest', 'g', %s)", organization, mosquitto_hash("forged"))  # fmt: skip
    file = tmp_path / "passwords"
    command("mqtt-accounts", "--output", str(file))
    [(_, stored)] = [line.split(":", 1) for line in file.read_text().splitlines()]
    assert matches("p@ss", stored)
