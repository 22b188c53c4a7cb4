"""Logins: the right password in time, the wrong one slower and slower, a refresh token once."""

import asyncio

import pytest

from frostguard.domain.access import Role
from frostguard.security import hash_password
from tests.api.conftest import Running
from tests.api.deeds import HASH, refresh_token
from tests.api.world import PASSWORD, Api, World

EMAIL = "ada@example.com"


async def login(api: Api, password: str = PASSWORD, email: str = EMAIL, **more):
    return await api.post("/auth/login", {"email": email, "password": password}, **more)


@pytest.fixture
async def user(world: World):
    return await world.user(EMAIL, password_hash=HASH)


async def test_a_login_returns_tokens_as_oauth_names_them(api: Api, user) -> None:
    found = (await login(api)).json
    assert found.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 7 * 86_400)
    assert (await api.get("/auth/me", found["access_token"])).json["id"] == str(user)


async def test_unknown_disabled_and_wrong_look_alike(api: Api, world: World, user) -> None:
    disabled = await world.user("gone@example.com", password_hash=HASH)
    await world.sql.execute("update users set disabled_at = now() where id = $1", disabled)
    await world.user("imported@example.com")  # without a password
    same = {"X-Request-Id": "same-for-everybody"}
    replies = [
        await login(api, "wrong horse", headers=same),
        await login(api, email="nobody@example.com", headers=same),
        await login(api, email="gone@example.com", headers=same),
        await login(api, email="imported@example.com", headers=same),
        await login(api, "x" * 73, headers=same),
    ]
    assert {(reply.status, reply.body) for reply in replies} == {(401, replies[0].body)}


async def test_a_password_of_73_bytes_is_never_cut(api: Api, world: World) -> None:
    await world.user("long@example.com", password_hash=hash_password("a" * 72, 4))
    assert (await login(api, "a" * 73, "long@example.com")).status == 401
    assert (await login(api, "a" * 72, "long@example.com")).status == 200


async def test_hashes_of_the_earlier_system_are_accepted_and_made_anew(api: Api, world: World) -> None:
    old = hash_password(PASSWORD, 4).replace("$2b$", "$2a$")
    user = await world.user("old@example.com", password_hash=old)
    assert (await login(api, email="old@example.com")).status == 200
    new = await world.sql.fetchval("select password_hash from users where id = $1", user)
    assert new.startswith("$2b$")
    assert (await login(api, email="old@example.com")).status == 200


async def test_guessing_is_slowed_down_and_ends_with_the_right_password_after_the_wait(running: Running, user) -> None:
    api, world = running.api, running.world
    for _ in range(5):
        assert (await login(api, "wrong horse")).status == 401
    reply = await login(api)
    assert reply.status == 429, "even the right one waits"
    assert int(reply.headers["Retry-After"]) == 1
    await world.sql.execute("update login_failures set last_at = last_at - interval '2 seconds'")
    assert (await login(api)).status == 200
    assert await world.sql.fetchval("select count(*) from login_failures") == 0


async def test_the_wait_doubles_up_to_a_quarter_of_an_hour_and_no_further(running: Running, user) -> None:
    api, world = running.api, running.world
    await login(api, "wrong horse")
    for failures, wait in ((6, 2), (9, 16), (14, 512), (15, 900), (10_000, 900)):
        await world.sql.execute("update login_failures set failures = $1, last_at = now()", failures)
        assert abs(int((await login(api)).headers["Retry-After"]) - wait) <= 1
    await world.sql.execute("update login_failures set last_at = now() - interval '901 seconds'")
    assert (await login(api)).status == 200


async def test_a_flood_from_everywhere_does_not_lock_out_the_owner_at_his_own_address(running: Running, user) -> None:
    api, world = running.api, running.world
    assert (await login(api)).status == 200  # this address is known now
    await world.sql.execute(
        "insert into login_failures (account, address, failures)"
        " select sha256($1::text::bytea), ('10.0.0.' || n)::inet, 4 from generate_series(1, 200) n",
        EMAIL,
    )
    assert (await login(api)).status == 200
    await world.sql.execute("update sessions set address = '192.0.2.1'")
    assert (await login(api)).status == 429, "a stranger waits"


async def test_one_address_has_twenty_wrong_guesses_a_minute_over_all_accounts(api: Api, user) -> None:
    statuses = [(await login(api, email=f"u{n}@example.com")).status for n in range(21)]
    assert statuses == [401] * 20 + [429]
    assert (await login(api)).status == 429


