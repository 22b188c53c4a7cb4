"""Sites: only the own ones, one entry a change, and all below goes along."""

import json
from uuid import UUID

from frostguard.store import areas, sites, units
from frostguard.store.connection import Connection
from frostguard.store.organizations import Edit
from frostguard.store.paging import Page
from tests.store.tenants import BY, Tenant, entries


async def version_of(connection: Connection, own: Tenant) -> Edit:
    row = await sites.get(connection, own.id, own.site)
    assert row is not None
    return Edit(row["updated_at"], json.dumps({"city": "Ulm"}), "{}")


async def test_another_organization_reaches_nothing(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    edit = await version_of(direct, own)
    before = await entries(direct)
    assert await sites.get(direct, foreign.id, own.site) is None
    assert await sites.update(direct, foreign.id, BY, own.site, edit) is None
    assert await sites.delete(direct, foreign.id, BY, own.site, None) is None
    assert await sites.restore(direct, foreign.id, BY, own.site) is False
    assert await sites.preview_deletion(direct, foreign.id, own.site) is None
    assert await areas.list_of(direct, foreign.id, own.site) is None
    assert await areas.create(direct, foreign.id, BY, own.site, '{"name": "x"}') is None
    assert await entries(direct) == before
    assert [row["id"] for row in await sites.page(direct, foreign.id, Page(), None)] == [foreign.site]


async def test_a_change_is_logged_with_who_why_and_what(direct: Connection, own: Tenant) -> None:
    assert await sites.update(direct, own.id, BY, own.site, await version_of(direct, own))
    entry = await direct.fetchrow("select * from audit_log where action = 'site.updated'")
    assert (entry["actor_id"], entry["reason"], entry["request_id"]) == (UUID(int=7), "because", "request-1")
    assert (entry["old_values"], json.loads(entry["new_values"])) == ("{}", {"city": "Ulm"})


async def test_all_below_goes_along_and_comes_back(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    gone = await sites.delete(direct, own.id, BY, own.site, None)
    assert gone is not None
    assert await units.get(direct, own.id, own.unit) is None
    assert await units.get(direct, foreign.id, foreign.unit) is not None
    entry = await direct.fetchrow("select * from audit_log where action = 'site.deleted'")
    assert json.loads(entry["old_values"]) == {"name": "Site", "areas": 1, "units": 1}
    assert await sites.restore(direct, own.id, BY, own.site)
    assert await units.get(direct, own.id, own.unit) is not None
