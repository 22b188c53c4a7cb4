"""Sensors: registered, described, assigned to units."""

from typing import Any
from uuid import UUID

from api import editing, problems
from api.answers import Answer, members_of, versioned
from api.call import Call
from api.paging import page_of, paged
from api.problems import FieldError
from frostguard.store import audit, sensors, units
from frostguard.store.audit import Change
from frostguard.store.connection import Connection, Record
from frostguard.store.organizations import Edit
from frostguard.store.sensors import Place, Wanted

MEASURES_TEMPERATURE = frozenset({"temperature", "temperature_humidity", "combo", "multi_sensor"})


def _read(call: Call) -> editing.Read:
    async def read(connection: Connection) -> Record | None:
        return await sensors.get(connection, call.organization_id, call.ids["sensorId"])

    return read


async def _get(call: Call, connection: Connection, sensor: UUID | None) -> dict[str, Any]:
    row = None if sensor is None else await sensors.get(connection, call.organization_id, sensor)
    if row is None:
        raise problems.not_found()
    return members_of(row)


async def list_of_organization(call: Call) -> Answer:
    """List the sensors of an organization; `pending=true` is the inbox of those that nobody assigned yet."""
    query = call.query
    wanted = Wanted(query.pending, query.unit_id, query.gateway_id, query.serial)
    async with call.program.lanes.lane() as connection:
        rows = await sensors.page(connection, call.organization_id, page_of(call), wanted)
    found = [members_of(row) for row in rows]
    for each in found:
        del each["sortKey"]
    return paged(call, rows, found)


async def list_of_unit(call: Call) -> Answer:
    """List the sensors of a unit."""
    wanted = Wanted(unit=call.ids["unitId"])
    async with call.program.lanes.lane() as connection:
        rows = await sensors.page(connection, call.organization_id, page_of(call), wanted)
        if not rows and await units.get(connection, call.organization_id, call.ids["unitId"]) is None:
            raise problems.not_found()
    found = [members_of(row) for row in rows]
    for each in found:
        del each["sortKey"]
    return paged(call, rows, found)


async def create(call: Call) -> Answer:
    """Register a sensor before its first message."""
    values = editing.as_text(call.body.model_dump(exclude_unset=True))
    async with call.program.lanes.lane() as connection:
        sensor = await sensors.create(connection, call.organization_id, call.by, values)
        return versioned(await _get(call, connection, sensor), 201)


async def get(call: Call) -> Answer:
    """Show a sensor."""
    async with call.program.lanes.lane() as connection:
        return versioned(await _get(call, connection, call.ids["sensorId"]))


async def change(call: Call) -> Answer:
    """Describe a sensor anew."""

    async def write(connection: Connection, edit: Edit) -> Record | None:
        return await sensors.update(connection, call.organization_id, call.by, call.ids["sensorId"], edit)

    changes = editing.named_changes(call)
    before, after = await editing.edit(call, _read(call), write, lambda _: changes)
    return versioned(members_of(editing.merged(before, after)))


async def assign(call: Call) -> Answer:
    """Let a sensor watch a unit: its held readings move in, and the unit follows it if it becomes the primary."""
    unit, primary = call.body.unit_id, call.body.primary
    return await _place(call, "sensor.assigned", lambda c, row: _place_in(call, c, row, unit, primary=primary))


async def unassign(call: Call) -> Answer:
    """Take a sensor from its unit: it is pending again."""

    async def nowhere(_: Connection, row: Record) -> Place:
        if row["unit_id"] is None:
            raise problems.conflict("This sensor is not assigned to a unit.")
        return Place(None, is_primary=False)

    return await _place(call, "sensor.unassigned", nowhere)


async def make_primary(call: Call) -> Answer:
    """Let the sensor's unit follow it."""

    async def same_place(connection: Connection, row: Record) -> Place:
        if row["unit_id"] is None:
            raise problems.conflict("This sensor is not assigned to a unit.")
        return await _place_in(call, connection, row, row["unit_id"], primary=True)

    return await _place(call, "sensor.made_primary", same_place)


async def _place_in(call: Call, connection: Connection, row: Record, unit: UUID, *, primary: bool | None) -> Place:
    if not await sensors.lock_unit(connection, call.organization_id, unit):
        raise problems.invalid(FieldError("unitId", "is no unit of this organization"))
    able = row["kind"] in MEASURES_TEMPERATURE
    if primary and not able:
        raise problems.invalid(FieldError("primary", "this kind of sensor measures no temperature"))
    if primary is None:
        taken = await sensors.has_other_primary(connection, call.organization_id, unit, row["id"])
        primary = able and not taken
    return Place(unit, primary)


async def _place(call: Call, action: str, decide: Any) -> Answer:  # noqa: ANN401 - an async function
    target = call.ids["sensorId"]
    async with call.program.lanes.transaction() as connection:
        row = await sensors.lock(connection, call.organization_id, target)
        if row is None:
            raise problems.not_found()
        place: Place = await decide(connection, row)
        await sensors.place(connection, call.organization_id, target, place)
        old = Place(row["unit_id"], row["is_primary"])._asdict()
        await audit.append(
            connection, call.organization_id, call.by, Change(action, "sensor", target, old, place._asdict())
        )
        found = await _get(call, connection, target)
    return versioned(found)


async def delete(call: Call) -> Answer:
    """Delete a sensor. Its readings stay."""
    version = await editing.version_wanted(call, _read(call))
    async with call.program.lanes.lane() as connection:
        row = await sensors.delete(connection, call.organization_id, call.by, call.ids["sensorId"], version)
    if row is None:
        await editing.refuse_deletion(call, _read(call))
    assert row is not None
    return Answer(editing.deleted(row))


async def restore(call: Call) -> Answer:
    """Bring a deleted sensor back, as a pending one."""
    async with call.program.lanes.lane() as connection:
        if not await sensors.restore(connection, call.organization_id, call.by, call.ids["sensorId"]):
            raise problems.not_found()
        return versioned(await _get(call, connection, call.ids["sensorId"]))
