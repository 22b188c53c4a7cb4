"""Which units an export is about."""

from frostguard.store import exports
from frostguard.store.connection import Connection
from tests.store.tenants import Tenant


async def test_units_of_one_organization_by_name_or_id(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    slug = await direct.fetchval("select slug from organizations where id = $1", own.id)
    await direct.execute("update units set deleted_at = now() where id = $1", own.unit)
    for site, unit in ((None, None), ("SITE", None), (str(own.site), "unit"), (None, str(own.unit))):
        found = await exports.units(direct, slug, site, unit)
        assert [(row["id"], row["organization_id"]) for row in found] == [(own.unit, own.id)]
    for site, unit in ((str(foreign.site), None), (None, str(foreign.unit)), ("x", None)):
        assert await exports.units(direct, slug, site, unit) == []
