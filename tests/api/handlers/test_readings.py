"""Readings over HTTP: ranges, resolutions, pages, files, and every odd question."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from frostguard.store import partitions, readings
from tests.api.conftest import Running
from tests.api.world import Api, Organization, World
from tests.factories import make_reading

NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def org(world: World) -> Organization:
    await partitions.ensure(world.sql, [NOW - n * DAY for n in range(-1, 40)])
    return await world.organization()


async def store(world: World, org: Organization, *ages: timedelta, **more: Any) -> None:
    """Readings so long ago; the temperature is the number of hours."""
    await readings.copy(
        world.sql,
        [make_reading(0, age / HOUR % 100, **({"unit_id": org.unit, "recorded_at": NOW - age} | more)) for age in ages],
    )


def path(org: Organization, **query: object) -> str:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/units/{org.unit}/readings?{words}"


async def test_a_day_is_raw_and_the_default(api: Api, world: World, org: Organization) -> None:
    await store(world, org, HOUR, 23 * HOUR, 25 * HOUR)
    for query in ({}, {"range": "24h"}, {"resolution": "raw"}, {"range": "24h", "resolution": "auto"}):
        found = (await api.get(path(org, **query), org.token("viewer"))).json
        assert [r["temperature"] for r in found] == [1.0, 23.0]
        assert found[0]["recordedAt"] == (NOW - HOUR).isoformat().replace("+00:00", "Z")
    assert len((await api.get(path(org, range="1h"), org.owner)).json) == 0
    assert len((await api.get(path(org, range="6h"), org.owner)).json) == 1


@pytest.mark.parametrize(("asked", "minutes"), [("7d", 60), ("30d", 60), ("90d", 1440), ("1y", 1440)])
async def test_longer_ranges_are_buckets(api: Api, world: World, org: Organization, asked: str, minutes: int) -> None:
    await store(world, org, 2 * DAY, 2 * DAY + 3 * DAY, 60 * MINUTE)
    found = (await api.get(path(org, range=asked), org.owner)).json
    assert len(found) == 3
    for bucket in found:
        assert set(bucket) == {"recordedAt", "temperature", "temperatureMin", "temperatureMax", "count"}
        assert datetime.fromisoformat(bucket["recordedAt"]).timestamp() % (60 * minutes) == 0


async def test_a_resolution_can_be_chosen(api: Api, world: World, org: Organization) -> None:
    await store(world, org, *[n * 10 * MINUTE for n in range(1, 13)])
    sizes = {
        resolution: len((await api.get(path(org, range="7d", resolution=resolution), org.owner)).json)
        for resolution in ("raw", "5m", "1h", "1d")
    }
    assert sizes["raw"] == 12
    assert sizes["5m"] == 12
    assert sizes["1h"] in (2, 3)
    assert sizes["1d"] in (1, 2)


async def test_from_and_to(api: Api, world: World, org: Organization) -> None:
    await store(world, org, HOUR, 2 * HOUR, 3 * HOUR)
    begin, end = (NOW - 3 * HOUR).strftime("%Y-%m-%dT%H:%M:%SZ"), (NOW - HOUR).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    found = (await api.get(path(org, **{"from": begin, "to": end}), org.owner)).json
    assert [r["temperature"] for r in found] == [2.0, 3.0]
    assert len((await api.get(path(org, **{"from": begin}), org.owner)).json) == 3
    shifted = (NOW - 3 * HOUR).astimezone().strftime("%Y-%m-%dT%H:%M:%S%%2B00:00")
    assert len((await api.get(path(org, **{"from": shifted}), org.owner)).json) == 3


@pytest.mark.parametrize("resolution", ["raw", "5m", "1h"])
async def test_pages_link_to_the_next_and_hold_everything_once(
    api: Api, world: World, org: Organization, resolution: str
) -> None:
    await store(world, org, *[n * 20 * MINUTE for n in range(1, 40)])
    await store(world, org, *[n * 20 * MINUTE for n in range(1, 40)], sensor_id=uuid4())
    whole = await api.get(path(org, resolution=resolution), org.owner)
    assert "Link" not in whole.headers
    link, seen = path(org, resolution=resolution, limit=7), []
    while link:
        reply = await api.get(link, org.owner)
        assert len(reply.json) <= 7
        seen += reply.json
        link = reply.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == whole.json


ODD = [
    "range=25h", "range=", "range=24h&range=7d", "limit=0", "limit=-1", "limit=1e9", "limit=20001", "limit=NaN",
    "limit=1.5", "limit=", "resolution=2h", "from=yesterday", "from=NaN", "from=2026-11-22", "from=2026-11-22T10:00:00",
    "to=2026-11-22T10:00:00Z", "range=24h&from=2026-11-22T10:00:00Z", "sensorId=1", "sensorId=", "cursor=x",
    "from=2026-11-22T10:00:00Z&to=2026-11-22T09:00:00Z", "from=99999-01-01T00:00:00Z", "begin=2026-11-22T10:00:00Z",
    "cursor=WzFd", "cursor=W10", "cursor=%00", "cursor=WyIyMDI2LTExLTIyIiwieCIsMV0", "unknown=1", "from=%F0%9F%98%80",
    "from=-1e400", "cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwieCIsLTFd",
]  # fmt: skip


@pytest.mark.parametrize("query", ODD)
async def test_an_odd_question_is_refused(api: Api, org: Organization, query: str) -> None:
    assert (await api.get(f"/units/{org.unit}/readings?{query}", org.owner)).status == 422


@pytest.mark.parametrize(
    "query",
    ["from=0001-01-01T00:00:00Z", "from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59-14:00&resolution=1d",
     "from=9999-12-31T23:59:59Z", "from=2026-11-22T10:00:00.123456789Z",
     "from=0001-01-01T00:00:00Z&to=0001-01-02T00:00:00Z&resolution=5m"],
)  # fmt: skip
@pytest.mark.parametrize("what", ["readings", "readings/export"])
async def test_extreme_times_are_answered(api: Api, org: Organization, what: str, query: str) -> None:
    if "resolution" in query and what != "readings":
        query = query.rpartition("&")[0]
    assert (await api.get(f"/units/{org.unit}/{what}?{query}", org.owner)).status == 200


async def test_the_latest(api: Api, world: World, org: Organization) -> None:
    sensor = await world.sensor(org.id, org.unit)
    assert (await api.get(f"/units/{org.unit}/readings/latest", org.owner)).json == []
    await store(world, org, HOUR, 2 * HOUR, sensor_id=sensor, humidity=40.5)
    (found,) = (await api.get(f"/units/{org.unit}/readings/latest", org.owner)).json
    assert (found["sensorId"], found["temperature"], found["humidity"]) == (str(sensor), 1.0, 40.5)


async def test_a_file_holds_everything_oldest_first(api: Api, world: World, org: Organization) -> None:
    sensor = await world.sensor(org.id, org.unit)
    await world.sql.execute("update sensors set name = $1 where id = $2", "=HYPERLINK(1)", sensor)
    ages = [n * 7 * MINUTE for n in range(1, 200)]
    await store(world, org, *ages, sensor_id=sensor, fault="@evil\nline", temperature=-4.5)
    reply = await api.get(f"/units/{org.unit}/readings/export?range=7d", org.token("inspector"))
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in reply.headers["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(reply.body.decode(), newline="")))
    assert [line["recorded_at"] for line in lines] == sorted(
        (NOW - age).isoformat().replace("+00:00", "Z") for age in ages
    )
    assert {(line["name"], line["fault"], line["temperature"]) for line in lines} == {
        ("'=HYPERLINK(1)", "'@evil\nline", "-4.5")
    }
    assert (await api.get(f"/units/{org.unit}/readings/export", org.token("viewer"))).status == 403


async def test_a_file_of_many_pages(api: Api, world: World, org: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.handlers.readings.FILE_PAGE", 10)
    await store(world, org, *[n * MINUTE for n in range(1, 31)])
    for size in (10, 7):
        monkeypatch.setattr("api.handlers.readings.FILE_PAGE", size)
        reply = await api.get(f"/units/{org.unit}/readings/export", org.owner)
        assert len(reply.body.splitlines()) == 31


async def test_statistics_tell_what_was_in_and_out(api: Api, world: World, org: Organization) -> None:
    await world.sql.execute("update units set temp_min = -1, temp_max = 5 where id = $1", org.unit)
    begin = (NOW - 2 * HOUR).replace(minute=0, second=0)
    rows = [
        make_reading(0, celsius, unit_id=org.unit, recorded_at=begin + n * 5 * MINUTE)
        for n, celsius in enumerate([4, 4, 7, 8, 4, 4])
    ]
    await readings.copy(world.sql, rows)
    query = f"from={begin:%Y-%m-%dT%H:%M:%SZ}&to={begin + 30 * MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    found = (await api.get(f"/units/{org.unit}/statistics?{query}", org.owner)).json
    assert (found["low"], found["high"]) == (-1, 5)
    assert (found["readings"], found["expectedReadings"], found["completeness"]) == (6, 6, 1.0)
    assert (found["temperatureMin"], found["temperatureMax"], found["temperatureMean"]) == (4, 8, 5.167)
    assert (found["insideSeconds"], found["outsideSeconds"], found["unwatchedSeconds"]) == (1200, 600, 0)
    assert (found["excursions"], found["longestExcursionSeconds"], found["insideShare"]) == (1, 600, 0.6667)


async def test_statistics_of_silence(api: Api, org: Organization) -> None:
    found = (await api.get(f"/units/{org.unit}/statistics?range=1h", org.owner)).json
    assert (found["readings"], found["completeness"], found["insideShare"], found["temperatureMean"]) == (
        0, 0.0, None, None,
    )  # fmt: skip
    assert found["unwatchedSeconds"] == pytest.approx(3600, abs=5)
    too_long = await api.get(f"/units/{org.unit}/statistics?from=2020-01-01T00:00:00Z", org.owner)
    assert too_long.status == 422


async def test_statistics_of_a_future_that_has_not_begun(api: Api, org: Organization) -> None:
    found = (await api.get(f"/units/{org.unit}/statistics?from=9999-01-01T00:00:00Z", org.owner)).json
    assert (found["expectedReadings"], found["completeness"]) == (0, 1.0)


async def test_sums_are_used_as_soon_as_they_are_known(running: Running, org: Organization) -> None:
    """A bucket that no reading backs shows where the answer came from."""
    world, api = running.world, running.api
    midnight = NOW.replace(hour=0, minute=0, second=0)
    await world.sql.execute("insert into rollup_progress values (0, $1, $2)", midnight - 2 * DAY, midnight)
    await world.sql.execute(
        """insert into reading_buckets (unit_id, at, sensor_id, total, lowest, highest, readings, span)
           values ($1, $2, $3, 84, 6, 8, 12, 60)""",
        org.unit, midnight - 5 * HOUR, uuid4(),
    )  # fmt: skip
    (found,) = (await api.get(path(org, range="7d"), org.owner)).json
    assert (found["temperature"], found["temperatureMin"], found["count"]) == (7, 6, 12)


async def test_many_readers_at_once(api: Api, world: World, org: Organization) -> None:
    await store(world, org, *[n * MINUTE for n in range(1, 100)])
    replies = await asyncio.gather(*[api.get(path(org, range=r), org.owner) for r in ("24h", "7d", "1y") * 10])
    assert {reply.status for reply in replies} == {200}


async def test_nothing_is_told_of_others(api: Api, world: World, org: Organization) -> None:
    foreign = await world.organization(people=False)
    await store(world, foreign, HOUR, unit_id=foreign.unit)
    for what in ("readings", "readings?range=7d", "readings/latest", "readings/export", "statistics"):
        for unit in (foreign.unit, UUID(int=7)):
            reply = await api.get(f"/units/{unit}/{what}", org.owner)
            assert reply.status == 404, (what, reply)
