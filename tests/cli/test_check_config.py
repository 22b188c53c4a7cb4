"""Settings before anything is started."""

import pytest

from frostguard.config import GROUPS


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_URL", "mqtt://frostguard-ingest:hidden1@localhost")
    monkeypatch.setenv("JWT_SECRET", "hidden2" * 10)


@pytest.mark.usefixtures("complete")
def test_every_setting_is_shown_and_no_secret(command) -> None:
    said = command("check-config")
    assert said.code == 0
    for group in GROUPS:
        for field in group.model_fields.values():
            assert f"\n{field.alias} " in said.out
    assert "hidden" not in said.out
    assert "(a secret)" in said.out


@pytest.mark.usefixtures("complete")
def test_all_that_is_wrong_is_named_in_one_line(command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQTT_KEEPALIVE", "1")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    monkeypatch.delenv("MQTT_URL")
    said = command("check-config")
    assert said.code == 78
    assert said.err.count("\n") == 1
    assert all(name in said.err for name in ("MQTT_KEEPALIVE", "LOG_LEVEL", "MQTT_URL is missing"))
