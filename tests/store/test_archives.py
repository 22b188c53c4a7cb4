"""The archive's tables: who reads which file, which weeks there are, and marks that nobody can answer any more."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from frostguard.store import archives, partitions
from frostguard.store.archives import ArchiveFile
from frostguard.store.connection import Connection
from tests.store.tenants import Tenant

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def file(owner: Tenant, week: datetime = MONDAY, **changes: object) -> ArchiveFile:
    made = ArchiveFile(
        0, owner.id, week, f"readings/{uuid4()}.parquet", 10, 1000, bytes(32), bytes(32), week, week + timedelta(days=6)
    )
    return made._replace(**changes)


async def test_files_belong_to_an_organization_and_a_time(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    for n in range(3):
        await archives.add_file(direct, file(own, MONDAY + n * WEEK))
    await archives.add_file(direct, file(foreign))
    found = await archives.files(direct, own.id, MONDAY + timedelta(days=1), MONDAY + WEEK)
    assert [(f.organization_id, f.week) for f in found] == [(own.id, MONDAY)]
    assert len(await archives.files(direct, own.id, MONDAY, MONDAY + 3 * WEEK)) == 3
    assert await archives.files(direct, own.id, MONDAY + timedelta(days=6, seconds=1), MONDAY + WEEK) == []
    assert await archives.has_files(direct, own.id, MONDAY, MONDAY + WEEK)
    assert not await archives.has_files(direct, own.id, MONDAY - WEEK, MONDAY)
    await direct.execute("update archive_files set deleted_at = now() where organization_id = $1", own.id)
    assert await archives.files(direct, own.id, MONDAY, MONDAY + 3 * WEEK) == []
    assert len(await archives.all_files(direct)) == 1


async def test_weeks_are_those_of_files_and_of_partitions(direct: Connection, own: Tenant) -> None:
    await archives.add_file(direct, file(own))
    await archives.add_file(direct, file(own, MONDAY + WEEK))
    await partitions.ensure(direct, [MONDAY + WEEK, MONDAY + 3 * WEEK])
    assert await archives.weeks(direct, own.id, MONDAY - WEEK, MONDAY + 9 * WEEK) == [
        MONDAY, MONDAY + WEEK, MONDAY + 3 * WEEK,
    ]  # fmt: skip
    inside = MONDAY + WEEK + timedelta(hours=1)
    assert await archives.weeks(direct, own.id, inside, inside + timedelta(hours=1)) == [MONDAY + WEEK]


async def test_a_sum_is_added_to_what_is_there(direct: Connection, own: Tenant) -> None:
    first = (own.unit, MONDAY, own.sensor, 5, 10.0, 1.0, 4.0, 3)
    for total, lowest, highest in ((10.0, 1.0, 4.0), (5.0, -1.0, 2.0)):
        await archives.add_file(direct, file(own), [(*first[:4], total, lowest, highest, 3)])
    row = await direct.fetchrow("select total, lowest, highest, readings from reading_buckets")
    assert tuple(row) == (15.0, -1.0, 4.0, 6)


async def test_a_file_is_listed_with_its_sums_or_not_at_all(direct: Connection, own: Tenant) -> None:
    await archives.begin_upload(direct, "key")
    with pytest.raises(Exception, match="reading_buckets"):
        await archives.add_file(direct, file(own, key="key"), [(own.unit, MONDAY, own.sensor, 5, 1.0, 1.0, 1.0, 0)])
    assert [tuple(row) for row in await archives.uploads(direct)] == [("key", False)]
    await archives.add_file(direct, file(own, key="key"))
    assert await archives.uploads(direct) == []


async def test_marks_of_an_archived_week_are_not_kept(direct: Connection) -> None:
    await partitions.ensure(direct, [MONDAY])
    await partitions.detach(direct, partitions.name_of(MONDAY))
    mark = "insert into late_hours (hour, unit_ids) values ($1, '{}')"
    await direct.execute(mark, MONDAY + timedelta(days=6))
    assert await archives.marks(direct, MONDAY) == 1
    await archives.drop(direct, MONDAY)
    for at in (MONDAY, MONDAY + WEEK - timedelta(hours=1), MONDAY + WEEK, MONDAY - timedelta(hours=1)):
        await direct.execute(mark, at)
    assert await archives.marks(direct, MONDAY) == 1
    assert await archives.marks(direct, MONDAY + WEEK) == await archives.marks(direct, MONDAY - WEEK) == 1


async def test_a_week_remembers_what_became_of_it(direct: Connection) -> None:
    assert await archives.week(direct, MONDAY) is None
    await archives.keep_until(direct, MONDAY, MONDAY + 30 * WEEK)
    await archives.compacted(direct, MONDAY)
    row = (await archives.known_weeks(direct))[MONDAY]
    assert (row["restored_until"], row["archived_at"]) == (MONDAY + 30 * WEEK, None)
    assert row["compacted_at"] is not None
    with pytest.raises(asyncpg.CheckViolationError):
        await direct.execute("insert into reading_weeks (week) values ('2026-06-02')")
