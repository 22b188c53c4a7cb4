"""New readings as they are committed."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from frostguard.cli.tail import line
from frostguard.domain.reading import Reading
from frostguard.store import feed
from frostguard.wire.feed import READINGS, encode_batch
from tests.cli.test_status import fleet
from tests.waiting import eventually

__all__ = ["fleet"]

SHOWN = {"unit": "Fridge", "site": "Main", "sensor": "s1", "temperature": 4.25, "fault": None, "humidity": None,
         "door_open": None, "battery_percent": None, "recorded_at": "2026-11-22T12:00:00.123Z"}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "4.2 °C"),
        ({"humidity": 51.4, "door_open": True, "battery_percent": 80}, "51 %RH  door open  battery 80 %"),
        ({"door_open": False}, "door closed"),
        ({"fault": "no_probe", "temperature": None}, "fault no_probe"),
        ({"unit": "\x1b[2J"}, "Main / ?[2J"),
    ],
)
def test_a_line_says_what_was_measured_and_nothing_else(more: dict, words: str) -> None:
    said = line({**SHOWN, **more})
    assert words in said
    assert said.startswith("2026-11-22 12:00:00  ")


def test_very_many_readings_are_one_line() -> None:
    said = line({"backlog": {"units": 7, "since": "2026-11-22T12:00:00Z"}})
    assert said == "2026-11-22 12:00:00  a backlog from then on, of 7 units"


def commit(url: str, *, backlog: bool = False, celsius: float = 1.5) -> None:
    """One reading of every sensor, or very many, as the daemon commits them."""
    now = datetime.now(UTC)
    with psycopg.connect(url, autocommit=True) as c:
        found = c.execute("select unit_id, id from sensors where unit_id is not null").fetchall()
        newest = [(UUID(str(unit)), now, celsius) for unit, _ in found] if backlog else []
        rows = [] if backlog else [(Reading(unit, now, sensor, 0, now, celsius), True) for unit, sensor in found]
        body = encode_batch(rows, (), newest, now if backlog else None)
        c.execute(feed.APPEND.replace("$1", "%s").replace("$2", "%s").replace("$3", "%s"), (READINGS, len(found), body))


class Committing:
    """Commits again and again until it is left."""

    def __init__(self, url: str, **more) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(url,), kwargs=more)

    def _run(self, url: str, **more) -> None:
        while not self._stop.wait(0.05):
            commit(url, **more)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.usefixtures("fleet")
def test_readings_are_printed_as_they_come(command, database: str) -> None:
    with Committing(database):
        said = command("tail", "--count", "3", "--unit", "fridge two", "--json")
    rows = [json.loads(text) for text in said.out.splitlines()]
    assert [(r["unit"], r["temperature"]) for r in rows] == [("Fridge two", 1.5)] * 3


@pytest.mark.usefixtures("fleet")
def test_a_backlog_is_named_not_listed(command, database: str) -> None:
    with Committing(database, backlog=True):
        said = command("tail", "--count", "1")
    assert "a backlog from then on, of" in said.out


@pytest.mark.usefixtures("fleet")
def test_a_terminal_gets_lines_until_it_is_interrupted(database: str) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "frostguard.cli", "tail"], stdout=theirs, env={**os.environ, "DATABASE_URL": database}
    )
    os.close(theirs)
    try:
        with Committing(database):
            assert b"1.5" in os.read(ours, 1000)
        process.send_signal(signal.SIGINT)
        eventually(lambda: process.poll() is not None, "it ended")
        assert process.returncode == 128 + signal.SIGINT
    finally:
        process.kill()
        process.wait()
        os.close(ours)
