"""`frostguard doctor` at a terminal and for a program."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from frostguard.doctor.figures import ACCOUNT, password_of
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port


def test_it_says_what_is_wrong_and_what_to_do(command, monkeypatch, tmp_path) -> None:
    for name in ("MQTT_URL", "JWT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INGEST_PORT", "1")
    said = command("doctor", "--json", "--mosquitto", str(tmp_path / "none"))
    told = json.loads(said.out)
    checks = {check["name"]: check for check in told["checks"]}
    assert (said.code, told["level"]) == (2, "fail")
    assert "MQTT_URL is missing" in checks["settings"]["says"]
    assert checks["migrations"]["level"] == "ok"
    assert checks["daemon"]["level"] == "warn"
    assert all(check["do"] for check in told["checks"] if check["level"] != "ok")
    text = command("doctor", "--mosquitto", str(tmp_path / "none"))
    assert "frostguard migrate" not in text.out
    assert "make it" not in text.out
    assert "partition" in text.out


@pytest.fixture
def mosquitto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """A broker with the accounts that `mqtt-accounts` would write, and MQTT_URL for it."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    broker = Broker(tmp_path / "broker", free_port(), kind="mosquitto")
    broker.folder.mkdir()
    broker.set_passwords({DAEMON: mosquitto_hash("pw"), ACCOUNT: mosquitto_hash(password_of("pw"))})
    broker.start()
    monkeypatch.setenv("MQTT_URL", f"mqtt://{DAEMON}{{shard}}:pw@127.0.0.1:{broker.port}")
    yield broker
    broker.stop()


def test_everything_about_a_broker_is_looked_at_with_one_connection(command, mosquitto, monkeypatch) -> None:
    monkeypatch.setenv("INGEST_PORT", "1")
    told = json.loads(command("doctor", "--json", "--mosquitto", str(mosquitto.folder / "mosquitto.conf")).out)
    checks = {check["name"]: check for check in told["checks"]}
    assert {"broker", "certificate", "session", "dropped messages", "backlog", "queue limits", "persistence"} <= set(
        checks
    )
    assert checks["broker"]["level"] == "ok"
    assert checks["queue limits"]["level"] == "ok"
    assert "no session waits" in checks["session"]["says"]
    assert checks["dropped messages"]["level"] == "ok"
    assert "messages" in checks["backlog"]["says"]
    mosquitto.set_passwords({DAEMON: mosquitto_hash("pw")})
    mosquitto.stop()
    mosquitto.start()
    told = json.loads(command("doctor", "--json", "--mosquitto", str(mosquitto.folder / "none")).out)
    checks = {check["name"]: check for check in told["checks"]}
    assert "mqtt-accounts" in checks["dropped messages"]["says"]
    assert "queue limits" not in checks


def test_a_broker_with_mosquittos_own_limits_is_found(command, monkeypatch, tmp_path) -> None:
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text("allow_anonymous true\n")
    checks = {
        c["name"]: c for c in json.loads(command("doctor", "--json", "--mosquitto", str(configuration)).out)["checks"]
    }
    assert checks["queue limits"]["level"] == "fail"
    assert checks["persistence"]["level"] == "fail"
