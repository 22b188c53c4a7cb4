"""Watermarks in their table."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from frostguard.config import DatabaseSettings
from frostguard.store import watermarks
from frostguard.store.connection import Connection, connect
from frostguard.store.watermarks import KEPT_BOOTS, Watermark
from tests.factories import GATEWAY, plant


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "test")
    yield opened
    await opened.close()


async def test_what_is_saved_is_loaded_and_saved_over(database: str, connection: Connection) -> None:
    planted = plant(database, gateways=[GATEWAY, "gw-2"])
    one, two = planted.gateways[GATEWAY], planted.gateways["gw-2"]
    saved = [Watermark(one, "b", 5, [7, 9, 12, 12]), Watermark(one, "c", 0, []), Watermark(two, "b", 2**63 - 1, [])]
    await watermarks.save(connection, saved)
    assert sorted(await watermarks.load(connection)) == sorted(saved)
    await watermarks.save(connection, [Watermark(one, "b", 12, [])])
    assert Watermark(one, "b", 12, []) in await watermarks.load(connection)
    assert len(await watermarks.load(connection)) == 3


async def test_a_gateway_that_is_gone_is_left_out(connection: Connection) -> None:
    await watermarks.save(connection, [Watermark(uuid4(), "b", 5, [])])
    assert await watermarks.load(connection) == []


async def test_the_boots_heard_longest_ago_are_forgotten_and_come_first(database: str, connection: Connection) -> None:
    planted = plant(database, gateways=[GATEWAY, "gw-2"])
    one, two = planted.gateways[GATEWAY], planted.gateways["gw-2"]
    await watermarks.save(connection, [Watermark(two, "old", 1, [])])
    for n in range(KEPT_BOOTS + 2):
        await watermarks.save(connection, [Watermark(one, f"boot-{n}", n, [])])
    await watermarks.save(connection, [Watermark(one, "boot-0", 100, [])])  # heard again
    await watermarks.forget_old_boots(connection, [one])
    kept = [f"boot-{n}" for n in range(3, KEPT_BOOTS + 2)]
    assert [w.boot for w in await watermarks.load(connection)] == ["old", *kept, "boot-0"]
