"""Areas: only the own ones, and never below a deleted site."""

import json

from frostguard.store import areas, sites
from frostguard.store.connection import Connection
from frostguard.store.organizations import Edit
from tests.store.tenants import BY, Tenant, entries


async def test_another_organization_reaches_nothing(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    row = await areas.get(direct, own.id, own.area)
    assert row is not None
    before = await entries(direct)
    edit = Edit(row["updated_at"], json.dumps({"name": "x"}), "{}")
    assert await areas.get(direct, foreign.id, own.area) is None
    assert await areas.update(direct, foreign.id, BY, own.area, edit) is None
    assert await areas.delete(direct, foreign.id, BY, own.area, None) is None
    assert await areas.restore(direct, foreign.id, BY, own.area) is False
    assert await areas.is_deleted(direct, foreign.id, own.area) is False
    assert await areas.preview_deletion(direct, foreign.id, own.area) is None
    assert await entries(direct) == before
    assert await areas.update(direct, own.id, BY, own.area, edit)


async def test_an_area_comes_back_only_below_a_living_site(direct: Connection, own: Tenant) -> None:
    await areas.delete(direct, own.id, BY, own.area, None)
    await sites.delete(direct, own.id, BY, own.site, None)
    assert await areas.is_deleted(direct, own.id, own.area)
    assert not await areas.restore(direct, own.id, BY, own.area)
    await sites.restore(direct, own.id, BY, own.site)
    assert await areas.get(direct, own.id, own.area) is None, "it went before its site did"
    assert await areas.restore(direct, own.id, BY, own.area)
    assert [row["unit_count"] for row in await areas.list_of(direct, own.id, own.site) or []] == [1]


async def test_an_empty_site_has_no_areas_and_is_a_site(direct: Connection, own: Tenant) -> None:
    site = await sites.create(direct, own.id, BY, '{"name": "Empty"}')
    assert site is not None
    assert await areas.list_of(direct, own.id, site) == []
