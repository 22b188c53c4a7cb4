"""Sites."""

from typing import Any

from api import editing, problems
from api.answers import Answer, members_of, shown, versioned
from api.call import Call
from api.paging import page_of, paged
from frostguard.store import sites
from frostguard.store.connection import Connection, Record
from frostguard.store.organizations import Edit


def _read(call: Call) -> editing.Read:
    async def read(connection: Connection) -> Record | None:
        return await sites.get(connection, call.organization_id, call.ids["siteId"])

    return read


async def _get(call: Call, connection: Connection, site: Any) -> dict[str, Any]:  # noqa: ANN401 - a UUID or None
    row = None if site is None else await sites.get(connection, call.organization_id, site)
    if row is None:
        raise problems.not_found()
    return members_of(row)


async def list_of_organization(call: Call) -> Answer:
    """List the sites of an organization."""
    async with call.program.lanes.lane() as connection:
        rows = await sites.page(connection, call.organization_id, page_of(call), call.query.q)
    found = [members_of(row) for row in rows]
    for each in found:
        del each["sortKey"]
    return paged(call, rows, found)


async def create(call: Call) -> Answer:
    """Add a site."""
    values = editing.as_text(call.body.model_dump(exclude_unset=True))
    async with call.program.lanes.lane() as connection:
        site = await sites.create(connection, call.organization_id, call.by, values)
        return versioned(await _get(call, connection, site), 201)


async def get(call: Call) -> Answer:
    """Show a site."""
    async with call.program.lanes.lane() as connection:
        return versioned(await _get(call, connection, call.ids["siteId"]))


async def change(call: Call) -> Answer:
    """Change a site."""

    async def write(connection: Connection, edit: Edit) -> Record | None:
        return await sites.update(connection, call.organization_id, call.by, call.ids["siteId"], edit)

    changes = editing.named_changes(call)
    before, after = await editing.edit(call, _read(call), write, lambda _: changes)
    return versioned(members_of(editing.merged(before, after)))


async def delete(call: Call) -> Answer:
    """Delete a site with its areas and units."""
    version = await editing.version_wanted(call, _read(call))
    async with call.program.lanes.lane() as connection:
        row = await sites.delete(connection, call.organization_id, call.by, call.ids["siteId"], version)
    if row is None:
        await editing.refuse_deletion(call, _read(call))
    assert row is not None
    return Answer(editing.deleted(row))


async def restore(call: Call) -> Answer:
    """Bring a deleted site back, with what was deleted together with it."""
    async with call.program.lanes.lane() as connection:
        if not await sites.restore(connection, call.organization_id, call.by, call.ids["siteId"]):
            raise problems.not_found()
        return versioned(await _get(call, connection, call.ids["siteId"]))


async def preview_deletion(call: Call) -> Answer:
    """Show what a deletion would take along."""
    async with call.program.lanes.lane() as connection:
        row = await sites.preview_deletion(connection, call.organization_id, call.ids["siteId"])
    if row is None:
        raise problems.not_found()
    return shown(members_of(row))
