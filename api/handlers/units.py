"""Units: what people set on them, and what a client may send back of what it received."""

from datetime import datetime
from typing import Any
from uuid import UUID

from api import editing, effective, problems
from api.answers import Answer, Row, members_of, shown, versioned
from api.call import Call
from api.paging import page_of, paged
from api.problems import FieldError
from api.shapes.hierarchy import UnitRequest
from frostguard.store import units
from frostguard.store.connection import Connection, Record
from frostguard.store.organizations import Edit
from frostguard.store.units import Wanted

EDITABLE = frozenset(UnitRequest.model_fields)
# What a client cannot set: equal to the stored value, or ignored, in a unit that is sent back; else refused.
FIXED = ("id", "organization_id", "site_id", "area_id", "created_at")


def shown_unit(row: Row) -> dict[str, Any]:
    """Return a unit's row as JSON members: the settings of its levels become the limits in force."""
    found = members_of(row)
    found["limits"] = effective.limits_of(row)
    for name in ("unitSettings", "siteSettings", "organizationSettings"):
        del found[name]
    return found


def _read(call: Call) -> editing.Read:
    async def read(connection: Connection) -> Record | None:
        return await units.get(connection, call.organization_id, call.ids["unitId"])

    return read


async def _get(call: Call, connection: Connection, unit: UUID | None) -> dict[str, Any]:
    row = None if unit is None else await units.get(connection, call.organization_id, unit)
    if row is None:
        raise problems.not_found()
    return shown_unit(row)


async def list_of_area(call: Call) -> Answer:
    """List the units of an area, in the order that people gave them."""
    async with call.program.lanes.lane() as connection:
        rows = await units.list_of_area(connection, call.organization_id, call.ids["areaId"])
    if rows is None:
        raise problems.not_found()
    return shown([shown_unit(row) for row in rows])


async def list_of_organization(call: Call) -> Answer:
    """List the units of an organization."""
    query = call.query
    wanted = Wanted(query.site_id, query.unit_type, query.q)
    async with call.program.lanes.lane() as connection:
        rows = await units.page(connection, call.organization_id, page_of(call), wanted)
    found = [shown_unit(row) for row in rows]
    for each in found:
        del each["sortKey"]
    return paged(call, rows, found)


async def create(call: Call) -> Answer:
    """Add a unit."""
    values = editing.as_text(call.body.model_dump(exclude_unset=True))
    async with call.program.lanes.transaction() as connection:
        unit = await units.create(connection, call.organization_id, call.by, call.ids["areaId"], values)
        row = None if unit is None else await units.get(connection, call.organization_id, unit)
        if row is None:
            raise problems.not_found()
        _refuse_contradictions(row)
    return versioned(shown_unit(row), 201)


async def get(call: Call) -> Answer:
    """Show a unit."""
    async with call.program.lanes.lane() as connection:
        return versioned(await _get(call, connection, call.ids["unitId"]))


async def change(call: Call) -> Answer:
    """Change a unit. The body may name one member, or be the unit as it was received, with changes."""
    given = call.body.model_dump(exclude_unset=True)

    async def write(connection: Connection, edit: Edit) -> Record | None:
        return await units.update(connection, call.organization_id, call.by, call.ids["unitId"], edit)

    def changes_of(before: Record) -> dict[str, Any]:
        _refuse_foreign_members(given, before)
        changes = {name: value for name, value in given.items() if name in EDITABLE}
        if not changes:
            raise problems.invalid(FieldError("body", "names nothing to change"))
        _refuse_contradictions(editing.merged(before, changes))
        return changes

    gathering = call.program.gathering
    made = await gathering.edit(call, call.ids["unitId"], changes_of)
    before, after = made or await editing.edit(call, _read(call), write, changes_of)
    return versioned(shown_unit(editing.merged(before, after)))


def _refuse_foreign_members(given: dict[str, Any], before: Record) -> None:
    foreign = [name for name in given if name not in EDITABLE]
    if not foreign:
        return
    echo = given.get("id") == before["id"]
    for name in foreign:
        if not echo or (name in FIXED and not _same(given[name], before[name])):
            raise problems.invalid(FieldError(_member(name), "cannot be set by clients"))


def _same(given: object, stored: object) -> bool:
    if isinstance(given, datetime) and isinstance(stored, datetime) and given.tzinfo is not None:
        return abs((given - stored).total_seconds()) < 0.001  # browsers keep milliseconds
    return given == stored


def _member(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _refuse_contradictions(row: Any) -> None:  # noqa: ANN401 - a Record, or one with its changes
    limits = row["temp_min"], row["temp_max"]
    found = effective.effective(
        row["unit_type"], limits, row["unit_settings"], row["site_settings"], row["organization_settings"]
    )
    names = {"low": "tempMin", "high": "tempMax"}
    wrong = [FieldError(names.get(setting, setting), text) for setting, text in effective.contradictions(found)]
    if wrong:
        raise problems.invalid(*wrong)


async def move(call: Call) -> Answer:
    """Move a unit to another area of the organization."""
    async with call.program.lanes.lane() as connection:
        unit = await _get(call, connection, call.ids["unitId"])
        call.check_version(unit["updatedAt"])
        if not await units.move(connection, call.organization_id, call.by, unit["id"], call.body.area_id):
            raise problems.invalid(FieldError("areaId", "is no area of this organization"))
        return versioned(await _get(call, connection, unit["id"]))


async def delete(call: Call) -> Answer:
    """Delete a unit. Its readings stay; its sensors wait for its return, or for another unit."""
    version = await editing.version_wanted(call, _read(call))
    async with call.program.lanes.lane() as connection:
        row = await units.delete(connection, call.organization_id, call.by, call.ids["unitId"], version)
    if row is None:
        await editing.refuse_deletion(call, _read(call))
    assert row is not None
    return Answer(editing.deleted(row))


async def restore(call: Call) -> Answer:
    """Bring a deleted unit back."""
    target = call.ids["unitId"]
    async with call.program.lanes.lane() as connection:
        if not await units.restore(connection, call.organization_id, call.by, target):
            if await units.is_deleted(connection, call.organization_id, target):
                raise problems.conflict("Its area is deleted: restore that first.")
            raise problems.not_found()
        return versioned(await _get(call, connection, target))


async def preview_deletion(call: Call) -> Answer:
    """Show how many sensors would fall silent with the unit."""
    async with call.program.lanes.lane() as connection:
        row = await units.preview_deletion(connection, call.organization_id, call.ids["unitId"])
    if row is None:
        raise problems.not_found()
    return shown({"areas": 0, "units": 1, **members_of(row)})
