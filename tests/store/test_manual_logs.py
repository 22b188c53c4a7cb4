"""Manual logs as the machines take them: oldest first, each once."""

from datetime import timedelta
from uuid import UUID

from frostguard.store import manual_logs
from frostguard.store.connection import Connection
from tests.fakes import NOON
from tests.store.tenants import Tenant

MINUTE = timedelta(minutes=1)


async def add(connection: Connection, own: Tenant, minute: float, key: str | None = None) -> UUID | None:
    found: UUID | None = await connection.fetchval(
        manual_logs.ADD_LOG, own.id, own.unit, NOON + minute * MINUTE, 4.5, None, None, key
    )
    return found


async def test_logs_are_taken_oldest_first_and_each_once(direct: Connection, own: Tenant) -> None:
    second, first, third = [await add(direct, own, minute) for minute in (2, 1, 3)]
    async with direct.transaction():
        found = await manual_logs.lock_unjudged(direct, 2)
        assert [row["id"] for row in found] == [first, second]
        assert tuple(found[0]) == (first, own.unit, NOON + MINUTE, 4.5)
        await manual_logs.settle(direct, [row["id"] for row in found])
    async with direct.transaction():
        assert [row["id"] for row in await manual_logs.lock_unjudged(direct, 2)] == [third]


async def test_the_same_key_is_the_same_log(direct: Connection, own: Tenant) -> None:
    assert await add(direct, own, 1, "key") is not None
    assert await add(direct, own, 1, "key") is None
    assert await direct.fetchval("select count(*) from manual_logs") == 1


async def test_a_log_of_a_foreign_unit_is_none(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    made = await direct.fetchval(manual_logs.ADD_LOG, own.id, foreign.unit, NOON, 4.5, None, None, None)
    assert made is None