async def test_a_refresh_token_counts_once(api: Api, world: World, mails) -> None:
    org = await world.organization()
    token = await refresh_token(world, org.users[Role.OWNER])
    first = await api.post("/auth/refresh", {"refresh_token": token}, headers={"User-Agent": "test"})
    second = await api.post(
        "/auth/refresh", {"refresh_token": first.json["refresh_token"]}, headers={"User-Agent": "test"}
    )
    assert (first.status, second.status) == (200, 200)
    reused = await api.post("/auth/refresh", {"refresh_token": token}, headers={"User-Agent": "test"})
    assert reused.status == 401
    assert (await api.get("/auth/me", second.json["access_token"])).status == 401, "the family is dead"
    dead = await api.post("/auth/refresh", {"refresh_token": second.json["refresh_token"]})
    assert dead.status == 401
    assert "ended for safety" in (await mails())[0]
    assert (await world.last_entry())["action"] == "session.refresh_reused"


async def test_a_lost_answer_is_given_once_more_to_the_same_client(api: Api, world: World) -> None:
    org, client = await world.organization(), {"User-Agent": "test"}
    token = await refresh_token(world, org.users[Role.OWNER])
    lost = await api.post("/auth/refresh", {"refresh_token": token}, headers=client)
    again = await api.post("/auth/refresh", {"refresh_token": token}, headers=client)
    assert again.status == 200
    assert (await api.get("/auth/me", again.json["access_token"])).status == 200
    late = await api.post("/auth/refresh", {"refresh_token": lost.json["refresh_token"]}, headers=client)
    assert late.status == 401, "the answer that was lost is worth nothing now, and its use ends the session"
    assert (await api.get("/auth/me", again.json["access_token"])).status == 401


@pytest.mark.parametrize("spoil", ["another client", "too late", "a third time"])
async def test_a_lost_answer_is_not_given_to_others_nor_late_nor_twice(api: Api, world: World, spoil: str) -> None:
    org, client = await world.organization(), {"User-Agent": "test"}
    token = await refresh_token(world, org.users[Role.OWNER])
    await api.post("/auth/refresh", {"refresh_token": token}, headers=client)
    if spoil == "another client":
        client = {"User-Agent": "thief"}
    elif spoil == "too late":
        await world.sql.execute("update refresh_tokens set used_at = used_at - interval '11 seconds'")
    else:
        await api.post("/auth/refresh", {"refresh_token": token}, headers=client)
    assert (await api.post("/auth/refresh", {"refresh_token": token}, headers=client)).status == 401
    assert (
        await world.sql.fetchval("select revoked_because from sessions where revoked_at is not null")
        == "refresh_reused"
    )


async def test_of_many_at_once_from_different_clients_one_succeeds_and_the_session_ends(api: Api, world: World) -> None:
    org = await world.organization()
    for _ in range(3):
        token = await refresh_token(world, org.users[Role.STAFF])
        clients = [{"User-Agent": f"client {n}"} for n in range(18)]
        calls = (api.post("/auth/refresh", {"refresh_token": token}, headers=client) for client in clients)
        replies = await asyncio.gather(*calls)
        assert [reply.status for reply in replies].count(200) == 1
        living = await world.sql.fetchval(
            "select count(*) from sessions where revoked_at is null and user_agent like 'client%'"
        )
        assert living == 0


@pytest.mark.parametrize("column", ["expires_at", "idle"])
async def test_sessions_end_by_age_and_by_idleness(api: Api, world: World, column: str) -> None:
    org = await world.organization()
    token = await refresh_token(world, org.users[Role.OWNER])
    table = "sessions" if column == "expires_at" else "refresh_tokens"
    await world.sql.execute(f"update {table} set expires_at = now()")
    assert (await api.post("/auth/refresh", {"refresh_token": token})).status == 401
    assert (await api.get("/auth/me", org.owner)).status == (401 if column == "expires_at" else 200)


async def test_sessions_are_listed_and_ended(api: Api, world: World) -> None:
    org = await world.organization()
    other = await world.token(org.users[Role.OWNER])
    found = (await api.get("/auth/sessions", org.owner)).json
    assert [each["current"] for each in found].count(True) == 1
    gone = next(each["id"] for each in found if not each["current"])
    assert (await api.delete(f"/auth/sessions/{gone}", token=org.owner)).status == 200
    assert (await api.delete(f"/auth/sessions/{gone}", token=org.owner)).status == 404
    assert (await api.get("/auth/me", other)).status == 401
    assert (await api.delete("/auth/sessions", token=org.owner)).json["sessions"] == 0


async def test_a_logout_answers_json_also_to_an_empty_body(api: Api, world: World) -> None:
    org = await world.organization()
    reply = await api.post("/auth/logout", token=org.owner, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.json) == (200, {"status": "ok"})
    assert (await api.post("/auth/logout", token=org.owner)).status == 401
