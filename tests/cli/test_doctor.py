"""`frostguard doctor` at a terminal and for a program."""

import json


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


def test_a_broker_with_mosquittos_own_limits_is_found(command, monkeypatch, tmp_path) -> None:
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text("allow_anonymous true\n")
    checks = {
        c["name"]: c for c in json.loads(command("doctor", "--json", "--mosquitto", str(configuration)).out)["checks"]
    }
    assert checks["queue limits"]["level"] == "fail"
    assert checks["persistence"]["level"] == "fail"
