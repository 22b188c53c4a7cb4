"""A connection to a fresh database, and two organizations in it."""

from collections.abc import AsyncIterator

import pytest

from frostguard.config import DatabaseSettings, load
from frostguard.store import connection as connections
from frostguard.store.connection import Connection
from tests.store.tenants import Tenant, tenant


@pytest.fixture
async def direct(database: str) -> AsyncIterator[Connection]:
    """A connection that is ours alone."""
    opened = await connections.connect(load(DatabaseSettings, {"DATABASE_URL": database}), "test")
    yield opened
    await opened.close()


@pytest.fixture
async def own(direct: Connection) -> Tenant:
    return await tenant(direct)


@pytest.fixture
async def foreign(direct: Connection) -> Tenant:
    return await tenant(direct)
