"""Sessions: refresh tokens used once however many try, principals that live, processes that trust."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from frostguard.config import DatabaseSettings, load
from frostguard.security import hash_token
from frostguard.store import accounts, sessions
from frostguard.store.connection import Connection
from frostguard.store.lanes import Lanes
from frostguard.store.sessions import Client, Lives, Renewal

CLIENT, LIVES = Client("192.0.2.1", "browser"), Lives(1000, 500)


async def user_of(connection: Connection) -> UUID:
    user = await accounts.create(connection, f"{uuid4().hex}@x.io", "hash", None, verified=True)
    assert user is not None
    return user


@pytest.fixture
async def lanes(database: str) -> AsyncIterator[Lanes]:
    opened = Lanes(load(DatabaseSettings, {"DATABASE_URL": database}), 8)
    yield opened
    await opened.close()


async def test_forty_tokens_each_used_by_twenty_at_once_succeed_once_each(lanes: Lanes) -> None:
    async with lanes.lane() as connection:
        user = await user_of(connection)
        tokens = [secrets.token_bytes(32) for _ in range(40)]
        for token in tokens:
            await sessions.begin(connection, user, CLIENT, LIVES, token)

    async def use(token: bytes) -> bool:
        async with lanes.lane() as connection:
            renewal = Renewal(token, secrets.token_bytes(32), 500, *CLIENT)
            return await sessions.rotate(connection, renewal) is not None

    for token in tokens:
        assert sum(await asyncio.gather(*(use(token) for _ in range(20)))) == 1


async def test_a_lost_answer_is_reissued_once_however_many_ask(lanes: Lanes) -> None:
    token = secrets.token_bytes(32)
    async with lanes.lane() as connection:
        user = await user_of(connection)
        await sessions.begin(connection, user, CLIENT, LIVES, token)
        assert await sessions.rotate(connection, Renewal(token, secrets.token_bytes(32), 500, *CLIENT))

    async def ask() -> bool:
        async with lanes.lane() as connection:
            renewal = Renewal(token, secrets.token_bytes(32), 500, *CLIENT)
            return await sessions.reissue(connection, renewal) is not None

    assert sum(await asyncio.gather(*(ask() for _ in range(20)))) == 1
    async with lanes.lane() as connection:
        open_tokens = await connection.fetchval("select count(*) from refresh_tokens where used_at is null")
    assert open_tokens == 1


async def test_a_principal_has_the_roles_of_now_and_only_while_the_session_lives(direct: Connection, own) -> None:
    user = await user_of(direct)
    session = await sessions.begin(direct, user, CLIENT, LIVES, hash_token("x"))
    row = await sessions.principal(direct, session)
    assert (row["user_id"], row["roles"]) == (user, "{}")
    await direct.execute(
        "insert into user_roles (user_id, organization_id, role) values ($1, $2, 'staff')", user, own.id
    )
    row = await sessions.principal(direct, session)
    assert str(own.id) in row["roles"]
    await direct.execute("update organizations set deleted_at = now() where id = $1", own.id)
    assert (await sessions.principal(direct, session))["roles"] == "{}"
    assert await sessions.revoke(direct, uuid4(), session, "x") is False, "somebody else's"
    assert await sessions.revoke(direct, user, session, "x") is True
    assert await sessions.principal(direct, session) is None


async def test_what_takes_access_away_says_so_in_its_transaction(direct: Connection, own) -> None:
    heard: list[str] = []
    await direct.add_listener("access", lambda *args: heard.append(args[-1]))
    user = await user_of(direct)
    session = await sessions.begin(direct, user, CLIENT, LIVES, hash_token("x"))
    await direct.execute(
        "insert into user_roles (user_id, organization_id, role) values ($1, $2, 'staff')", user, own.id
    )
    await direct.execute("update user_roles set role = 'viewer' where user_id = $1", user)
    await direct.execute("delete from user_roles where user_id = $1", user)
    await direct.execute("update users set disabled_at = now() where id = $1", user)
    await sessions.revoke(direct, user, session, "x")
    await direct.execute("update organizations set deleted_at = now() where id = $1", own.id)
    await direct.execute("update gateways set password_hash = 'x' where id = $1", own.gateway)
    await direct.fetchval("select 1")
    assert heard == [
        *[f"user:{user}"] * 4, f"session:{session}", f"organization:{own.id}", f"gateway:{own.gateway}",
    ]  # fmt: skip


async def test_processes_are_waited_for_while_they_trust(direct: Connection) -> None:
    here, gone = uuid4(), uuid4()
    await sessions.renew_trust(direct, here, 5)
    await sessions.renew_trust(direct, gone, -1)
    found = await sessions.trusting(direct)
    assert found.keys() == {here}
    assert 4 < found[here] <= 5
    await sessions.end_trust(direct, here)
    assert await sessions.trusting(direct) == {}


async def test_what_ended_long_ago_is_dropped(direct: Connection) -> None:
    user = await user_of(direct)
    for token in ("a", "b"):
        await sessions.begin(direct, user, CLIENT, LIVES, hash_token(token))
    await direct.execute(
        "update sessions set expires_at = now() - interval '31 days' where id = (select id from sessions limit 1)"
    )
    await sessions.forget_old(direct)
    assert len(await sessions.list_of(direct, user)) == 1
    assert await sessions.revoke_all(direct, user, "x") == 1
