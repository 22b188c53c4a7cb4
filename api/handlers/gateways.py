"""Gateways and their credentials, which are shown once and kept as a hash."""

from typing import Any
from uuid import UUID

from api import editing, problems
from api.answers import Answer, members_of, shown, versioned
from api.call import Call
from api.paging import page_of, paged
from api.problems import FieldError
from frostguard.gateway_passwords import mosquitto_hash, new_password
from frostguard.store import gateways, organizations
from frostguard.store.connection import Connection, Record
from frostguard.store.gateways import Wanted
from frostguard.store.organizations import Edit


def _read(call: Call) -> editing.Read:
    async def read(connection: Connection) -> Record | None:
        return await gateways.get(connection, call.organization_id, call.ids["gatewayId"])

    return read


async def _get(call: Call, connection: Connection, gateway: UUID | None) -> dict[str, Any]:
    row = None if gateway is None else await gateways.get(connection, call.organization_id, gateway)
    if row is None:
        raise problems.not_found()
    return members_of(row)


async def list_of_organization(call: Call) -> Answer:
    """List the gateways of an organization."""
    async with call.program.lanes.lane() as connection:
        rows = await gateways.page(connection, call.organization_id, page_of(call), Wanted(call.query.site_id))
    found = [members_of(row) for row in rows]
    for each in found:
        del each["sortKey"]
    return paged(call, rows, found)


async def _check_site(call: Call, connection: Connection) -> None:
    site = call.body.site_id
    if site is not None and not await gateways.site_exists(connection, call.organization_id, site):
        raise problems.invalid(FieldError("siteId", "is no site of this organization"))


async def create(call: Call) -> Answer:
    """Add a gateway. It comes in once it has credentials."""
    values = editing.as_text(call.body.model_dump(exclude_unset=True))
    async with call.program.lanes.lane() as connection:
        await _check_site(call, connection)
        gateway = await gateways.create(connection, call.organization_id, call.by, values)
        return versioned(await _get(call, connection, gateway), 201)


async def get(call: Call) -> Answer:
    """Show a gateway."""
    async with call.program.lanes.lane() as connection:
        return versioned(await _get(call, connection, call.ids["gatewayId"]))


async def change(call: Call) -> Answer:
    """Change a gateway's name, description or site."""

    async def write(connection: Connection, edit: Edit) -> Record | None:
        await _check_site(call, connection)
        return await gateways.update(connection, call.organization_id, call.by, call.ids["gatewayId"], edit)

    changes = editing.named_changes(call)
    before, after = await editing.edit(call, _read(call), write, lambda _: changes)
    return versioned(members_of(editing.merged(before, after)))


async def issue_credentials(call: Call) -> Answer:
    """Make a new password. An old one stops counting at once for HTTP, and with its next connection for MQTT."""
    password = new_password()
    gateway = await _set_password(call, mosquitto_hash(password))
    async with call.program.lanes.lane() as connection:
        organization = await organizations.get(connection, call.organization_id)
    if organization is None:
        raise problems.not_found()
    serial = gateway["serial"]
    topics = {
        "native": f"frostguard/v1/{organization['slug']}/{serial}/readings",
        "tts": f"v3/{serial}/devices/+/up",
        "chirpstack": f"application/{serial}/device/+/event/up",
    }
    return shown({"username": serial, "password": password, "topic": topics[gateway["kind"]]}, 201)


async def revoke_credentials(call: Call) -> Answer:
    """Shut a gateway out."""
    await _set_password(call, None)
    return shown({"status": "ok"})


async def _set_password(call: Call, password_hash: str | None) -> Record:
    target = call.ids["gatewayId"]
    async with call.program.lanes.lane() as connection:
        gateway = await gateways.set_credentials(connection, call.organization_id, call.by, target, password_hash)
    if gateway is None:
        raise problems.not_found()
    return gateway


async def delete(call: Call) -> Answer:
    """Delete a gateway and its credentials."""
    version = await editing.version_wanted(call, _read(call))
    async with call.program.lanes.lane() as connection:
        row = await gateways.delete(connection, call.organization_id, call.by, call.ids["gatewayId"], version)
    if row is None:
        await editing.refuse_deletion(call, _read(call))
    assert row is not None
    return Answer(editing.deleted(row))


async def restore(call: Call) -> Answer:
    """Bring a deleted gateway back, without credentials."""
    async with call.program.lanes.lane() as connection:
        if not await gateways.restore(connection, call.organization_id, call.by, call.ids["gatewayId"]):
            raise problems.not_found()
        return versioned(await _get(call, connection, call.ids["gatewayId"]))
