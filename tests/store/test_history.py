"""Pages of readings and buckets: complete, in order, inside one organization, and right wherever the sums end."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frostguard.config import DatabaseSettings
from frostguard.domain.buckets import NOTHING, Span, Stretch, floor, sources
from frostguard.domain.shards import WHOLE
from frostguard.store import history, locks, partitions, readings, rollups
from frostguard.store.connection import Connection, connect
from frostguard.store.history import Position, Wanted, Window
from tests.factories import SERIAL, Planted, identity, make_reading, plant, plant_sensor
from tests.fakes import NOON

DAY = timedelta(days=1)
MIDNIGHT = floor(NOON, Span.DAY)


@pytest.fixture
def planted(database: str) -> Planted:
    return plant(database)


@pytest.fixture
async def connection(database: str):
    opened = await connect(DatabaseSettings(url=database), "test")
    await partitions.ensure(opened, [NOON + n * DAY for n in range(-14, 2)])
    yield opened
    await opened.close()


async def store(connection: Connection, unit: UUID, *rows: tuple[float, float | None], **more: Any) -> None:
    await readings.copy(connection, [make_reading(m, c, unit_id=unit, **more) for m, c in rows])


async def raw(connection: Connection, planted: Planted, **changes: Any) -> list[dict[str, Any]]:
    window = Window(NOON - DAY, NOON + DAY, 1000)._replace(**changes)
    row = await history.raw(connection, planted.organization, planted.units[SERIAL], window)
    return orjson.loads(row["body"])


async def buckets(
    connection: Connection, planted: Planted, span: Span, stretch: Stretch = NOTHING, **more: Any
) -> list[tuple[float, float, float, float, int]]:
    """Minutes since noon, mean, lowest, highest, count."""
    wanted = Wanted(span, sources(span, NOON - 10 * DAY, NOON + DAY, stretch), more.pop("limit", 1000), **more)
    row = await history.buckets(connection, planted.organization, planted.units[SERIAL], wanted)
    return [
        ((datetime.fromisoformat(b["recordedAt"]) - NOON) / timedelta(minutes=1), *list(b.values())[1:])
        for b in orjson.loads(row["body"])
    ]


async def sum_up(connection: Connection, since: datetime, upto: datetime) -> Stretch:
    assert await locks.try_shard(connection, 0)
    await rollups.ensure_progress(connection, WHOLE, since)
    done = since
    while done < upto:
        async with rollups.exclusive(connection):
            done = await rollups.roll_up(connection, WHOLE, connection.get_server_pid(), upto) or upto
    return Stretch(since, upto)


async def test_readings_come_newest_first_and_leave_out_what_was_not_measured(
    connection: Connection, planted: Planted
) -> None:
    unit, sensor = planted.units[SERIAL], planted.sensors[SERIAL]
    await store(connection, unit, (0, -18.25), (5.5, None), sensor_id=sensor)
    await store(connection, unit, (6, None), sensor_id=sensor, fault="no_probe", door_open=True, humidity=51.5,
                battery_percent=80, battery_volts=3.61, rssi=-97, snr=7.5)  # fmt: skip
    assert await raw(connection, planted) == [
        {"recordedAt": "2026-11-22T12:06:00Z", "temperature": None, "humidity": 51.5, "doorOpen": True,
         "batteryPercent": 80, "batteryVolts": 3.61, "rssi": -97, "snr": 7.5, "fault": "no_probe",
         "sensorId": str(sensor)},
        {"recordedAt": "2026-11-22T12:05:30Z", "temperature": None, "sensorId": str(sensor)},
        {"recordedAt": "2026-11-22T12:00:00Z", "temperature": -18.25, "sensorId": str(sensor)},
    ]  # fmt: skip


async def test_a_time_is_half_open(connection: Connection, planted: Planted) -> None:
    await store(connection, planted.units[SERIAL], (0, 1.0), (5, 2.0), (10, 3.0))
    found = await raw(connection, planted, begin=NOON, end=NOON + timedelta(minutes=10))
    assert [r["temperature"] for r in found] == [2.0, 1.0]


async def test_one_sensor_can_be_asked_for(connection: Connection, planted: Planted) -> None:
    await store(connection, planted.units[SERIAL], (0, 1.0), sensor_id=identity("one"))
    await store(connection, planted.units[SERIAL], (1, 2.0), sensor_id=identity("two"))
    found = await raw(connection, planted, sensor_id=identity("two"))
    assert [r["temperature"] for r in found] == [2.0]


async def test_a_fault_with_odd_characters_is_still_json(connection: Connection, planted: Planted) -> None:
    await store(connection, planted.units[SERIAL], (0, None), fault='a "b" \\ \n ü')
    assert (await raw(connection, planted))[0]["fault"] == 'a "b" \\ \n ü'


@pytest.mark.parametrize("whose", ["foreign", "deleted", "absent"])
async def test_what_is_not_there_has_no_unit(
    connection: Connection, planted: Planted, database: str, whose: str
) -> None:
    await store(connection, planted.units[SERIAL], (0, 1.0))
    organization, unit = planted.organization, planted.units[SERIAL]
    if whose == "foreign":
        organization = plant(database, "other", [], []).organization
    elif whose == "deleted":
        await connection.execute("update units set deleted_at = now()")
    else:
        unit = identity("nothing")
    row = await history.raw(connection, organization, unit, Window(NOON - DAY, NOON + DAY, 10))
    assert (row["unit"], row["body"]) == (None, b"[]")
    wanted = Wanted(Span.HOUR, sources(Span.HOUR, NOON - DAY, NOON + DAY, NOTHING), 10)
    row = await history.buckets(connection, organization, unit, wanted)
    assert (row["unit"], row["body"]) == (None, b"[]")
    assert await history.rows(connection, organization, unit, Window(NOON - DAY, NOON + DAY, 10)) == []
    assert await history.latest(connection, organization, unit, NOON) is None


async def test_buckets_have_mean_extremes_and_count_and_gaps_between(connection: Connection, planted: Planted) -> None:
    await store(connection, planted.units[SERIAL], (0, 1.0), (2, 2.0), (4, 4.0), (61, -7.5), (300, None))
    assert await buckets(connection, planted, Span.FIVE_MINUTES) == [(60, -7.5, -7.5, -7.5, 1), (0, 2.333, 1, 4, 3)]
    assert await buckets(connection, planted, Span.HOUR) == [(60, -7.5, -7.5, -7.5, 1), (0, 2.333, 1, 4, 3)]
    assert await buckets(connection, planted, Span.DAY) == [(-720, -0.125, -7.5, 4, 4)]


async def test_the_primary_speaks_where_it_measured_and_else_all_do(
    connection: Connection, planted: Planted, database: str
) -> None:
    unit, primary, other = planted.units[SERIAL], planted.sensors[SERIAL], identity("air")
    await store(connection, unit, (0, 4.0), (1, 6.0), sensor_id=primary)
    await store(connection, unit, (0.5, 20.0), (61, 30.0), (62, 40.0), sensor_id=other)
    assert await buckets(connection, planted, Span.HOUR) == [(60, 35, 30, 40, 2), (0, 5, 4, 6, 2)]
    assert await buckets(connection, planted, Span.HOUR, sensor_id=other) == [(60, 35, 30, 40, 2), (0, 20, 20, 20, 1)]
    await connection.execute("update sensors set is_primary = false")
    assert await buckets(connection, planted, Span.HOUR) == [(60, 35, 30, 40, 2), (0, 10, 4, 20, 3)]


async def test_the_open_end_is_summed_from_the_readings(connection: Connection, planted: Planted) -> None:
    unit = planted.units[SERIAL]
    await store(connection, unit, *[(minute, float(minute % 7)) for minute in range(-720, 200, 3)])
    everything = {span: await buckets(connection, planted, span) for span in Span}
    stretch = await sum_up(connection, MIDNIGHT, NOON + timedelta(minutes=95))
    assert {span: await buckets(connection, planted, span, stretch) for span in Span} == everything


async def test_no_page_is_cut_off_without_saying_so(connection: Connection, planted: Planted) -> None:
    await store(connection, planted.units[SERIAL], (0, 1.0), (70, 2.0))
    unit = planted.units[SERIAL]
    for limit, more in ((1, True), (2, True), (3, False)):
        row = await history.raw(connection, planted.organization, unit, Window(NOON - DAY, NOON + DAY, limit))
        assert (row["last_at"] is not None) == more
        wanted = Wanted(Span.HOUR, sources(Span.HOUR, NOON - DAY, NOON + DAY, NOTHING), limit)
        row = await history.buckets(connection, planted.organization, unit, wanted)
        assert (row["last_at"] is not None) == more


async def test_the_latest_of_each_sensor_the_primary_first(
    connection: Connection, planted: Planted, database: str
) -> None:
    unit = planted.units[SERIAL]
    with psycopg.connect(database) as c:
        c.execute("update sensors set is_primary = false")
        door = plant_sensor(c, planted.organization, "aa00", unit)
        plant_sensor(c, planted.organization, "bb00", None)
    await store(connection, unit, (0, 1.0), (9, 2.0), sensor_id=planted.sensors[SERIAL])
    await store(connection, unit, (3, None), sensor_id=door, door_open=True)
    found = await history.latest(connection, planted.organization, unit, NOON + DAY)
    assert found is not None
    assert [(r["serial"], r["temperature"], r["door_open"]) for r in found] == [
        ("aa00", None, True),
        (SERIAL, 2.0, None),
    ]
    assert await history.latest(connection, planted.organization, unit, NOON + 40 * DAY) == []


# --- paging

moments = st.integers(0, 30).map(lambda n: n * 7.5)
rows = st.lists(st.tuples(moments, st.sampled_from("abc"), st.integers(0, 3)), unique=True, max_size=40)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, limit=st.integers(1, 12))
def test_paging_visits_each_reading_once(
    database: str, planted: Planted, rows: list[tuple[float, str, int]], limit: int
) -> None:
    async def visit() -> None:
        connection = await connect(DatabaseSettings(url=database), "test")
        try:
            await partitions.ensure(connection, [NOON])
            await connection.execute("truncate sensor_readings")
            unit = planted.units[SERIAL]
            await readings.copy(
                connection,
                [make_reading(m, m / 10, unit_id=unit, sensor_id=identity(name), seq=seq) for m, name, seq in rows],
            )
            await _compare(connection, planted.organization, unit, limit)
        finally:
            await connection.close()

    asyncio.run(visit())


async def _compare(connection: Connection, organization: UUID, unit: UUID, limit: int) -> None:
    window = Window(NOON, NOON + DAY, limit)
    seen: list[Any] = []
    while True:
        row = await history.raw(connection, organization, unit, window)
        seen += orjson.loads(row["body"])
        if row["last_at"] is None:
            break
        window = window._replace(behind=Position(row["last_at"], row["last_by"], row["last_seq"]))
    whole = await history.raw(connection, organization, unit, window._replace(limit=1000, behind=None))
    assert seen == orjson.loads(whole["body"])
    lines: list[Any] = []
    window = window._replace(behind=None)
    while page := await history.rows(connection, organization, unit, window):
        lines += page
        window = window._replace(behind=Position(page[-1]["recorded_at"], page[-1]["sensor_id"], page[-1]["seq"]))
    assert len(lines) == len({(r["recorded_at"], r["sensor_id"], r["seq"]) for r in lines}) == len(seen)
    assert [r["recorded_at"] for r in lines] == sorted(r["recorded_at"] for r in lines)
