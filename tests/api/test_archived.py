"""Readings of archived weeks over HTTP: the same pages and files as before they left."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api import rolled_up
from frostguard.archive import run
from frostguard.archive.run import Archiver
from frostguard.blobs import FolderBlobs
from frostguard.config import ArchiveSettings
from frostguard.store import partitions, readings
from tests.api.conftest import Running
from tests.api.handlers.test_readings import DAY, NOW
from tests.api.world import Api, Organization, World
from tests.factories import make_reading

WEEK = timedelta(days=7)
MONDAY = partitions.week_of(NOW - 120 * DAY)
FULL = {"humidity": 51.3, "door_open": False, "battery_percent": 88, "battery_volts": 3.61, "rssi": -97, "snr": 7.5}


@pytest.fixture
async def org(
    running: Running, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Organization]:
    """A week in the table, before it an old one that is going to leave, and one that stays for its late reading."""
    made = await world.organization()
    # Of the first unit's rows some have everything, some a fault, some the bare temperature.
    for monday in (MONDAY, MONDAY + WEEK):
        await partitions.ensure(world.sql, [monday])
        sensor = await world.sql.fetchval("select id from sensors where organization_id = $1 limit 1", made.id)
        rows = []
        for n in range(40):
            more: dict[str, Any] = FULL if n % 3 == 0 else {}
            more = more | ({"fault": "no_probe", "temperature": None} if n % 10 == 9 else {})
            at = monday + n * WEEK / 40 + timedelta(milliseconds=n * 10)
            rows.append(
                make_reading(
                    0,
                    n / 10,
                    **(
                        {"unit_id": made.unit, "recorded_at": at, "received_at": at, "seq": n, "sensor_id": sensor}
                        | more
                    ),
                )
            )
        await readings.copy(world.sql, rows)
    settings = ArchiveSettings(folder=tmp_path / "archive")
    running.program.archived._settings = settings
    monkeypatch.setattr(run, "REMEMBERED_SECONDS", 0.0)
    monkeypatch.setattr(rolled_up, "REMEMBER_SECONDS", 0.0)
    yield made
    for name in await partitions.places(world.sql):
        await world.sql.execute(f"drop table if exists {name}")


async def archive(world: World, tmp_path: Path) -> None:
    today = NOW.replace(hour=0, minute=0, second=0)
    await world.sql.execute("insert into rollup_progress values (0, $1, $1) on conflict do nothing", today)
    folder = tmp_path / "archive"
    archiver = Archiver(world.sql, FolderBlobs(folder), ArchiveSettings(folder=folder), tmp_path)
    outcomes = await archiver.run(NOW)
    assert [o.readings for o in outcomes] == [40, 40]
    assert [o.waits for o in outcomes] == [None, None]


def asked(org: Organization, what: str = "readings", **more: object) -> str:
    query = {"from": f"{MONDAY - WEEK:%Y-%m-%dT%H:%M:%SZ}", "to": f"{MONDAY + 3 * WEEK:%Y-%m-%dT%H:%M:%SZ}", **more}
    return f"/units/{org.unit}/{what}?" + "&".join(f"{name}={value}" for name, value in query.items())


async def pages(api: Api, org: Organization, path: str) -> list[list[dict[str, Any]]]:
    """Follow the links."""
    found, answer = [], await api.get(path, org.owner)
    while True:
        found.append(answer.json)
        link = answer.headers.get("Link")
        if not link:
            return found
        answer = await api.get(link.partition(">")[0].removeprefix("<"), org.owner)


@pytest.mark.parametrize("limit", [7, 40, 1000])
async def test_pages_are_what_they_were(api: Api, world: World, org: Organization, tmp_path: Path, limit: int) -> None:
    path = asked(org, resolution="raw", limit=limit)
    before = await pages(api, org, path)
    await archive(world, tmp_path)
    assert await world.sql.fetchval("select count(*) from sensor_readings") == 0
    assert await pages(api, org, path) == before
    assert sum(map(len, before)) == 80


async def test_files_are_what_they_were(api: Api, world: World, org: Organization, tmp_path: Path) -> None:
    before = (await api.get(asked(org, "readings/export"), org.owner)).body.decode()
    await archive(world, tmp_path)
    after = (await api.get(asked(org, "readings/export"), org.owner)).body.decode()
    assert after.count("\n") == 81
    assert after == before


async def test_buckets_and_statistics_need_no_file(api: Api, world: World, org: Organization, tmp_path: Path) -> None:
    paths = [asked(org, resolution=each) for each in ("5m", "1h", "1d", "auto")] + [asked(org, "statistics")]
    before = [(await api.get(path, org.owner)).json for path in paths]
    await archive(world, tmp_path)
    for path in (tmp_path / "archive").rglob("*.parquet"):
        path.unlink()
    assert [(await api.get(path, org.owner)).json for path in paths] == before


async def test_a_late_reading_stands_among_the_archived(
    api: Api, world: World, org: Organization, tmp_path: Path
) -> None:
    await archive(world, tmp_path)
    late = make_reading(0, 99.0, unit_id=org.unit, recorded_at=MONDAY + timedelta(days=1))
    await partitions.ensure(world.sql, [late.recorded_at])
    await readings.copy(world.sql, [late])
    found = (await api.get(asked(org, resolution="raw"), org.owner)).json
    times = [row["recordedAt"] for row in found]
    assert len(found) == 81
    assert times == sorted(times, reverse=True)
    assert 99.0 in [row["temperature"] for row in found]


async def test_another_organization_sees_nothing(api: Api, world: World, org: Organization, tmp_path: Path) -> None:
    await archive(world, tmp_path)
    other = await world.organization()
    for what in ("readings", "readings/export"):
        assert (await api.get(asked(org, what), other.owner)).status == 404


async def test_without_its_settings_an_api_says_so(
    api: Api, running: Running, world: World, org: Organization, tmp_path: Path
) -> None:
    await archive(world, tmp_path)
    running.program.archived._settings = ArchiveSettings()
    for what, more in (("readings", {"resolution": "raw"}), ("readings/export", {})):
        answer = await api.get(asked(org, what, **more), org.owner)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
        assert "in the archive" in answer.json["detail"]
