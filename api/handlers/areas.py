"""Areas."""

from typing import Any

from api import editing, problems
from api.answers import Answer, members_of, shown, versioned
from api.call import Call
from frostguard.store import areas
from frostguard.store.connection import Connection, Record
from frostguard.store.organizations import Edit


def _read(call: Call) -> editing.Read:
    async def read(connection: Connection) -> Record | None:
        return await areas.get(connection, call.organization_id, call.ids["areaId"])

    return read


async def _get(call: Call, connection: Connection, area: Any) -> dict[str, Any]:  # noqa: ANN401 - a UUID or None
    row = None if area is None else await areas.get(connection, call.organization_id, area)
    if row is None:
        raise problems.not_found()
    return members_of(row)


async def list_of_site(call: Call) -> Answer:
    """List the areas of a site, in the order that people gave them."""
    async with call.program.lanes.lane() as connection:
        rows = await areas.list_of(connection, call.organization_id, call.ids["siteId"])
    if rows is None:
        raise problems.not_found()
    return shown([members_of(row) for row in rows])


async def create(call: Call) -> Answer:
    """Add an area."""
    values = editing.as_text(call.body.model_dump(exclude_unset=True))
    async with call.program.lanes.lane() as connection:
        area = await areas.create(connection, call.organization_id, call.by, call.ids["siteId"], values)
        return versioned(await _get(call, connection, area), 201)


async def get(call: Call) -> Answer:
    """Show an area."""
    async with call.program.lanes.lane() as connection:
        return versioned(await _get(call, connection, call.ids["areaId"]))


async def change(call: Call) -> Answer:
    """Change an area."""

    async def write(connection: Connection, edit: Edit) -> Record | None:
        return await areas.update(connection, call.organization_id, call.by, call.ids["areaId"], edit)

    changes = editing.named_changes(call)
    before, after = await editing.edit(call, _read(call), write, lambda _: changes)
    return versioned(members_of(editing.merged(before, after)))


async def delete(call: Call) -> Answer:
    """Delete an area with its units."""
    version = await editing.version_wanted(call, _read(call))
    async with call.program.lanes.lane() as connection:
        row = await areas.delete(connection, call.organization_id, call.by, call.ids["areaId"], version)
    if row is None:
        await editing.refuse_deletion(call, _read(call))
    assert row is not None
    return Answer(editing.deleted(row))


async def restore(call: Call) -> Answer:
    """Bring a deleted area back, with its units."""
    target = call.ids["areaId"]
    async with call.program.lanes.lane() as connection:
        if not await areas.restore(connection, call.organization_id, call.by, target):
            if await areas.is_deleted(connection, call.organization_id, target):
                raise problems.conflict("Its site is deleted: restore that first.")
            raise problems.not_found()
        return versioned(await _get(call, connection, target))


async def preview_deletion(call: Call) -> Answer:
    """Show what a deletion would take along."""
    async with call.program.lanes.lane() as connection:
        row = await areas.preview_deletion(connection, call.organization_id, call.ids["areaId"])
    if row is None:
        raise problems.not_found()
    return shown({"areas": 0, **members_of(row)})
