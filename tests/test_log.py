"""Log lines: one JSON object each in production, one readable line each on a terminal."""

import logging
import sys

import orjson
import pytest

from frostguard.config import LogSettings, load
from frostguard.log import JsonFormatter, TextFormatter, configure


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("ingest.daemon", logging.WARNING, __file__, 1, message, None, None)
    vars(made).update(extra)
    return made


def test_a_json_line_holds_the_message_and_what_was_given_beside_it() -> None:
    line = orjson.loads(JsonFormatter().format(record("connected", session_present=True)))
    assert {key: line[key] for key in ("level", "logger", "message", "session_present")} == {
        "level": "warning",
        "logger": "ingest.daemon",
        "message": "connected",
        "session_present": True,
    }


def test_a_json_line_is_one_line_whatever_it_says() -> None:
    assert "\n" not in JsonFormatter().format(record("two\nlines", detail="three\r\nmore"))


def test_what_json_cannot_say_is_said_as_text() -> None:
    assert orjson.loads(JsonFormatter().format(record("odd", what=object)))["what"].startswith("<class")


def test_an_error_carries_its_traceback() -> None:
    try:
        int("seven")
    except ValueError:
        made = record("failed", exc_info=sys.exc_info())
    assert "invalid literal for int" in orjson.loads(JsonFormatter().format(made))["error"]
    assert "invalid literal for int" in TextFormatter().format(made)


def test_foreign_text_cannot_begin_a_line_of_its_own() -> None:
    assert TextFormatter().format(record("bad\nINFO forged", detail="x\r\ny")).count("\n") == 0


@pytest.mark.parametrize(("form", "formatter"), [("json", JsonFormatter), ("text", TextFormatter)])
def test_the_setting_chooses_the_form(form: str, formatter: type, monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.setenv("LOG_FORMAT", form)
    try:
        configure(load(LogSettings))
        assert isinstance(root.handlers[0].formatter, formatter)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
