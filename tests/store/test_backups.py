"""Digests say whether two databases hold the same."""

from frostguard.store import backups
from frostguard.store.connection import Connection
from tests.store.tenants import Tenant


async def test_a_digest_changes_with_any_value_and_not_with_the_order(direct: Connection, own: Tenant) -> None:
    before = await backups.digests(direct)
    assert before["units"].rows == 1
    await direct.execute("update units set notes = 'x'")
    assert (await backups.digests(direct))["units"] != before["units"]
    await direct.execute("update units set notes = null")
    await direct.execute("update sites set city = null")
    after = await backups.digests(direct)
    assert after["units"] == before["units"]
    assert after["sites"] == before["sites"]


async def test_only_a_database_without_anything_is_empty(direct: Connection) -> None:
    assert not await backups.is_empty(direct)
    assert await backups.version(direct) >= 15
