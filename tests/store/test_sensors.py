"""Sensors: only the own ones, one primary a unit, assigned since when."""

import json

from frostguard.store import sensors
from frostguard.store.connection import Connection
from frostguard.store.organizations import Edit
from frostguard.store.paging import Page
from frostguard.store.sensors import Place, Wanted
from tests.store.tenants import BY, Tenant, entries


async def test_another_organization_reaches_nothing(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    row = await sensors.get(direct, own.id, own.sensor)
    assert row is not None
    before = await entries(direct)
    edit = Edit(row["updated_at"], json.dumps({"name": "x"}), "{}")
    assert await sensors.get(direct, foreign.id, own.sensor) is None
    assert await sensors.update(direct, foreign.id, BY, own.sensor, edit) is None
    assert await sensors.lock(direct, foreign.id, own.sensor) is None
    assert await sensors.lock_unit(direct, foreign.id, own.unit) is False
    assert await sensors.delete(direct, foreign.id, BY, own.sensor, None) is None
    assert await sensors.restore(direct, foreign.id, BY, own.sensor) is False
    await sensors.place(direct, foreign.id, own.sensor, Place(foreign.unit, is_primary=False))
    assert (await sensors.get(direct, own.id, own.sensor) or {})["unit_id"] is None
    assert [row["id"] for row in await sensors.page(direct, foreign.id, Page(), Wanted())] == [foreign.sensor]
    assert await entries(direct) == before


async def test_a_new_primary_takes_the_place_of_the_old_one(direct: Connection, own: Tenant) -> None:
    second = await sensors.create(direct, own.id, BY, '{"serial": "s2"}')
    assert second is not None
    for sensor in (own.sensor, second):
        await sensors.place(direct, own.id, sensor, Place(own.unit, is_primary=True))
    primaries = await direct.fetch("select id from sensors where is_primary")
    assert [row["id"] for row in primaries] == [second]
    assert await sensors.has_other_primary(direct, own.id, own.unit, own.sensor)


async def test_a_sensor_that_stays_keeps_the_moment_of_its_assignment(direct: Connection, own: Tenant) -> None:
    await sensors.place(direct, own.id, own.sensor, Place(own.unit, is_primary=False))
    since = await direct.fetchval("select assigned_at from sensors where id = $1", own.sensor)
    await sensors.place(direct, own.id, own.sensor, Place(own.unit, is_primary=True))
    assert await direct.fetchval("select assigned_at from sensors where id = $1", own.sensor) == since
    await sensors.place(direct, own.id, own.sensor, Place(None, is_primary=False))
    assert await direct.fetchval("select assigned_at from sensors where id = $1", own.sensor) is None


async def test_the_inbox_holds_what_nobody_assigned(direct: Connection, own: Tenant) -> None:
    assert len(await sensors.page(direct, own.id, Page(sort="serial"), Wanted(pending=True))) == 1
    await sensors.place(direct, own.id, own.sensor, Place(own.unit, is_primary=True))
    assert await sensors.page(direct, own.id, Page(), Wanted(pending=True)) == []
    assert len(await sensors.page(direct, own.id, Page(), Wanted(unit=own.unit))) == 1
