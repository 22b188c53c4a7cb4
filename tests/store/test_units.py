"""Units: only the own ones; what is left out stays, null clears."""

import json
from uuid import UUID, uuid4

import pytest

from frostguard.errors import ConflictError
from frostguard.store import areas, audit, units
from frostguard.store.audit import By
from frostguard.store.connection import Connection
from frostguard.store.organizations import Edit
from frostguard.store.paging import Page
from frostguard.store.units import Edited, Wanted
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


async def two_more(connection: Connection, own: Tenant) -> list[UUID]:
    made = [await units.create(connection, own.id, BY, own.area, json.dumps({"name": name})) for name in ("A", "B")]
    return [own.unit, *(unit for unit in made if unit)]


async def edits_of(connection: Connection, own: Tenant, ids: list[UUID]) -> list[Edited]:
    """Another name for each, by somebody else each."""
    versions = {row["id"]: row["updated_at"] for row in await units.get_all(connection, own.id, ids)}
    return [
        Edited(By(UUID(int=n), "user", f"because {n}", None), unit, Edit(versions[unit], f'{{"name": "N{n}"}}', "{}"))
        for n, unit in enumerate(ids)
    ]


async def test_edits_of_several_units_are_logged_one_by_one_in_their_order(direct: Connection, own: Tenant) -> None:
    edits = await edits_of(direct, own, (await two_more(direct, own))[::-1])
    done = await units.update_all(direct, own.id, edits)
    rows = {row["id"]: row for row in await units.get_all(direct, own.id, list(done))}
    assert {each.unit: rows[each.unit]["updated_at"] for each in edits} == done
    assert [rows[each.unit]["name"] for each in edits] == ["N0", "N1", "N2"]
    logged = (await audit.entries(direct, own.id, audit.Wanted(action="unit.updated"), 9))[::-1]
    assert [(row["object_id"], row["actor_id"], row["reason"], row["new_values"]) for row in logged] == [
        (each.unit, each.by.actor_id, each.by.reason, each.edit.new) for each in edits
    ]
    assert (await audit.verify(direct, own.id)).faults == []


async def test_of_several_edits_those_of_another_version_or_a_foreign_or_no_unit_are_left_out(
    direct: Connection, own: Tenant, foreign: Tenant
) -> None:
    one, two, three = await edits_of(direct, own, await two_more(direct, own))
    await units.delete(direct, own.id, BY, three.unit, None)
    await units.update(direct, own.id, BY, one.unit, one.edit)
    before = await entries(direct)
    none = [two._replace(unit=unit) for unit in (foreign.unit, uuid4())]
    assert await units.update_all(direct, foreign.id, [one, two]) == {}
    assert await units.update_all(direct, own.id, [one, three, *none]) == {}
    assert await entries(direct) == before
    assert set(await units.update_all(direct, own.id, [one, two, three, *none])) == {two.unit}
    assert await entries(direct) == before + 1
    assert {row["id"] for row in await units.get_all(direct, own.id, [one.unit, three.unit, foreign.unit])} == {
        one.unit
    }


async def test_where_one_edit_fails_nothing_of_the_others_is_made(direct: Connection, own: Tenant) -> None:
    edits = await edits_of(direct, own, await two_more(direct, own))
    edits[1] = edits[1]._replace(edit=edits[1].edit._replace(new='{"name": "B"}'))
    before = await entries(direct)
    with pytest.raises(ConflictError):
        await units.update_all(direct, own.id, edits[:2])
    assert await entries(direct) == before
    assert {row["name"] for row in await units.get_all(direct, own.id, [each.unit for each in edits])} == {
        "Unit",
        "A",
        "B",
    }
