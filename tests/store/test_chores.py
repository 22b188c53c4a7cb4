"""What became of each chore, over all its runs."""

from datetime import UTC, datetime, timedelta

from frostguard.store import chores
from frostguard.store.connection import Connection
from tests.store.tenants import Tenant

TOOK = timedelta(seconds=2.5)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
ADD_FILE = """
insert into archive_files
  (organization_id, week, key, readings, size, sha256, content, first_at, last_at, deleted_at)
values ($1, '2026-01-05', $2, 100, 1200, sha256('a'), sha256('b'), '2026-01-05', '2026-01-06', $3)
"""


async def test_runs_add_up_and_the_last_one_says_how_it_stands(direct: Connection) -> None:
    await chores.failed(direct, "backup")
    [row] = await chores.chores(direct)
    assert (row["name"], row["succeeded_at"], row["runs"], row["failures"], row["has_failed"]) == (
        "backup", None, 1, 1, True,
    )  # fmt: skip
    await chores.succeeded(direct, "backup", TOOK, 10, 1000)
    await chores.succeeded(direct, "backup", TOOK, 5, 500)
    [row] = await chores.chores(direct)
    assert (row["runs"], row["failures"], row["row_count"], row["byte_count"]) == (3, 1, 15, 1500)
    assert (row["seconds"], row["has_failed"]) == (2.5, False)
    now = await direct.fetchval("select extract(epoch from clock_timestamp())::double precision")
    assert now - 60 < row["succeeded_at"] <= now
    await chores.failed(direct, "backup")
    [row] = await chores.chores(direct)
    assert (row["succeeded_at"] <= now, row["has_failed"]) == (True, True), "a failure forgets no success"


async def test_chores_do_not_mix(direct: Connection) -> None:
    await chores.succeeded(direct, "archive", TOOK, 1, 2)
    await chores.failed(direct, "retention")
    assert [(row["name"], row["failures"]) for row in await chores.chores(direct)] == [
        ("archive", 0), ("retention", 1),
    ]  # fmt: skip


async def test_the_archive_is_what_can_be_read_of_it(direct: Connection, own: Tenant) -> None:
    assert tuple(await chores.archive(direct)) == (0, 0, 0)
    for number, gone in enumerate((None, None, MONDAY)):
        await direct.execute(ADD_FILE, own.id, f"key-{number}", gone)
    assert tuple(await chores.archive(direct)) == (2, 200, 2400)
