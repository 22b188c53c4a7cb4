"""Organizations: a slug each while they live, versions, and where an object is at home."""

import json
from uuid import uuid4

from frostguard.store import organizations
from frostguard.store.connection import Connection
from frostguard.store.organizations import Edit
from tests.store.tenants import BY, Tenant, entries


async def test_a_slug_is_free_again_after_a_deletion(direct: Connection) -> None:
    first = await organizations.create(direct, "A", "same", "UTC")
    assert first is not None
    assert await organizations.create(direct, "B", "same", "UTC") is None
    assert await organizations.slug_is_taken(direct, "same")
    assert await organizations.delete(direct, first, BY, None)
    assert await organizations.delete(direct, first, BY, None) is None
    assert not await organizations.slug_is_taken(direct, "same")
    assert await organizations.restore(direct, "same") == first


async def test_a_change_needs_the_version_that_was_read(direct: Connection, own: Tenant) -> None:
    row = await organizations.get(direct, own.id)
    assert row is not None
    before = await entries(direct)
    edit = Edit(row["updated_at"], json.dumps({"name": "New", "logo_url": None}), json.dumps({"name": row["name"]}))
    assert await organizations.update(direct, own.id, BY, edit)
    assert await organizations.update(direct, own.id, BY, edit) is None
    assert await entries(direct) == before + 1
    after = await organizations.get(direct, own.id)
    assert after is not None
    assert (after["name"], after["slug"]) == ("New", row["slug"])


async def test_an_object_is_at_home_in_one_of_the_given_organizations_or_nowhere(
    direct: Connection, own: Tenant, foreign: Tenant
) -> None:
    for kind in ("site", "area", "unit", "sensor", "gateway"):
        target = getattr(own, kind)
        assert await organizations.home_of(direct, kind, target, [own.id, foreign.id]) == own.id
        assert await organizations.home_of(direct, kind, target, [foreign.id]) is None
        assert await organizations.home_of(direct, kind, uuid4(), [own.id]) is None


async def test_the_tree_and_the_deleted_are_the_organizations_own(
    direct: Connection, own: Tenant, foreign: Tenant
) -> None:
    assert [row["unit_id"] for row in await organizations.tree(direct, own.id)] == [own.unit]
    await direct.execute("update units set deleted_at = now()")
    assert [row["id"] for row in await organizations.deleted(direct, own.id)] == [own.unit]
    assert {row["id"] for row in await organizations.everything(direct)} == {own.id, foreign.id}
