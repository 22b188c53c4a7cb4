"""What `frostguard up` shows; what it does is in tests/end_to_end/test_up.py."""

import json
import signal

import pytest

from frostguard.cli import up
from frostguard.local.folder import DataFolder

READY = {
    "event": "ready", "api": None, "mqtt": "mqtt://127.0.0.1:1883", "database": "postgresql://x", "data_dir": "/d",
    "demo": {
        "organization": {"id": "1", "slug": "demo-kitchen"},
        "users": [{"role": "owner", "email": "owner@x", "password": "secret"}],
        "gateway": {"id": "gw", "password": "pw", "topic": "frostguard/v1/demo-kitchen/gw/readings"},
        "sensor": "s1", "unit": "2",
    },
}  # fmt: skip


def test_the_json_form_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    up._show(READY, as_json=True)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == READY


def test_people_see_where_everything_is_and_what_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    up._show(READY, as_json=False)
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "ready: mqtt mqtt://127.0.0.1:1883  database postgresql://x  data /d"
    assert "owner@x  secret" in out
    assert "mosquitto_pub -h 127.0.0.1 -p 1883 -u gw -P 'pw' -q 1" in out
    assert """-m '{"sensor":"s1","temperature":4.2}'""" in out


def test_people_see_where_the_page_is(capsys: pytest.CaptureFixture[str]) -> None:
    up._show(READY | {"api": "http://127.0.0.1:4000"}, as_json=False)
    assert "page:  http://127.0.0.1:4000/ " in capsys.readouterr().out


def test_a_folder_in_use_is_refused_in_one_line(command, tmp_path) -> None:
    before = [signal.getsignal(number) for number in up.STOP_SIGNALS]
    folder = DataFolder.open(tmp_path)
    try:
        said = command("up", "--data-dir", str(tmp_path))
    finally:
        folder.close()
        for number, handler in zip(up.STOP_SIGNALS, before, strict=True):
            signal.signal(number, handler)
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert "is in use by another" in said.err


def test_a_port_that_is_no_port_is_refused(command, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    before = [signal.getsignal(number) for number in up.STOP_SIGNALS]
    monkeypatch.setenv("PORT", "http")
    try:
        said = command("up", "--data-dir", str(tmp_path))
    finally:
        for number, handler in zip(up.STOP_SIGNALS, before, strict=True):
            signal.signal(number, handler)
    assert said.code == 78
    assert "PORT: 'http' is not a port" in said.err
