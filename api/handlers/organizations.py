"""Organizations: one's own, their tree, what was deleted in them."""

from typing import Any

from api import editing, problems
from api.answers import Answer, members_of, shown, versioned
from api.call import Call
from api.handlers.accounts import make_organization
from frostguard.store import audit, organizations
from frostguard.store.audit import Change
from frostguard.store.connection import Connection, Record
from frostguard.store.organizations import Edit


def _read(call: Call) -> editing.Read:
    async def read(connection: Connection) -> Record | None:
        return await organizations.get(connection, call.organization_id)

    return read


async def list_own(call: Call) -> Answer:
    """List the organizations that the user belongs to."""
    async with call.program.lanes.lane() as connection:
        return shown([members_of(row) for row in await organizations.list_of(connection, call.principal.user_id)])


async def create(call: Call) -> Answer:
    """Make an organization, owned by the user."""
    given = call.body
    async with call.program.lanes.transaction() as connection:
        organization = await make_organization(connection, call.principal.user_id, given.name, given.slug)
        change = Change("organization.created", "organization", organization, None, {"name": given.name})
        await audit.append(connection, organization, call.by, change)
        row = await organizations.get(connection, organization)
    if row is None:
        raise problems.not_found()
    return versioned(members_of(row), 201)


async def slug_available(call: Call) -> Answer:
    """Tell whether a slug can still be had."""
    async with call.program.lanes.lane() as connection:
        taken = await organizations.slug_is_taken(connection, call.query.slug)
    return shown({"slug": call.query.slug, "available": not taken})


async def get(call: Call) -> Answer:
    """Show an organization."""
    async with call.program.lanes.lane() as connection:
        row = await organizations.get(connection, call.organization_id)
    if row is None:
        raise problems.not_found()
    return versioned(members_of(row))


async def change(call: Call) -> Answer:
    """Change an organization."""

    async def write(connection: Connection, edit: Edit) -> Record | None:
        return await organizations.update(connection, call.organization_id, call.by, edit)

    changes = editing.named_changes(call)
    before, after = await editing.edit(call, _read(call), write, lambda _: changes)
    return versioned(members_of(editing.merged(before, after)))


async def delete(call: Call) -> Answer:
    """Delete an organization: nobody can enter it any more. An operator can restore it."""
    version = await editing.version_wanted(call, _read(call))
    async with call.program.lanes.lane() as connection:
        row = await organizations.delete(connection, call.organization_id, call.by, version)
    if row is None:
        await editing.refuse_deletion(call, _read(call))
    assert row is not None
    return Answer(editing.deleted(row))


async def tree(call: Call) -> Answer:
    """Show the organization's sites, areas and units in one answer, for a navigation."""
    async with call.program.lanes.lane() as connection:
        rows = await organizations.tree(connection, call.organization_id)
    sites: dict[Any, dict[str, Any]] = {}
    areas: dict[Any, dict[str, Any]] = {}
    for row in rows:
        site = sites.setdefault(row["site_id"], {"id": row["site_id"], "name": row["site_name"], "areas": []})
        if row["area_id"] is None:
            continue
        if row["area_id"] not in areas:
            areas[row["area_id"]] = {"id": row["area_id"], "name": row["area_name"], "units": []}
            site["areas"].append(areas[row["area_id"]])
        if row["unit_id"] is not None:
            unit = {"id": row["unit_id"], "name": row["unit_name"]}
            unit |= {"unitType": row["unit_type"], "sensors": row["sensors"]}
            areas[row["area_id"]]["units"].append(unit)
    return shown(list(sites.values()))


async def deleted(call: Call) -> Answer:
    """List what was deleted and can be restored, the latest first."""
    async with call.program.lanes.lane() as connection:
        return shown([members_of(row) for row in await organizations.deleted(connection, call.organization_id)])
