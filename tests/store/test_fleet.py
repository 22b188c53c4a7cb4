"""The fleet as the daemon reads it."""

from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.store import fleet
from frostguard.store.connection import Connection, connect
from tests.factories import GATEWAY, SERIAL, plant, plant_gateway


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "test")
    yield opened
    await opened.close()


async def test_everything_or_one_organization_is_read(database: str, connection: Connection) -> None:
    one = plant(database)
    two = plant(database, "other", ["gw-9"], ["s-9"])
    assert {row["slug"] for row in await fleet.organizations(connection)} == {"acme", "other"}
    for read, names in ((fleet.gateways, {GATEWAY, "gw-9"}), (fleet.sensors, {SERIAL, "s-9"})):
        assert {row["serial"] for row in await read(connection)} == names
        assert {row["organization_id"] for row in await read(connection, [two.organization])} == {two.organization}
        assert await read(connection, []) == []
        assert await read(connection, [uuid4()]) == []
    assert {row["id"] for row in await fleet.units(connection)} == {*one.units.values(), *two.units.values()}
    assert [row["slug"] for row in await fleet.organizations(connection, [one.organization])] == ["acme"]


async def test_the_origin_of_a_sensor_is_its_topic_only_where_the_gateway_is_one_of_ours(
    database: str, connection: Connection
) -> None:
    planted = plant(database)
    sensor, update = planted.sensors[SERIAL], "update sensors set gateway_id = %s"
    with psycopg.connect(database, autocommit=True) as c:
        network = plant_gateway(c, planted.organization, "app@tenant", "tts")
        found = []
        for gateway in (None, planted.gateways[GATEWAY], network):
            c.execute(update, (gateway,))
            found.append(await fleet.origin(connection, sensor))
    assert [row["gateway"] for row in found if row] == [None, GATEWAY, None]
    assert {(row["slug"], row["serial"]) for row in found if row} == {("acme", SERIAL)}
    assert await fleet.origin(connection, uuid4()) is None
