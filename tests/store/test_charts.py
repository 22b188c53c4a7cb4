"""What pages draw: trends of all units from whatever is summed, and spans of open doors."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from frostguard.config import DatabaseSettings
from frostguard.domain.buckets import NOTHING, Span, sources
from frostguard.domain.event import Event, EventKind
from frostguard.store import charts, events, partitions, readings
from frostguard.store.charts import Times
from frostguard.store.connection import connect
from frostguard.store.events import UnitEvent
from tests.factories import SERIAL, identity, make_reading, plant
from tests.fakes import NOON

MINUTE = timedelta(minutes=1)

# story of minute:°C, then the points of an hour's steps, and of five minutes'
STORIES = [
    ("", [], []),
    ("0:4 30:6", [[0, 5, 4, 6]], [[0, 4, 4, 4], [6, 6, 6, 6]]),
    ("0:4 61:-3.256 62:-1", [[0, 4, 4, 4], [1, -2.13, -3.256, -1]], [[0, 4, 4, 4], [12, -2.13, -3.256, -1]]),
]


@pytest.mark.parametrize(("story", "hours", "fives"), STORIES)
async def test_a_trend_tells_its_story(database: str, story: str, hours: list[Any], fives: list[Any]) -> None:
    planted = plant(database)
    unit = planted.units[SERIAL]
    connection = await connect(DatabaseSettings(url=database), "test")
    await partitions.ensure(connection, [NOON])
    await readings.copy(
        connection,
        [
            make_reading(float(minute), float(celsius), unit_id=unit, sensor_id=identity("s"))
            for minute, celsius in (part.split(":") for part in story.split())
        ],
    )
    for span, expected in ((Span.HOUR, hours), (Span.FIVE_MINUTES, fives)):
        found = sources(span, NOON, NOON + 120 * MINUTE, NOTHING)
        body = orjson.loads(await charts.trends(connection, planted.organization, span, NOON, found))
        assert {each["unitId"]: each["points"] for each in body}[str(unit)] == expected
    await connection.close()


# openings as minutes from-to, how many minutes may lie between, then the spans: from, to, openings, seconds
OPENINGS = [
    ([], 0, []),
    ([(5, 7)], 0, [(5, 7, 1, 120)]),
    ([(5, 7), (8, 9)], 0, [(8, 9, 1, 60), (5, 7, 1, 120)]),
    ([(5, 7), (8, 9), (20, 21)], 2, [(20, 21, 1, 60), (5, 9, 2, 180)]),
    ([(25, 27), (28, 29), (30, 31), (32, 33)], 2, [(30, 33, 2, 120), (25, 29, 2, 180)]),
    ([(-5, 2), (58, 70)], 2, [(58, 60, 1, 120), (0, 2, 1, 120)]),
    ([(-9, -5), (61, 62)], 2, []),
]


@pytest.mark.parametrize(("doors", "apart", "spans"), OPENINGS)
async def test_openings_become_spans(
    database: str, doors: list[tuple[int, int]], apart: int, spans: list[tuple[int, ...]]
) -> None:
    planted = plant(database)
    unit: UUID = planted.units[SERIAL]
    connection = await connect(DatabaseSettings(url=database), "test")
    closed = [Event(EventKind.DOOR_CLOSED, NOON + end * MINUTE, began=NOON + begin * MINUTE) for begin, end in doors]
    if closed:
        await events.add(connection, [UnitEvent(planted.organization, None, unit, event) for event in closed])
    times = Times(NOON, NOON + 60 * MINUTE, apart * MINUTE, 30 * MINUTE)
    row = await charts.openings(connection, planted.organization, unit, times)
    foreign = await charts.openings(connection, identity("other"), unit, times)
    await connection.close()
    listed = zip(row["began"], row["ended"], row["openings"], row["seconds"], strict=True)
    assert [((b - NOON) / MINUTE, (e - NOON) / MINUTE, n, s) for b, e, n, s in listed] == spans
    assert row["unit"] == unit
    assert (foreign["unit"], foreign["began"]) == (None, [])
