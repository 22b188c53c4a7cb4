"""How long an organization's readings are kept. Legal holds are set at the server."""

from collections.abc import Mapping
from typing import Any

from api import editing, problems
from api.answers import Answer, versioned
from api.call import Call
from frostguard.domain import retention as rules
from frostguard.store import retention
from frostguard.store.connection import Connection, Record


async def show(call: Call) -> Answer:
    """Show what the organization asks for, and what is in force."""
    async with call.program.lanes.lane() as connection:
        return _shown(call, await _read(call, connection))


async def change(call: Call) -> Answer:
    """Keep readings longer, or shorter. What is too old then is removed with the next archive run."""
    days = editing.named_changes(call)["retention_days"]
    async with call.program.lanes.lane() as connection:
        before = await _read(call, connection)
        call.check_version(before["updated_at"])
        if await retention.set_days(connection, before, call.by, days, before["updated_at"]) is None:
            raise problems.changed_meanwhile()
        return _shown(call, await _read(call, connection))


async def _read(call: Call, connection: Connection) -> Record:
    row = await retention.get(connection, call.organization_id)
    if row is None:
        raise problems.not_found()
    return row


def _shown(call: Call, row: Mapping[str, Any]) -> Answer:
    effective = rules.Retention(row["retention_days"]).effective_days(call.program.settings.retention_days)
    return versioned(
        {
            "id": row["id"],
            "retentionDays": row["retention_days"],
            "effectiveDays": effective,
            "minimumDays": rules.MINIMUM_DAYS,
            "legalHoldSince": row["legal_hold_since"],
            "legalHoldReason": row["legal_hold_reason"],
            "updatedAt": row["updated_at"],
        }
    )
