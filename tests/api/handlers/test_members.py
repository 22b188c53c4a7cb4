"""Members and invitations: nobody above himself, never without an owner."""

import asyncio

import pytest

from frostguard.domain.access import Role, may_grant, may_manage
from tests.api.deeds import HASH, invitation, signed_in
from tests.api.handlers.test_accounts import token_in
from tests.api.world import PASSWORD, Api, World


@pytest.mark.parametrize("granter", [Role.OWNER, Role.ADMIN])
async def test_roles_are_given_downwards_only(api: Api, world: World, granter: Role) -> None:
    org = await world.organization()
    for before in Role:
        for after in Role:
            user = await world.member(org.id, before)
            reply = await api.patch(f"/organizations/{org.id}/members/{user}", {"role": after}, org.tokens[granter])
            allowed = may_manage(granter, before) and may_grant(granter, after)
            assert reply.status == (200 if allowed else 403), (granter, before, after)
            role = await world.sql.fetchval("select role::text from user_roles where user_id = $1", user)
            assert role == (after if allowed else before)


async def test_nobody_changes_his_own_role(api: Api, world: World) -> None:
    org = await world.organization()
    for role in (Role.OWNER, Role.ADMIN):
        path = f"/organizations/{org.id}/members/{org.users[role]}"
        assert (await api.patch(path, {"role": "viewer"}, org.tokens[role])).status == 403
        assert (await api.delete(path, token=org.tokens[role])).status == 403


async def test_the_last_owner_stays(api: Api, world: World) -> None:
    org = await world.organization()
    assert (await api.post(f"/organizations/{org.id}/leave", token=org.owner)).status == 409
    assert (await api.get(f"/organizations/{org.id}", org.owner)).status == 200
    second = await world.token(await world.member(org.id, "owner"))
    assert (await api.post(f"/organizations/{org.id}/leave", token=org.owner)).status == 200
    assert (await api.get(f"/organizations/{org.id}", org.owner)).status == 404
    assert (await api.post(f"/organizations/{org.id}/leave", token=second)).status == 409


async def test_two_owners_who_remove_each_other_at_once_leave_one(api: Api, world: World) -> None:
    for _ in range(5):
        org = await world.organization()
        other = await world.member(org.id, "owner")
        token = await world.token(other)
        replies = await asyncio.gather(
            api.delete(f"/organizations/{org.id}/members/{other}", token=org.owner),
            api.delete(f"/organizations/{org.id}/members/{org.users[Role.OWNER]}", token=token),
        )
        left = await world.sql.fetchval(
            "select count(*) from user_roles where organization_id = $1 and role = 'owner'", org.id
        )
        assert left == 1
        assert min(reply.status for reply in replies) == 200


async def test_ownership_is_handed_over_with_the_password(api: Api, world: World) -> None:
    org = await world.organization()
    token = await signed_in(world, org)
    path, successor = f"/organizations/{org.id}/transfer-ownership", str(org.users[Role.VIEWER])
    assert (await api.post(path, {"userId": successor, "password": "wrong horse"}, token)).status == 403
    stranger = str(await world.user())
    assert (await api.post(path, {"userId": stranger, "password": PASSWORD}, token)).status == 422
    assert (await api.post(path, {"userId": successor, "password": PASSWORD}, token)).status == 200
    assert (await api.get("/auth/me", token)).json["role"] == "admin"
    assert (await api.get("/auth/me", org.token("viewer"))).json["role"] == "owner"


