"""Overrides of organizations, sites and units: stored as they are judged, by version, each change logged."""

import json

from frostguard.store import settings, units
from frostguard.store.connection import Connection
from frostguard.store.organizations import Edit
from tests.store.tenants import BY, Tenant, entries


async def test_each_level_stores_its_own(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    before = await entries(direct)
    row = await settings.of_organization(direct, own.id)
    assert row is not None
    edit = Edit(row["updated_at"], '{"hysteresis": 1}', "{}")
    assert await settings.update_organization(direct, own.id, BY, edit)
    assert await settings.update_organization(direct, own.id, BY, edit) is None, "the version is another now"
    site = await settings.of_site(direct, own.id, own.site)
    assert site is not None
    assert json.loads(site["organization_settings"]) == {"hysteresis": 1}
    edit = Edit(site["updated_at"], '{"hysteresis": 2}', "{}")
    assert await settings.update_site(direct, foreign.id, BY, own.site, edit) is None
    assert await settings.update_site(direct, own.id, BY, own.site, edit)
    assert await settings.of_site(direct, foreign.id, own.site) is None
    assert await entries(direct) == before + 2


async def test_a_units_limits_are_its_columns(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    row = await units.get(direct, own.id, own.unit)
    assert row is not None
    edit = Edit(row["updated_at"], '{"low": 0, "high": 8, "confirm_seconds": 0}', "{}")
    assert await settings.update_unit(direct, foreign.id, BY, own.unit, edit) is None
    assert await settings.update_unit(direct, own.id, BY, own.unit, edit)
    row = await units.get(direct, own.id, own.unit)
    assert row is not None
    assert (row["temp_min"], row["temp_max"], row["unit_settings"]) == (0.0, 8.0, '{"confirm_seconds": 0}')
    edit = Edit(row["updated_at"], "{}", "{}")
    assert await settings.update_unit(direct, own.id, BY, own.unit, edit)
    row = await units.get(direct, own.id, own.unit)
    assert row is not None
    assert (row["temp_min"], row["temp_max"], row["unit_settings"]) == (None, None, "{}")


async def test_what_lies_below_is_grouped_by_what_it_overrides(
    direct: Connection, own: Tenant, foreign: Tenant
) -> None:
    await units.create(direct, own.id, BY, own.area, '{"name": "Second"}')
    [group] = await settings.below(direct, own.id)
    assert (group["units"], group["example"]) == (2, "Second")
    assert len(await settings.below(direct, own.id, own.site)) == 1
    assert await settings.below(direct, own.id, foreign.site) == []
