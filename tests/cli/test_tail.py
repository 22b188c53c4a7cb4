"""New readings as they come."""

import json
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from frostguard.cli.tail import forget, fresh, line
from tests.cli.test_status import fleet

__all__ = ["fleet"]

BEGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)


def row(seconds: float, **more) -> dict:
    at = BEGIN + timedelta(seconds=seconds)
    return {"unit_id": uuid4(), "recorded_at": at, "sensor_id": uuid4(), "seq": 0, "received_at": at, **more}


def test_a_row_is_given_once_and_none_from_before_the_begin() -> None:
    seen, old, new, late = {}, row(-1), row(1), row(2)
    assert list(fresh([old, new], seen, BEGIN)) == [new]
    assert list(fresh([old, new, late], seen, BEGIN)) == [late]


def test_what_is_not_looked_at_again_is_forgotten() -> None:
    seen, rows = {}, [row(1), row(2)]
    list(fresh(rows, seen, BEGIN))
    forget(seen, rows[0]["received_at"])
    assert len(seen) == 1


SHOWN = {"unit": "Fridge", "site": "Main", "sensor": "s1", "temperature": 4.25, "fault": None, "humidity": None,
         "door_open": None, "battery_percent": None, "recorded_at": BEGIN}  # fmt: skip


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


@pytest.mark.usefixtures("fleet")
def test_readings_are_printed_as_they_come(command, psql) -> None:
    stop = threading.Event()

    def store() -> None:
        while not stop.wait(0.05):
            psql("insert into sensor_readings (unit_id, sensor_id, recorded_at, received_at, temperature)"
                 " select unit_id, id, clock_timestamp(), clock_timestamp(), 1.5 from sensors")  # fmt: skip

    writer = threading.Thread(target=store)
    writer.start()
    try:
        said = command("tail", "--count", "3", "--unit", "fridge two", "--json")
    finally:
        stop.set()
        writer.join()
    rows = [json.loads(text) for text in said.out.splitlines()]
    assert [(r["unit"], r["temperature"]) for r in rows] == [("Fridge two", 1.5)] * 3
