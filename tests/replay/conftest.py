"""A connection, and a short life that was lived once and is there for every test that asks for it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.local.postgres import PostgresServer
from frostguard.store.connection import Connection, connect
from tests.factories import Planted
from tests.replay.life import Clock, Life, plant_units

TEMPLATE = "lived"


@pytest.fixture(scope="session")
def once_lived(postgres: PostgresServer) -> Iterator[Planted]:
    """Two hours with an alarm, a restart, late readings; nobody interfered. A copy keeps transactions' numbers."""
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute(f"create database {TEMPLATE} template template strategy file_copy")
        planted = plant_units(postgres.url(TEMPLATE))
        with pytest.MonkeyPatch.context() as patch:
            asyncio.run(Life(postgres.url(TEMPLATE), planted, Clock(patch), seed=3, hours=2).live())
        yield planted
        c.execute(f"drop database {TEMPLATE} with (force)")


@pytest.fixture
def database(request: pytest.FixtureRequest, postgres: PostgresServer) -> Iterator[str]:
    """A fresh database, in which that has happened where a test asks for `lived`."""
    template = "template"
    if "lived" in request.fixturenames:
        request.getfixturevalue("once_lived")
        template = TEMPLATE
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute(f"create database {name} template {template} strategy file_copy")
        yield postgres.url(name)
        c.execute(f"drop database {name} with (force)")


@pytest.fixture
def lived(once_lived: Planted) -> Planted:
    """Who lived in the test's database."""
    return once_lived


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database, command_timeout=10), "test")
    yield opened
    await opened.close()
