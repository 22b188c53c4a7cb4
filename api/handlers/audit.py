"""The audit log: read, checked, taken away as a file."""

from typing import Any
from uuid import UUID

import orjson
from aiohttp import web
from pydantic.alias_generators import to_camel

from api import problems
from api.answers import Answer, Row, encode, members_of, shown
from api.call import Call
from api.frame import stream_headers
from api.paging import next_link, positions
from api.problems import FieldError
from api.routing import KINDS
from frostguard.store import audit, organizations
from frostguard.store.audit import Wanted

FLUSH_BYTES = 64 * 1024


def _values(text: str | None) -> dict[str, Any] | None:
    return None if text is None else {to_camel(name): value for name, value in orjson.loads(text).items()}


def _shown_entry(row: Row) -> dict[str, Any]:
    found = members_of(row)
    found["old"], found["new"] = _values(found.pop("oldValues")), _values(found.pop("newValues"))
    return found


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    match positions(cursor):
        case [int(n)] if 0 < n < 2**62:
            return n
    raise problems.invalid(FieldError("cursor", "is not one of ours"))


async def _entries(call: Call, target: UUID | None) -> Answer:
    query = call.query
    wanted = Wanted(_before(query.cursor), target, query.action, query.actor_id, query.since, query.until)
    async with call.program.lanes.lane() as connection:
        rows = await audit.entries(connection, call.organization_id, wanted, query.limit)
    body = encode([_shown_entry(row) for row in rows])
    return Answer(body, headers=next_link(call, [rows[-1]["n"]]) if len(rows) == query.limit else None)


async def list_of_organization(call: Call) -> Answer:
    """List what was changed in an organization, newest first."""
    return await _entries(call, call.query.object_id)


async def history(call: Call) -> Answer:
    """List what was changed on this object, newest first; also on a deleted one."""
    name = call.route.parameters[0]
    target = call.ids[name]
    async with call.program.lanes.lane() as connection:
        own = [call.organization_id]
        if await organizations.home_of(connection, KINDS[name], target, own) is None:
            raise problems.not_found()
    return await _entries(call, target)


async def verify(call: Call) -> Answer:
    """Check the organization's whole chain."""
    async with call.program.lanes.lane() as connection:
        check = await audit.verify(connection, call.organization_id)
    faults = [fault._asdict() for fault in check.faults]
    return shown({"intact": not faults, "n": check.n, "head": check.head.hex(), "faults": faults})


async def export(call: Call) -> web.StreamResponse:
    """Send the whole chain, one JSON line per entry; `frostguard audit verify FILE` checks it offline."""
    response = web.StreamResponse(headers=stream_headers(call))
    response.content_type = "application/x-ndjson"
    response.headers["Content-Disposition"] = f'attachment; filename="audit-{call.organization_id}.ndjson"'
    await response.prepare(call.request)
    lines = bytearray()
    async with call.program.lanes.lane() as connection:
        async for entry in audit.export(connection, call.organization_id):
            lines += audit.to_line(entry)
            if len(lines) >= FLUSH_BYTES:
                await response.write(bytes(lines))
                lines.clear()
    await response.write(bytes(lines))
    await response.write_eof()
    return response
