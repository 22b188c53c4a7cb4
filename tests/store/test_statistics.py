"""What temperatures amount to: told as stories of minute:°C, judged against -1 to 5 °C, silence after 15 minutes."""

from datetime import timedelta

import pytest

from frostguard.config import DatabaseSettings
from frostguard.domain.buckets import NOTHING, Span, Stretch, sources
from frostguard.store import partitions, readings, rollups, statistics
from frostguard.store.connection import connect
from frostguard.store.statistics import Judgement
from tests.factories import SERIAL, identity, make_reading, plant
from tests.fakes import NOON

MINUTE = timedelta(minutes=1)

# story, then minutes inside, minutes outside, excursions, minutes of the longest
STORIES = [
    ("", (0, 0, 0, 0)),
    ("0:4 5:4 10:4", (25, 0, 0, 0)),
    ("0:4 5:6 10:6 15:4", (20, 10, 1, 10)),
    ("0:6 5:4 10:-2 15:-2 20:-2 25:4", (20, 20, 2, 15)),
    ("0:6 5:6 60:6 65:4", (15, 25, 2, 20)),
    ("0:4 1:4 2:9 5:4", (15, 5, 1, 5)),
    ("0:5 5:-1", (20, 0, 0, 0)),
    ("55:6", (0, 5, 1, 5)),
    ("0:4 6:4 50:6 55:6", (20, 10, 1, 10)),
]


@pytest.mark.parametrize(("story", "expected"), STORIES)
async def test_a_story_amounts_to_its_sums(database: str, story: str, expected: tuple[int, ...]) -> None:
    planted = plant(database)
    connection = await connect(DatabaseSettings(url=database), "test")
    await partitions.ensure(connection, [NOON])
    rows = [
        make_reading(float(minute), float(celsius), unit_id=planted.units[SERIAL], sensor_id=identity("s"))
        for minute, celsius in (part.split(":") for part in story.split())
    ]
    await readings.copy(connection, rows)
    end = NOON + (60 if "60" not in story else 80) * MINUTE
    found = await statistics.summarise(
        connection, planted.organization, planted.units[SERIAL],
        sources(Span.FIVE_MINUTES, NOON, end, NOTHING), Judgement(-1, 5, 15 * MINUTE, end),
    )  # fmt: skip
    await connection.close()
    assert found["unit"] == planted.units[SERIAL]
    assert found["readings"] == len(rows)
    minutes = [found[name] / 60 for name in ("inside_seconds", "outside_seconds", "longest_seconds")]
    assert (*minutes[:2], found["excursions"], minutes[2]) == expected


async def test_the_interval_is_the_primarys_else_the_shortest(database: str, psql) -> None:
    planted = plant(database)
    unit = planted.units[SERIAL]
    connection = await connect(DatabaseSettings(url=database), "test")
    try:
        psql("update sensors set report_interval_seconds = 600")
        psql("""insert into sensors (organization_id, serial, unit_id, assigned_at, report_interval_seconds)
                values (%s, 'aa', %s, now(), 60)""", planted.organization, unit)  # fmt: skip
        assert await statistics.interval(connection, planted.organization, unit) == 600
        psql("update sensors set is_primary = false")
        assert await statistics.interval(connection, planted.organization, unit) == 60
        assert await statistics.interval(connection, planted.organization, identity("nothing")) == 300
    finally:
        await connection.close()


async def test_where_the_primary_measured_it_alone_speaks_else_all_others_together(database: str) -> None:
    planted = plant(database)
    unit, primary = planted.units[SERIAL], planted.sensors[SERIAL]
    connection = await connect(DatabaseSettings(url=database), "test")
    await partitions.ensure(connection, [NOON])
    told = [(primary, 0, 4), (primary, 10, 6), (primary, 11, 8), (identity("a"), 0, 99), (identity("a"), 5, 1),
            (identity("b"), 5, 4), (identity("b"), 10, 1), (identity("b"), 15, 9)]  # fmt: skip
    await readings.copy(
        connection, [make_reading(minute, celsius, unit_id=unit, sensor_id=by) for by, minute, celsius in told]
    )
    end = NOON + 20 * MINUTE
    for summed in (NOON, NOON + 10 * MINUTE, end):  # as readings, as both, as buckets
        await connection.execute("delete from reading_buckets")
        await connection.execute(rollups.SUM_FIVES, NOON, summed, 0, 1)
        found = await statistics.summarise(
            connection, planted.organization, unit,
            sources(Span.FIVE_MINUTES, NOON, end, Stretch(NOON, summed)), Judgement(-1, 5, 15 * MINUTE, end),
        )  # fmt: skip
        assert (found["readings"], found["lowest"], found["highest"]) == (6, 1, 9)
        assert found["mean"] == pytest.approx((4 + 1 + 4 + 6 + 8 + 9) / 6)
        assert (found["inside_seconds"], found["outside_seconds"]) == (600, 600)
        assert (found["excursions"], found["longest_seconds"]) == (1, 600)
    await connection.close()
