"""Weeks leave the database whole, whatever stops the run, and whatever comes meanwhile."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from frostguard.archive.run import Outcome
from frostguard.config import DatabaseSettings
from frostguard.errors import ArchiveDamagedError
from frostguard.store import archives, partitions, readings
from frostguard.store.connection import connect
from tests.archive.conftest import MONDAY, NOW, WEEK, House

STEPS = ("written", "uploaded", "checked", "listed", "detached", "counted", "dropped")


class KilledError(Exception):
    """Stands for SIGKILL: nothing after it runs."""


async def fill(house: House, weeks: int = 2, count: int = 300) -> None:
    for n in range(weeks):
        for planted in (house.own, house.foreign):
            await house.store(house.rows(next(iter(planted.units.values())), MONDAY + n * WEEK, count))


async def test_old_weeks_leave_and_are_read_as_before(house: House) -> None:
    await fill(house)
    recent = house.rows(house.unit, partitions.week_of(NOW) - 2 * WEEK, 50)
    await house.store(recent)
    outcomes = await house.archive()
    assert [(o.week, o.readings, o.waits) for o in outcomes] == [(MONDAY, 600, None), (MONDAY + WEEK, 600, None)]
    assert await house.in_table() == len(recent)
    assert len(house.files()) == 4
    assert list(await partitions.places(house.connection)) == [partitions.name_of(recent[0].recorded_at)]
    for planted in (house.own, house.foreign):
        assert await house.read(planted) == house.expected(planted)
    assert await house.archive() == []


async def test_a_file_has_a_manifest_that_says_what_the_list_says(house: House) -> None:
    await fill(house, 1)
    await house.archive()
    rows = {row["key"]: row for row in await archives.all_files(house.connection)}
    for path in house.files():
        key = str(path.relative_to(house.folder))
        said = json.loads(path.with_suffix(".json").read_text())
        assert (said["key"], said["readings"], said["sha256"]) == (key, 300, rows[key]["sha256"].hex())
        assert said["bytes"] == path.stat().st_size == rows[key]["size"]


async def test_the_sums_of_an_archived_week_are_those_of_its_readings(house: House) -> None:
    await fill(house, 1)
    await house.archive()
    totals = await house.connection.fetch(
        "select span, sum(readings), sum(total) from reading_buckets group by 1 order by 1"
    )
    measured = [r.temperature for r in house.stored if r.temperature is not None]
    for row in totals:
        assert row[1] == len(measured)
        assert row[2] == pytest.approx(sum(measured))
    assert len(totals) == 3


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("time", [1, 2])
async def test_killed_anywhere_nothing_is_lost_or_doubled_and_the_next_run_goes_on(
    house: House, step: str, time: int
) -> None:
    await fill(house)
    seen = 0

    def reached(name: str) -> None:
        nonlocal seen
        seen += name == step
        if name == step and seen == time:
            raise KilledError

    with pytest.raises(KilledError):
        await house.archive(reached)
    for planted in (house.own, house.foreign):
        assert await house.read(planted) == house.expected(planted)
    await house.archive()
    assert await house.in_table() == 0
    assert sum([r["readings"] for r in await archives.all_files(house.connection)]) == len(house.stored)
    assert len(house.files()) == len(await archives.all_files(house.connection)), "nothing lies about"
    assert await archives.uploads(house.connection) == []
    for planted in (house.own, house.foreign):
        assert await house.read(planted) == house.expected(planted)


async def test_what_comes_late_is_kept_read_and_archived_as_a_further_file(house: House) -> None:
    await fill(house, 1)
    await house.archive()
    late = house.rows(house.unit, MONDAY, 7, seq=9000)
    again = house.stored[:20]  # the same readings, sent again after their week has left
    await partitions.ensure(house.connection, [MONDAY])
    await readings.copy(house.connection, [r._replace(received_at=r.received_at + timedelta(days=100)) for r in again])
    await house.store(late)
    assert await house.read() == house.expected()
    assert [o.readings for o in await house.archive()] == [27]
    assert await house.in_table() == 0
    assert await house.read() == house.expected()
    files = [r["readings"] for r in await archives.all_files(house.connection) if r["slug"] == "acme"]
    assert files == [300, 7], "what was there already is not written again"


async def test_what_comes_late_is_added_to_the_sums_once(house: House) -> None:
    await fill(house, 1)
    await house.archive()
    await house.store(house.rows(house.unit, MONDAY, 7, seq=9000, temperature=20.0, fault=None))
    # The daemon's mark is not for it any more: the hour's readings are not in the table.
    await house.connection.execute(
        "insert into late_hours (hour, unit_ids) values ($1, $2), ($3, $2)", MONDAY, [house.unit], NOW
    )
    assert await house.connection.fetchval("select count(*) from late_hours") == 1
    await house.connection.execute("delete from late_hours")

    def killed(step: str) -> None:
        if step == "listed":
            raise KilledError

    with pytest.raises(KilledError):
        await house.archive(killed)
    await house.archive()
    measured = [r.temperature for r in house.stored if r.temperature is not None]
    for row in await house.connection.fetch(
        "select sum(readings), sum(total), max(highest) from reading_buckets group by span"
    ):
        assert (row[0], row[2]) == (len(measured), 20.0)
        assert row[1] == pytest.approx(sum(measured))


async def test_a_reading_that_comes_between_copy_and_count_brings_the_week_back(house: House) -> None:
    await fill(house, 1)
    late = house.rows(house.unit, MONDAY, 1, seq=9000)[0]
    columns = ", ".join(late._fields)
    listed = 0

    def reached(step: str) -> None:
        nonlocal listed
        listed += step == "listed"
        if listed == 2 and late not in house.stored:  # all that was found is in files
            house.stored.append(late)
            with psycopg.connect(house.url) as c:
                c.execute(f"insert into sensor_readings ({columns}) values ({', '.join(['%s'] * len(late))})", late)

    assert [o.waits for o in await house.archive(reached)] == ["readings came in meanwhile"]
    assert await house.in_table() == 601
    assert await house.read() == house.expected()
    assert [o.waits for o in await house.archive()] == [None]
    assert await house.read() == house.expected()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("insert into late_hours (hour, unit_ids) values ('2026-06-03', '{}')", "late readings are not summed yet"),
        ("update rollup_progress set since = '2026-06-01', upto = '2026-06-03'", "summed until 2026-06-03 only"),
        ("update sensor_readings set received_at = '2026-11-23 02:00Z' where seq = 7", "readings came in until"),
    ],
)
async def test_a_week_waits(house: House, statement: str, why: str) -> None:
    await fill(house, 1)
    await house.connection.execute(statement)
    (outcome,) = await house.archive()
    assert why in (outcome.waits or "")
    assert await house.in_table() == 600


async def test_a_week_waits_for_its_days(house: House) -> None:
    await fill(house, 1)
    end = MONDAY + WEEK + timedelta(days=90)
    assert await house.archive(now=end - timedelta(seconds=1)) == []
    await house.connection.execute("update rollup_progress set since = '2026-06-01'")
    assert [o.waits for o in await house.archive(now=end)] == [None]


async def test_a_disk_that_forgets_costs_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(house, 1)
    put = house.blobs.put

    async def damaged(key: str, path: Path) -> None:
        await put(key, path)
        target = house.folder / key
        data = bytearray(target.read_bytes())
        data[len(data) // 2] ^= 1
        target.write_bytes(data)

    monkeypatch.setattr(house.blobs, "put", damaged)
    with pytest.raises(ArchiveDamagedError):
        await house.archive()
    assert await house.in_table() == 600
    assert await archives.all_files(house.connection) == []


async def test_readings_of_units_that_nobody_knows_are_kept_too(house: House) -> None:
    await house.store(house.rows(uuid4(), MONDAY, 10))
    assert await house.archive() == [Outcome(MONDAY, 10, house.files()[0].stat().st_size)]
    (row,) = await archives.all_files(house.connection)
    assert (row["organization_id"], row["slug"]) == (archives.NOBODY, None)


async def test_an_empty_week_leaves_without_a_file(house: House) -> None:
    await partitions.ensure(house.connection, [MONDAY])
    assert await house.archive() == [Outcome(MONDAY)]
    assert house.files() == []
    assert await partitions.places(house.connection) == {}


async def test_two_never_run_at_once(house: House) -> None:
    other = await connect(DatabaseSettings(url=house.url), "other")
    async with archives.exclusive(house.connection) as ours, archives.exclusive(other) as theirs:
        assert (ours, theirs) == (True, False)
    async with archives.exclusive(other) as theirs:
        assert theirs
    await other.close()
