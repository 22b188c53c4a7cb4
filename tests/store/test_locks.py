"""One writer per shard."""

from collections.abc import AsyncIterator

import pytest

from frostguard.config import DatabaseSettings
from frostguard.store import locks
from frostguard.store.connection import Connection, abandon, connect
from tests.fakes import until


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "test")
    yield opened
    await opened.close()


async def test_a_shard_has_one_holder_and_is_free_when_its_connection_ends(
    database: str, connection: Connection
) -> None:
    other = await connect(DatabaseSettings(url=database), "other")
    assert await locks.try_shard(other, 0)
    assert await locks.try_shard(other, 0)  # its own again
    assert not await locks.try_shard(connection, 0)
    assert await locks.try_shard(connection, 1)
    abandon(other)
    await until(lambda: locks.try_shard(connection, 0), "the server has noticed")
