"""Dead letters: kept in order, counted beyond the cap, taken again on request."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from frostguard.config import DatabaseSettings
from frostguard.store import dead_letters
from frostguard.store.connection import Connection, connect
from frostguard.store.dead_letters import DeadLetter, Overflow
from tests.factories import GATEWAY, plant
from tests.fakes import NOON, until


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "test")
    yield opened
    await opened.close()


def letter(reason: str = "not_json", payload: bytes = b"x", **changes: object) -> DeadLetter:
    return DeadLetter(NOON, None, None, "frostguard/v1/acme/gw-1/readings", payload, reason, "why")._replace(**changes)


async def test_letters_keep_their_bytes_and_come_newest_first(database: str, connection: Connection) -> None:
    planted = plant(database)
    known = {"organization_id": planted.organization, "gateway_id": planted.gateways[GATEWAY]}
    await dead_letters.insert(connection, [letter(payload=bytes(range(256)), **known), letter("no_readings")])
    newest, oldest = await dead_letters.list_open(connection)
    assert (newest["reason"], newest["organization"]) == ("no_readings", None)
    assert (oldest["organization"], oldest["gateway"], oldest["bytes"]) == ("acme", GATEWAY, 256)
    kept = await dead_letters.get(connection, oldest["id"])
    assert kept is not None
    assert kept["payload"] == bytes(range(256))
    assert await dead_letters.get(connection, 999_999) is None
    assert [one["id"] for one in await dead_letters.list_open(connection, "not_json")] == [oldest["id"]]
    assert [one["id"] for one in await dead_letters.list_open(connection, before=newest["id"])] == [oldest["id"]]
    assert len(await dead_letters.list_open(connection, limit=1)) == 1


async def test_a_letter_of_strangers_that_are_gone_is_kept(connection: Connection) -> None:
    await dead_letters.insert(connection, [letter(organization_id=uuid4(), gateway_id=uuid4())])
    assert await dead_letters.count_open(connection) == {"not_json": 1}


async def test_overflows_add_up(connection: Connection) -> None:
    for dropped in (3, 4):
        await dead_letters.add_overflows(
            connection, [Overflow("gw-1", NOON, "not_json", dropped), Overflow("gw-2", NOON, "not_json", 1)]
        )
    rows = await connection.fetch("select source, dropped from dead_letter_overflows order by source")
    assert [tuple(row) for row in rows] == [("gw-1", 7), ("gw-2", 2)]


async def test_a_replay_is_asked_for_announced_and_settled(connection: Connection) -> None:
    await dead_letters.insert(connection, [letter(), letter("no_readings"), letter()])
    first, second, third = sorted(one["id"] for one in await dead_letters.list_open(connection))
    heard: list[str] = []
    await connection.add_listener("config", lambda *arguments: heard.append(arguments[3]))
    assert await dead_letters.requested(connection, 0, 10) == []
    assert await dead_letters.request_replay(connection, [third]) == 1
    assert await dead_letters.request_replay(connection, reason="no_readings") == 1
    await until(lambda: heard == ["dead-letters"] * 2, "two notifications")
    asked = await dead_letters.requested(connection, 0, 10)
    assert [one["id"] for one in asked] == [second, third]
    assert (asked[0]["payload"], asked[0]["received_at"]) == (b"x", NOON)
    assert [one["id"] for one in await dead_letters.requested(connection, second, 10)] == [third]
    await dead_letters.settle(connection, [third], [(second, "bad_shape", "still")])
    assert await dead_letters.requested(connection, 0, 10) == []
    assert await dead_letters.count_open(connection) == {"not_json": 1, "bad_shape": 1}
    assert await dead_letters.request_replay(connection) == 2  # what was stored is not asked for again
    assert {one["id"] for one in await dead_letters.requested(connection, 0, 10)} == {first, second}


@pytest.mark.parametrize("ids", [[], [1]])
async def test_nothing_to_settle_is_nothing(connection: Connection, ids: list[int]) -> None:
    await dead_letters.settle(connection, ids, [])
