"""Readings that wait for their sensor to get a unit."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.errors import RowRefusedError
from frostguard.store import held
from frostguard.store.connection import Connection, connect
from tests.factories import GATEWAY, SERIAL, assign, make_reading, plant, plant_sensor, plant_unit
from tests.fakes import NOON


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "test")
    yield opened
    await opened.close()


async def test_held_readings_come_out_oldest_first_once_there_is_a_unit(database: str, connection: Connection) -> None:
    planted = plant(database)
    with psycopg.connect(database, autocommit=True) as c:
        first, second = (plant_sensor(c, planted.organization, serial, None) for serial in ("s-1", "s-2"))
        unit = plant_unit(c, planted.organization, planted.area)
    rows = [make_reading(n, sensor_id=first, unit_id=first, seq=n + 1, door_open=True) for n in (3, 1, 2)]
    await held.insert(connection, [*rows, make_reading(1, sensor_id=second, unit_id=second)])
    await held.insert(connection, rows)  # again
    assert await held.assigned_with_held(connection) == []
    assert await held.take(connection, [first, second]) == []
    with psycopg.connect(database, autocommit=True) as c:
        assign(c, first, unit)
    assert await held.assigned_with_held(connection) == [first]
    taken = await held.take(connection, [first, second])
    assert taken == [row._replace(unit_id=unit) for row in sorted(rows, key=lambda row: row.recorded_at)]
    assert await held.take(connection, [first, second]) == []
    assert await connection.fetchval("select count(*) from held_readings") == 1


async def test_a_reading_of_no_sensor_is_refused(connection: Connection) -> None:
    with pytest.raises(RowRefusedError):
        await held.insert(connection, [make_reading(sensor_id=uuid4())])


async def test_a_sensor_is_registered_once_and_keeps_its_first_id(database: str, connection: Connection) -> None:
    planted = plant(database)
    organization, gateway = planted.organization, planted.gateways[GATEWAY]
    new, late = uuid4(), uuid4()
    rows = [(new, organization, gateway, "new-1", NOON), (uuid4(), organization, gateway, SERIAL, NOON)]
    expected = {(organization, "new-1"): new, (organization, SERIAL): planted.sensors[SERIAL]}
    assert await held.register_pending(connection, rows) == expected
    again = [(late, organization, gateway, "new-1", NOON + timedelta(hours=1))]
    assert await held.register_pending(connection, again) == {(organization, "new-1"): new}
    row = await connection.fetchrow("select unit_id, gateway_id, first_seen_at from sensors where id = $1", new)
    assert tuple(row) == (None, gateway, NOON)


async def test_a_registration_survives_a_gateway_or_organization_that_is_gone(
    database: str, connection: Connection
) -> None:
    planted = plant(database)
    gone = [(uuid4(), uuid4(), uuid4(), "new-1", NOON), (uuid4(), planted.organization, uuid4(), "new-2", NOON)]
    assert list(await held.register_pending(connection, gone)) == [(planted.organization, "new-2")]
    assert await connection.fetchval("select gateway_id from sensors where serial = 'new-2'") is None
