"""Members: roles change only from what was judged, and an owner remains whatever is tried."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from frostguard.errors import RowRefusedError
from frostguard.security import hash_token
from frostguard.store import accounts, members
from frostguard.store.audit import By
from frostguard.store.connection import Connection
from frostguard.store.members import Invitation, RoleChange
from frostguard.store.refusals import refusal_of
from tests.store.tenants import Tenant


async def member(connection: Connection, organization: UUID, role: str) -> UUID:
    user = await accounts.create(connection, f"{uuid4().hex}@x.io", "hash", "Kim", verified=True)
    assert user is not None
    assert await members.add(connection, organization, user, role)
    assert not await members.add(connection, organization, user, "owner"), "one role each"
    return user


async def test_a_role_changes_only_from_the_one_that_was_judged(
    direct: Connection, own: Tenant, foreign: Tenant
) -> None:
    owner, staff = await member(direct, own.id, "owner"), await member(direct, own.id, "staff")
    by = By(owner)
    assert not await members.change_role(direct, own.id, by, RoleChange(staff, "admin", "viewer", "owner"))
    assert not await members.change_role(direct, own.id, by, RoleChange(staff, "admin", "staff", "admin"))
    assert not await members.change_role(direct, foreign.id, by, RoleChange(staff, "admin", "staff", "owner"))
    assert await members.change_role(direct, own.id, by, RoleChange(staff, "admin", "staff", "owner"))
    assert not await members.remove(direct, foreign.id, by, staff, "admin")
    assert await members.remove(direct, own.id, by, staff, "admin")


async def test_the_last_owner_cannot_go_by_any_way(direct: Connection, own: Tenant) -> None:
    owner = await member(direct, own.id, "owner")
    with pytest.raises(RowRefusedError) as caught:
        await members.remove(direct, own.id, By(owner), owner, "owner")
    assert refusal_of(caught.value).constraint == "organization_owner"
    for statement in ("update user_roles set role = 'viewer'", "delete from user_roles", "delete from users"):
        with pytest.raises(asyncpg.CheckViolationError):
            await direct.execute(statement)
    await direct.execute("update organizations set deleted_at = now()")
    await direct.execute("delete from user_roles")


async def test_two_owners_who_demote_each_other_at_once(direct: Connection, own: Tenant, database: str) -> None:
    one, two = await member(direct, own.id, "owner"), await member(direct, own.id, "owner")
    connections = [await asyncpg.connect(database) for _ in range(2)]
    replies = await asyncio.gather(
        members.change_role(connections[0], own.id, By(one), RoleChange(two, "viewer", "owner", "owner")),
        members.change_role(connections[1], own.id, By(two), RoleChange(one, "viewer", "owner", "owner")),
        return_exceptions=True,
    )
    assert sum(reply is True for reply in replies) == 1
    for connection in connections:
        await connection.close()


async def test_ownership_is_handed_over_in_one_transaction(direct: Connection, own: Tenant) -> None:
    owner, heir = await member(direct, own.id, "owner"), await member(direct, own.id, "viewer")
    async with direct.transaction():
        assert await members.hand_over(direct, own.id, owner, heir)
    assert [row["role"] for row in await members.members(direct, own.id)] == ["owner", "admin"]
    assert (await members.member(direct, own.id, heir) or {})["role"] == "owner"


async def test_an_invitation_is_accepted_once_and_replaced_by_the_next(direct: Connection, own: Tenant) -> None:
    owner = await member(direct, own.id, "owner")
    for token in ("a", "b"):
        assert await members.invite(direct, own.id, By(owner), Invitation("new@x.io", "staff", hash_token(token), 60))
    assert await members.invitation(direct, hash_token("a")) is None
    offer = await members.invitation(direct, hash_token("b"))
    assert offer is not None
    assert (offer["email"], offer["role"], offer["account_exists"]) == ("new@x.io", "staff", False)
    assert len(await members.invitations(direct, own.id)) == 1
    assert await members.accept(direct, hash_token("b"), owner)
    assert await members.accept(direct, hash_token("b"), owner) is None
    assert not await members.revoke_invitation(direct, own.id, By(owner), offer["id"])
