"""How long readings are kept: asked for, held, logged; nothing of another organization."""

import asyncpg
import pytest

from frostguard.domain.retention import Retention
from frostguard.store import archives, retention
from frostguard.store.connection import Connection
from tests.store.tenants import BY, Tenant, entries
from tests.store.test_archives import MONDAY, WEEK, file


async def test_days_are_set_by_version_and_logged(direct: Connection, own: Tenant) -> None:
    row = await retention.get(direct, own.id)
    assert row is not None
    assert (row["retention_days"], row["legal_hold_since"]) == (None, None)
    before = await entries(direct)
    assert await retention.set_days(direct, row, BY, 1827, row["updated_at"])
    assert await retention.set_days(direct, row, BY, 400, row["updated_at"]) is None
    assert await retention.lock(direct, own.id) == Retention(1827)
    assert await entries(direct) == before + 1
    assert await retention.set_days(direct, row, BY, None)
    assert await retention.lock(direct, own.id) == Retention()


async def test_a_hold_keeps_its_first_moment_until_it_ends(direct: Connection, own: Tenant) -> None:
    (row,) = [r for r in await retention.listed(direct) if r["id"] == own.id]
    await retention.set_hold(direct, row, BY, "a matter in court")
    first = await retention.get(direct, own.id)
    await retention.set_hold(direct, row, BY, "another one")
    second = await retention.get(direct, own.id)
    assert first is not None
    assert second is not None
    assert second["legal_hold_since"] == first["legal_hold_since"] is not None
    assert (await retention.lock(direct, own.id)).held
    await retention.set_hold(direct, row, BY, None)
    assert not (await retention.lock(direct, own.id)).held


async def test_the_database_refuses_less_than_a_year(direct: Connection, own: Tenant) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await direct.execute("update organizations set retention_days = 365 where id = $1", own.id)
    with pytest.raises(asyncpg.CheckViolationError):
        await direct.execute("update organizations set legal_hold_since = now() where id = $1", own.id)


async def test_a_week_is_removed_with_its_sums_and_nobody_elses(
    direct: Connection, own: Tenant, foreign: Tenant
) -> None:
    for tenant in (own, foreign):
        for n in range(2):
            sums = [(tenant.unit, MONDAY + n * WEEK, tenant.sensor, 5, 1.0, 1.0, 1.0, 1)]
            await archives.add_file(direct, file(tenant, MONDAY + n * WEEK), sums)
    assert set(await retention.organizations_with_files(direct, MONDAY + WEEK)) == {own.id, foreign.id}
    assert await retention.organizations_with_files(direct, MONDAY) == []
    old = await retention.old_files(direct, own.id, MONDAY + WEEK)
    assert [f.week for f in old] == [MONDAY]
    async with direct.transaction():
        await retention.remove_week(direct, own.id, old)
    assert await direct.fetchval("select count(*) from reading_buckets") == 3
    assert [row["key"] for row in await retention.unremoved(direct)] == [old[0].key]
    await retention.removed(direct, old[0].id)
    assert await retention.unremoved(direct) == []
    assert len(await archives.all_files(direct)) == 3
