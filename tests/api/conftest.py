"""A running program on a database of its own, with real HTTP in between."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from api.program import Program, Settings
from api.server import Listening, listen
from frostguard.config import ApiSettings, AuthSettings, DatabaseSettings, FeedSettings, MailSettings, load
from frostguard.local.postgres import PostgresServer
from frostguard.tracing import TracingSettings
from tests.api import deeds_history  # noqa: F401 - adds its requests to those of all routes
from tests.api.shared_database import empty, made
from tests.api.world import Api, World

SECRET = "a secret for tests only, 0123456789 abcdefgh"
CHEAP = 4  # bcrypt's lowest cost


def settings_for(database: str, **given: Any) -> Settings:
    return Settings(
        # As in production: with no more rights than the API's own role has.
        load(DatabaseSettings, {"DATABASE_URL": f"{database}?role=frostguard_api"}),
        load(ApiSettings, {"PORT": 0, "API_MAX_CONNECTIONS_PER_ADDRESS": 500, **given}),
        load(AuthSettings, {"JWT_SECRET": SECRET, **given}),
        load(MailSettings, given),
        load(FeedSettings, given),
        tracing=load(TracingSettings, given),
    )


class Running:
    """A program that serves, and a client for it."""

    def __init__(self, program: Program, listening: Listening, api: Api, world: World) -> None:
        self.program = program
        self.listening = listening
        self.api = api
        self.world = world


@asynccontextmanager
async def serving(database: str, *, cost: int = CHEAP, **given: Any) -> AsyncIterator[Running]:
    program = Program(settings_for(database, **given), cost=cost)
    await program.start()
    listening = await listen(program)
    connection = await asyncpg.connect(database)
    async with ClientSession(cookie_jar=DummyCookieJar(), connector=TCPConnector(limit=200)) as http:
        try:
            yield Running(program, listening, Api(http, listening.url, program), World(program, connection))
        finally:
            await listening.stop()
            await program.stop()
            await connection.close()


@pytest.fixture(scope="session")
def one_for_all(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a migrated database for all tests of this worker."""
    with made(postgres) as url:
        yield url


@pytest.fixture
def database(one_for_all: str) -> Iterator[str]:
    """The URL of an empty, migrated database, for this test alone."""
    yield one_for_all
    empty(one_for_all)


@pytest.fixture
async def running(database: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(database, MAIL_DIR=tmp_path / "mail") as found:
        yield found


@pytest.fixture
def api(running: Running) -> Api:
    return running.api


@pytest.fixture
def world(running: Running) -> World:
    return running.world


@pytest.fixture
def mails(running: Running, tmp_path: Path):
    """A function that waits for the mails sent so far and returns their texts, oldest first."""

    async def read() -> list[str]:
        await running.program.outbox.send_due()
        return [path.read_text() for path in sorted((tmp_path / "mail").glob("*.eml"))]

    return read
