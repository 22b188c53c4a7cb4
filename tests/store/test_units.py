"""Units: only the own ones; what is left out stays, null clears."""

import json

from frostguard.store import areas, units
from frostguard.store.connection import Connection
from frostguard.store.organizations import Edit
from frostguard.store.paging import Page
from frostguard.store.units import Wanted
from tests.store.tenants import BY, Tenant, entries


async def edit_of(connection: Connection, own: Tenant, **values: object) -> Edit:
    row = await units.get(connection, own.id, own.unit)
    assert row is not None
    return Edit(row["updated_at"], json.dumps(values), "{}")


async def test_another_organization_reaches_nothing(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    edit = await edit_of(direct, own, name="x")
    before = await entries(direct)
    assert await units.get(direct, foreign.id, own.unit) is None
    assert await units.list_of_area(direct, foreign.id, own.area) is None
    assert await units.create(direct, foreign.id, BY, own.area, '{"name": "x"}') is None
    assert await units.update(direct, foreign.id, BY, own.unit, edit) is None
    assert await units.move(direct, foreign.id, BY, own.unit, foreign.area) is False
    assert await units.move(direct, own.id, BY, own.unit, foreign.area) is False
    assert await units.delete(direct, foreign.id, BY, own.unit, None) is None
    assert await units.restore(direct, foreign.id, BY, own.unit) is False
    assert await units.is_deleted(direct, foreign.id, own.unit) is False
    assert await units.preview_deletion(direct, foreign.id, own.unit) is None
    assert [row["id"] for row in await units.page(direct, foreign.id, Page(), Wanted())] == [foreign.unit]
    assert await entries(direct) == before


async def test_what_is_left_out_stays_and_null_clears(direct: Connection, own: Tenant) -> None:
    await units.update(direct, own.id, BY, own.unit, await edit_of(direct, own, temp_min=0, temp_max=8, make="L"))
    await units.update(direct, own.id, BY, own.unit, await edit_of(direct, own, temp_min=None))
    row = await units.get(direct, own.id, own.unit)
    assert row is not None
    assert (row["temp_min"], row["temp_max"], row["make"], row["name"]) == (None, 8.0, "L", "Unit")


async def test_columns_beside_those_that_people_set_are_never_set(
    direct: Connection, own: Tenant, foreign: Tenant
) -> None:
    edit = await edit_of(
        direct, own, name="x", id=str(foreign.unit), organization_id=str(foreign.id), area_id=str(foreign.area),
        created_at="2000-01-01", deleted_at="2000-01-01",
    )  # fmt: skip
    before = await direct.fetchrow(
        "select id, organization_id, area_id, created_at, deleted_at from units where id = $1", own.unit
    )
    assert await units.update(direct, own.id, BY, own.unit, edit)
    after = await direct.fetchrow(
        "select id, organization_id, area_id, created_at, deleted_at from units where id = $1", own.unit
    )
    assert after == before


async def test_a_unit_comes_back_only_into_a_living_area(direct: Connection, own: Tenant) -> None:
    await units.delete(direct, own.id, BY, own.unit, None)
    await areas.delete(direct, own.id, BY, own.area, None)
    assert not await units.restore(direct, own.id, BY, own.unit)
    await areas.restore(direct, own.id, BY, own.area)
    assert await units.restore(direct, own.id, BY, own.unit)
