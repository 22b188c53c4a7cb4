"""All units in a live table, the worst first."""

import os
import pty
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from frostguard.cli.top import ENTER, LEAVE, Screen
from frostguard.wire.feed import Batch, Listed, Newest, Standing
from tests.cli.test_status import fleet
from tests.cli.test_tail import Committing
from tests.waiting import eventually

__all__ = ["fleet"]

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AT = "2026-11-22T11:59:50Z"


def screen(*statuses: str) -> Screen:
    rows = [
        {"id": f"u{n}", "organization": "acme", "site": "Main", "unit": f"Unit {n}", "status": status,
         "temperature": 4.0, "recorded_at": NOON - timedelta(minutes=5)}
        for n, status in enumerate(statuses)
    ]  # fmt: skip
    return Screen(rows)  # type: ignore[arg-type]


def shown(one: Screen, height: int | None = None) -> list[list[str]]:
    return [line.split() for line in one.text(NOON, height).splitlines()[3:]]


def reading(unit: str, celsius: float, *, newest: bool = True) -> Listed:
    return Listed(unit, AT, "s", 0, AT, celsius, *[None] * 7, newest)


def test_the_worst_is_first() -> None:
    rows = shown(screen("ok", "alarm_active", "excursion", "offline"))
    assert [row[0] for row in rows] == ["alarm_active", "excursion", "offline", "ok"]


def test_what_a_batch_brings_is_seen() -> None:
    one = screen("ok", "ok", "ok")
    standing = Standing("u1", "excursion", AT, "excursion", "fresh", None, AT, 9.0)
    one.take(Batch([reading("u0", 5.5), reading("u2", 7.0, newest=False)], [standing], None, []), 100.0)
    one.take(Batch([], [], AT, [Newest("u2", AT, 6.5), Newest("stranger", AT, 1.0)]), 101.0)
    rows = {" ".join(row[3:5]): row for row in shown(one)}
    assert [rows[f"Unit {n}"][5] for n in range(3)] == ["5.5", "9.0", "6.5"]
    assert rows["Unit 1"][0] == "excursion"
    assert one.text(NOON, None).splitlines()[0] == "2026-11-22 12:00:00 UTC  3 units  0.4 readings/s  excursion 1  ok 2"


def test_only_the_readings_of_the_last_seconds_make_the_rate() -> None:
    one = screen("ok")
    one.take(Batch([reading("u0", 5.5)] * 50, [], None, []), 100.0)
    one.take(Batch([reading("u0", 5.5)], [], None, []), 120.0)
    assert " 0.1 readings/s" in one.text(NOON, None)


def test_a_small_terminal_gets_the_worst_and_is_told_of_the_rest() -> None:
    text = screen("ok", "alarm_active", "ok", "ok").text(NOON, 6)
    assert len(text.splitlines()) == 6
    assert "alarm_active" in text
    assert text.endswith("... and 2 more")


@pytest.mark.usefixtures("fleet")
def test_a_pipe_gets_one_table(command) -> None:
    said = command("top")
    assert said.code == 0
    assert "Fridge two" in said.out
    assert "\x1b" not in said.out
    assert said.out.count("readings/s") == 1


@pytest.mark.usefixtures("fleet")
def test_a_terminal_is_drawn_anew_and_left_as_it_was(database: str) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "frostguard.cli", "top"], stdout=theirs, env={**os.environ, "DATABASE_URL": database}
    )
    os.close(theirs)
    seen = b""
    try:
        with Committing(database, celsius=17.5):
            while b"17.5" not in seen:
                seen += os.read(ours, 4000)
        process.send_signal(signal.SIGINT)
        eventually(lambda: process.poll() is not None, "it ended")
        while LEAVE.encode() not in seen:
            seen += os.read(ours, 4000)
        assert ENTER.encode() in seen
    finally:
        process.kill()
        process.wait()
        os.close(ours)
