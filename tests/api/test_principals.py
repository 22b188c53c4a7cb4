"""Who is behind a request: from memory, and never longer than it is true."""

import asyncio
import time
from base64 import b64encode
from uuid import uuid4

import pytest

from api import principals
from api.problems import Problem
from frostguard.domain.access import Role
from frostguard.errors import StoreUnavailableError
from frostguard.gateway_passwords import mosquitto_hash
from tests.api.conftest import Running, serving
from tests.api.world import Api, World


async def test_a_session_is_read_once(running: Running) -> None:
    org = await running.world.organization()
    header = f"Bearer {org.owner}"
    first = await running.program.principals.admit(header)
    assert first.roles == {org.id: Role.OWNER}
    assert await running.program.principals.admit(header) is first


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic eDp5", "bearer x.y.z", "Bearer a b", "Bearer " + "a" * 5000]
)
async def test_anything_but_a_token_of_ours_is_a_401(api: Api, header: str | None) -> None:
    reply = await api.get("/auth/me", headers={"Authorization": header} if header is not None else {})
    assert reply.status == 401


async def test_a_refresh_token_is_no_access_token(api: Api, world: World) -> None:
    await world.user("a@example.com", password_hash=await api.program.passwords.hash("correct horse"))
    tokens = (await api.post("/auth/login", {"email": "a@example.com", "password": "correct horse"})).json
    assert (await api.get("/auth/me", tokens["refresh_token"])).status == 401
    assert (await api.post("/auth/refresh", {"refresh_token": tokens["access_token"][:200]})).status == 401
    assert (await api.get("/auth/me", tokens["access_token"])).status == 200


async def test_what_was_read_while_something_was_forgotten_is_read_again(running: Running) -> None:
    org = await running.world.organization()
    memory, session = running.program.principals, running.program.signer.verify(org.owner).session
    reading = asyncio.ensure_future(memory._load(session))
    await asyncio.sleep(0)  # it has noted the generation and waits for a lane
    memory.forget("user", str(org.users[Role.OWNER]))
    assert (await reading) is not None
    assert memory._generation == 1 or memory.known == 1


async def test_forgetting_a_user_forgets_all_his_sessions_and_nobody_elses(running: Running) -> None:
    org, memory = await running.world.organization(), running.program.principals
    again = await running.world.token(org.users[Role.OWNER])
    for token in (org.owner, again, org.token("staff")):
        await memory.admit(f"Bearer {token}")
    memory.forget("user", str(org.users[Role.OWNER]))
    assert memory.known == 1
    memory.forget("organization", str(uuid4()))
    assert memory.known == 0


async def test_a_process_that_hears_nothing_stops_believing_and_is_not_waited_for_longer(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(database) as one, serving(database) as deaf:
        org = await one.world.organization()
        for running in (one, deaf):
            assert (await running.api.get("/auth/me", org.owner)).status == 200
        deafen(deaf)
        deaf.program.principals._heard = lambda *_: None  # type: ignore[method-assign]
        began = time.monotonic()
        assert (await one.api.post("/auth/logout", token=org.owner)).status == 200
        assert time.monotonic() - began < principals.LEASE_SECONDS + 1
        assert not deaf.program.principals.trusted
        monkeypatch.setattr(principals, "TRUST_WAIT_SECONDS", 0.05)
        assert (await deaf.api.get("/auth/me", org.owner)).status == 503
        assert (await deaf.api.get("/readyz")).status == 503


async def test_a_lost_connection_for_changes_is_opened_anew_and_everything_forgotten(running: Running) -> None:
    api, world = running.api, running.world
    org = await world.organization()
    assert (await api.get("/auth/me", org.owner)).status == 200
    await world.sql.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'frostguard-api-access'"
        " and datname = current_database()"
    )
    while running.program.principals.known:  # noqa: ASYNC110 - the loss is the server's; no event of ours tells
        await asyncio.sleep(0.01)
    assert (await api.post("/auth/logout", token=org.owner)).status == 200
    assert (await api.get("/auth/me", org.owner)).status == 401


async def test_without_a_database_nobody_is_believed_for_long(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = running.program.principals
    memory._trusted_until = 0.0
    await memory.regain_trust()  # the renewal of every second ends the wait
    assert memory.trusted
    deafen(running)
    memory._trusted_until = 0.0
    monkeypatch.setattr(principals, "TRUST_WAIT_SECONDS", 0.05)
    with pytest.raises(StoreUnavailableError):
        await memory.regain_trust()


def deafen(running: Running) -> None:
    for task in running.program._tasks:
        if task.get_name() == "access":
            task.cancel()


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


async def test_a_gateway_comes_in_with_its_password_until_it_is_revoked(running: Running) -> None:
    api, world, memory = running.api, running.world, running.program.principals
    org = await world.organization()
    issued = (await api.post(f"/gateways/{org.gateway}/credentials", token=org.owner)).json
    header = basic(issued["username"], issued["password"])
    gateway = await memory.admit_gateway(header)
    assert (gateway.id, gateway.organization_id, gateway.slug) == (org.gateway, org.id, org.slug)
    assert await memory.admit_gateway(header) is gateway
    await api.delete(f"/gateways/{org.gateway}/credentials", token=org.owner)
    with pytest.raises(Problem):
        await memory.admit_gateway(header)


WRONG = [
    None, "Bearer x", "Basic !!", basic("gw", "wrong"), basic("nobody", "x"), basic("a\0b", "x"),
    "Basic " + b64encode(b"nocolon").decode(), "Basic " + b64encode(b"\xff:x").decode(),
]  # fmt: skip


@pytest.mark.parametrize("header", WRONG)
async def test_no_gateway_comes_in_without(running: Running, header: str | None) -> None:
    org = await running.world.organization()
    await running.world.sql.execute(
        "update gateways set serial = 'gw', password_hash = $2 where id = $1", org.gateway, mosquitto_hash("right")
    )
    with pytest.raises(Problem) as caught:
        await running.program.principals.admit_gateway(header)
    assert caught.value.status == 401


async def test_the_memory_of_tokens_and_sessions_is_bounded(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(principals, "MAX_TOKENS", 2)
    monkeypatch.setattr(principals, "MAX_PRINCIPALS", 2)
    org, memory = await running.world.organization(), running.program.principals
    for token in org.tokens.values():
        await memory.admit(f"Bearer {token}")
    assert (len(memory._tokens), memory.known) == (2, 2)
