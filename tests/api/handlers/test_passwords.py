"""Passwords: changed, forgotten, set anew; each ends what was open before."""

import asyncio

from frostguard.domain.access import Role
from tests.api.deeds import mailed_token, signed_in
from tests.api.handlers.test_accounts import token_in
from tests.api.world import PASSWORD, Api, World

NEW = "another horse"


async def test_a_change_asks_for_the_old_one_and_ends_the_other_sessions(api: Api, world: World, mails) -> None:
    org = await world.organization()
    here = await signed_in(world, org)
    elsewhere = await world.token(org.users[Role.OWNER])
    wrong = {"currentPassword": "wrong horse", "newPassword": NEW}
    assert (await api.put("/auth/password", wrong, here)).status == 403
    assert (await api.put("/auth/password", {"currentPassword": PASSWORD, "newPassword": "short"}, here)).status == 422
    done = await api.put("/auth/password", {"currentPassword": PASSWORD, "newPassword": NEW}, here)
    assert done.json == {"status": "ok", "sessions": 1}
    assert (await api.get("/auth/me", elsewhere)).status == 401
    assert (await api.get("/auth/me", here)).status == 200
    assert "Your password was changed" in (await mails())[0]


async def test_a_stolen_session_cannot_guess_the_password_for_ever(api: Api, world: World) -> None:
    token = await signed_in(world, await world.organization())
    body = {"currentPassword": "wrong horse", "newPassword": NEW}
    statuses = [(await api.put("/auth/password", body, token)).status for _ in range(6)]
    assert statuses == [403] * 5 + [429]


async def test_forgetting_answers_the_same_for_everybody(api: Api, world: World, mails) -> None:
    user = await world.user("ada@example.com")
    same = {"X-Request-Id": "same-for-everybody"}
    known = await api.post("/auth/password/forgot", {"email": "Ada@example.com"}, headers=same)
    unknown = await api.post("/auth/password/forgot", {"email": "nobody@example.com"}, headers=same)
    assert (known.status, known.body) == (unknown.status, unknown.body) == (202, known.body)
    [mail] = await mails()
    elsewhere = await world.token(user)
    reply = await api.post("/auth/password/reset", {"token": token_in(mail), "password": NEW})
    assert reply.status == 200
    assert (await api.get("/auth/me", elsewhere)).status == 401
    assert (await api.post("/auth/login", {"email": "ada@example.com", "password": NEW})).status == 200
    assert (await api.post("/auth/password/reset", {"token": token_in(mail), "password": PASSWORD})).status == 422


async def test_the_link_leads_to_the_frontend_whatever_the_host_header_says(api: Api, world: World, mails) -> None:
    await world.user("ada@example.com")
    await api.post("/auth/password/forgot", {"email": "ada@example.com"}, headers={"Host": "evil.example"})
    [mail] = await mails()
    assert "http://localhost:3000/reset-password#token=" in mail.replace("=\n", "").replace("=3D", "=")
    assert "evil" not in mail


async def test_nobody_is_flooded_with_mails(api: Api, world: World, mails) -> None:
    await world.user("ada@example.com")
    for _ in range(6):
        await api.post("/auth/password/forgot", {"email": "ada@example.com"})
    assert len(await mails()) == 3


async def test_a_reset_token_counts_once_however_many_try(api: Api, world: World) -> None:
    token = await mailed_token(world, await world.user(), "reset")
    replies = await asyncio.gather(*(
        api.post("/auth/password/reset", {"token": token, "password": f"horse number {n}"}) for n in range(15)
    ))  # fmt: skip
    assert sorted(reply.status for reply in replies) == [200] + [422] * 14


async def test_a_reset_token_runs_out(api: Api, world: World) -> None:
    token = await mailed_token(world, await world.user(), "reset")
    await world.sql.execute("update email_tokens set expires_at = now()")
    assert (await api.post("/auth/password/reset", {"token": token, "password": NEW})).status == 422


async def test_a_reset_frees_a_slowed_down_account(api: Api, world: World) -> None:
    user = await world.user("ada@example.com")
    for _ in range(5):
        await api.post("/auth/login", {"email": "ada@example.com", "password": "wrong horse"})
    token = await mailed_token(world, user, "reset")
    await api.post("/auth/password/reset", {"token": token, "password": NEW})
    assert (await api.post("/auth/login", {"email": "ada@example.com", "password": NEW})).status == 200
