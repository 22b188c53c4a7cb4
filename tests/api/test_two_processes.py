"""Two real processes on one database: what one ends is ended in the other with the next request."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from aiohttp import ClientSession

from api.program import Program
from frostguard.domain.access import Role
from tests.api.conftest import SECRET, settings_for
from tests.api.deeds import signed_in
from tests.api.world import PASSWORD, Organization, World
from tests.conftest import wait_for_exit
from tests.waiting import eventually

ROUNDS = 8


class Process:
    """One `python -m api`."""

    def __init__(self, database: str, folder: Path) -> None:
        self.ready = folder / "ready"
        environment = {
            **os.environ,
            "DATABASE_URL": database,
            "JWT_SECRET": SECRET,
            "PORT": "0",
            "API_READY_FILE": str(self.ready),
            "LOG_LEVEL": "WARNING",
        }
        self.process = subprocess.Popen([sys.executable, "-m", "api"], env=environment)

    @property
    def url(self) -> str:
        return self.ready.read_text().strip()

    def stop(self) -> int:
        self.process.terminate()
        return wait_for_exit(self.process)


class Pair:
    """Two processes, and a way to ask either."""

    def __init__(self, urls: list[str], http: ClientSession, world: World) -> None:
        self.urls = urls
        self.http = http
        self.world = world

    async def status(self, which: int, method: str, path: str, token: str, body: object = None) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        async with self.http.request(method, self.urls[which] + path, json=body, headers=headers) as got:
            await got.read()
            return got.status

    async def warm(self, path: str, token: str) -> None:
        """Both know the session by heart now."""
        for which in (0, 1):
            assert await self.status(which, "GET", path, token) == 200


@pytest.fixture
async def pair(database: str, tmp_path: Path) -> AsyncIterator[Pair]:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    processes = [Process(database, folder) for folder in folders]
    connection = await asyncpg.connect(database)
    try:
        for each in processes:
            eventually(each.ready.exists, "the API is ready")
        program = Program(settings_for(database))  # not started: it signs tokens
        async with ClientSession() as http:
            yield Pair([each.url for each in processes], http, World(program, connection))
        program.passwords.close()
    finally:
        await connection.close()
        codes = [each.stop() for each in processes]
    assert codes == [0, 0]


async def test_a_logout_in_one_holds_in_the_other(pair: Pair) -> None:
    org = await pair.world.organization()
    for turn in range(ROUNDS):
        token = await pair.world.token(org.users[Role.STAFF])
        await pair.warm("/auth/me", token)
        assert await pair.status(turn % 2, "POST", "/auth/logout", token) == 200
        assert await pair.status(1 - turn % 2, "GET", "/auth/me", token) == 401
        assert await pair.status(turn % 2, "GET", "/auth/me", token) == 401


async def test_a_role_that_is_taken_in_one_is_gone_in_the_other(pair: Pair) -> None:
    org = await pair.world.organization()
    user, token = org.users[Role.ADMIN], org.token("admin")
    path, change = f"/units/{org.unit}", {"notes": "x"}
    for turn in range(ROUNDS):
        here, there = turn % 2, 1 - turn % 2
        await pair.warm(path, token)
        assert await pair.status(there, "PUT", path, token, change) == 200
        assert await grant(pair, here, org, user, "viewer") == 200
        assert await pair.status(there, "PUT", path, token, change) == 403
        assert await grant(pair, there, org, user, "admin") == 200
        assert await pair.status(here, "PUT", path, token, change) == 200


async def grant(pair: Pair, which: int, org: Organization, user: UUID, role: str) -> int:
    return await pair.status(which, "PATCH", f"/organizations/{org.id}/members/{user}", org.owner, {"role": role})


async def test_a_removed_member_finds_nothing_in_the_other(pair: Pair) -> None:
    org = await pair.world.organization()
    for turn in range(ROUNDS):
        user = await pair.world.member(org.id, "staff")
        token = await pair.world.token(user)
        await pair.warm(f"/units/{org.unit}", token)
        assert await pair.status(turn % 2, "DELETE", f"/organizations/{org.id}/members/{user}", org.owner) == 200
        assert await pair.status(1 - turn % 2, "GET", f"/units/{org.unit}", token) == 404


async def test_a_password_change_in_one_ends_the_sessions_in_the_other(pair: Pair) -> None:
    org = await pair.world.organization()
    here = await signed_in(pair.world, org)
    other = await pair.world.token(org.users[Role.OWNER])
    await pair.warm("/auth/me", here)
    await pair.warm("/auth/me", other)
    body = {"currentPassword": PASSWORD, "newPassword": "another horse"}
    assert await pair.status(0, "PUT", "/auth/password", here, body) == 200
    assert await pair.status(1, "GET", "/auth/me", other) == 401
    assert await pair.status(1, "GET", "/auth/me", here) == 200


async def test_what_is_changed_beside_the_api_holds_too(pair: Pair) -> None:
    org = await pair.world.organization()
    token = org.token("staff")
    await pair.warm("/auth/me", token)
    await pair.world.sql.execute("update users set disabled_at = now() where id = $1", org.users[Role.STAFF])
    for which in (0, 1):  # nobody waited for these two to hear it: psql knows no barrier
        for _ in range(200):
            if await pair.status(which, "GET", "/auth/me", token) == 401:
                break
        else:
            pytest.fail("a disabled user still comes in")
