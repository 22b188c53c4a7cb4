"""What is written down of each gateway: its own word, and when it was heard."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from frostguard.config import DatabaseSettings
from frostguard.store import gateway_states
from frostguard.store.connection import Connection, connect
from tests.factories import GATEWAY, plant
from tests.fakes import NOON


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "test")
    yield opened
    await opened.close()


LATER = NOON + timedelta(minutes=5)
STATE = "select online, online_since, last_heard_at from gateway_states where gateway_id = $1"


async def test_online_since_moves_only_when_the_word_changes(database: str, connection: Connection) -> None:
    gateway = plant(database).gateways[GATEWAY]
    await gateway_states.save_status(connection, [(gateway, True, NOON)])
    await gateway_states.save_status(connection, [(gateway, True, LATER)])
    assert tuple(await connection.fetchrow(STATE, gateway)) == (True, NOON, LATER)
    await gateway_states.save_status(connection, [(gateway, False, LATER)])
    assert tuple(await connection.fetchrow(STATE, gateway)) == (False, LATER, LATER)


async def test_a_message_says_that_it_was_heard_and_never_steps_back(database: str, connection: Connection) -> None:
    gateway = plant(database).gateways[GATEWAY]
    await gateway_states.save_heard(connection, [(gateway, LATER), (uuid4(), LATER)])
    await gateway_states.save_heard(connection, [(gateway, NOON)])
    assert tuple(await connection.fetchrow(STATE, gateway)) == (None, None, LATER)
    await gateway_states.save_status(connection, [(gateway, True, NOON), (uuid4(), True, NOON)])
    assert tuple(await connection.fetchrow(STATE, gateway)) == (True, NOON, LATER)
    assert await connection.fetchval("select count(*) from gateway_states") == 1