async def test_an_invitation_makes_an_account_with_the_invited_role(api: Api, world: World, mails) -> None:
    org = await world.organization()
    sent = await api.post(
        f"/organizations/{org.id}/invitations", {"email": "New@example.com", "role": "manager"}, org.owner
    )
    assert sent.json["email"] == "new@example.com"
    assert "token" not in sent.body.decode()
    token = token_in((await mails())[0])
    look = (await api.post("/invitations/preview", {"token": token})).json
    assert (look["organizationName"], look["role"], look["accountExists"]) == (org.slug, "manager", False)
    assert (await api.post("/invitations/accept", {"token": token, "password": "short"})).status == 422
    assert (await api.post("/invitations/accept", {"token": token, "password": PASSWORD})).json["role"] == "manager"
    assert (await api.post("/invitations/accept", {"token": token, "password": PASSWORD})).status == 422, "once"
    tokens = (await api.post("/auth/login", {"email": "new@example.com", "password": PASSWORD})).json
    me = (await api.get("/auth/me", tokens["access_token"])).json
    assert (me["role"], me["organizationId"], me["emailVerified"]) == ("manager", str(org.id), True)


async def test_who_has_an_account_signs_in_to_accept(api: Api, world: World) -> None:
    org, other = await world.organization(), await world.organization()
    user = await world.member(other.id, "staff", await world.user("ada@example.com", password_hash=HASH))
    _, token = await invitation(world, org, "ada@example.com", "admin")
    body = {"token": token, "password": "stolen horse"}
    assert (await api.post("/invitations/accept", body)).status == 401
    assert (await api.post("/invitations/accept", body, org.token("staff"))).status == 403
    own = await world.token(user)
    assert (await api.post("/invitations/accept", {"token": token}, own)).status == 201
    roles = {each["role"] for each in (await api.get("/auth/me", own)).json["memberships"]}
    assert roles == {"staff", "admin"}
    assert (await api.post("/auth/login", {"email": "ada@example.com", "password": PASSWORD})).status == 200


async def test_invitations_are_withdrawn_replaced_and_run_out(api: Api, world: World) -> None:
    org = await world.organization()
    made, token = await invitation(world, org, "a@example.com")
    assert (await api.delete(f"/organizations/{org.id}/invitations/{made}", token=org.owner)).status == 200
    assert (await api.post("/invitations/accept", {"token": token, "password": PASSWORD})).status == 422
    _, old = await invitation(world, org, "b@example.com")
    await api.post(f"/organizations/{org.id}/invitations", {"email": "b@example.com", "role": "staff"}, org.owner)
    assert (await api.post("/invitations/preview", {"token": old})).status == 422
    assert len((await api.get(f"/organizations/{org.id}/invitations", org.owner)).json) == 1
    _, late = await invitation(world, org, "c@example.com")
    await world.sql.execute("update invitations set expires_at = now()")
    assert (await api.post("/invitations/preview", {"token": late})).status == 422


async def test_members_are_not_invited_and_nobody_is_invited_as_owner(api: Api, world: World) -> None:
    org = await world.organization()
    path = f"/organizations/{org.id}/invitations"
    await world.member(org.id, "staff", await world.user("ada@example.com"))
    assert (await api.post(path, {"email": "ada@example.com", "role": "staff"}, org.owner)).status == 409
    for role, token in (("owner", org.owner), ("admin", org.token("admin"))):
        assert (await api.post(path, {"email": "x@example.com", "role": role}, token)).status == 403


async def test_an_invitation_joins_once_however_many_try(api: Api, world: World) -> None:
    org = await world.organization()
    _, token = await invitation(world, org, "new@example.com")
    body = {"token": token, "password": PASSWORD}
    replies = await asyncio.gather(*(api.post("/invitations/accept", body) for _ in range(10)))
    assert [reply.status for reply in replies].count(201) == 1
    assert {reply.status for reply in replies} <= {201, 401, 409, 422}


async def test_a_foreign_organization_name_cannot_bend_a_mail(api: Api, world: World, mails) -> None:
    org = await world.organization()
    await world.sql.execute("update organizations set name = E'Evil\\nBcc: x@example.com' where id = $1", org.id)
    await api.post(f"/organizations/{org.id}/invitations", {"email": "x@example.com", "role": "staff"}, org.owner)
    [mail] = await mails()
    assert "\nBcc:" not in mail
