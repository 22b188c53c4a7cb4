"""What PostgreSQL says of itself."""

from collections.abc import AsyncIterator

import pytest

from frostguard.config import DatabaseSettings
from frostguard.store import inspection
from frostguard.store.connection import Connection, connect


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "test")
    yield opened
    await opened.close()


async def test_a_server_is_known_by_its_version_its_room_and_its_clock(connection: Connection) -> None:
    server = await inspection.server(connection)
    assert server["version"] >= 150000
    assert 0 < server["connections"] < server["room"]
    assert server["superuser"]
    assert server["now"] > 1.7e9


async def test_settings_that_give_up_commits_are_named(connection: Connection) -> None:
    assert await inspection.unsafe_settings(connection) == ["fsync", "full_page_writes", "synchronous_commit"]


async def test_migrations_are_those_applied_and_none_where_there_never_was_one(connection: Connection, psql) -> None:
    assert "0001.organizations-and-fleet" in await inspection.applied_migrations(connection)
    psql("drop table _yoyo_migration")
    assert await inspection.applied_migrations(connection) == set()


async def test_a_silent_fleet_has_no_rate(connection: Connection) -> None:
    assert await inspection.readings_a_second(connection) == 0.0
    assert (await inspection.oldest_transaction(connection))["seconds"] >= 0.0
