"""What people did about an alert, a unit or a manual log: written down once, read by all."""

from typing import Any

from api import positions, problems
from api.answers import Answer, members_of, shown
from api.call import Call
from api.handlers.alerts import action_of
from frostguard.store import alerts, audit, corrective_actions, units
from frostguard.store.connection import Connection
from frostguard.store.corrective_actions import About, Wanted


async def list_of_organization(call: Call) -> Answer:
    """List what was done in an organization, the latest first."""
    q = call.query
    wanted = Wanted(q.unit, q.alert, q.begin, q.end, *positions.last_seen(call), q.limit)
    async with call.program.lanes.lane() as connection:
        rows = await corrective_actions.list_of(connection, call.organization_id, wanted)
    return positions.page(call, rows, [members_of(row) for row in rows], "completed_at")


async def _add(call: Call, connection: Connection, about: About) -> Answer:
    action = action_of(call.body)
    made = await corrective_actions.insert(connection, call.organization_id, call.principal.user_id, about, action)
    new: dict[str, Any] = {**about._asdict(), **action._asdict()}
    entry = audit.Change(
        "corrective_action.created", "corrective_action", made, None,
        {name: value for name, value in new.items() if value is not None},
    )  # fmt: skip
    await audit.append(connection, call.organization_id, call.by, entry)
    row = await corrective_actions.get(connection, call.organization_id, made)
    assert row is not None
    return shown(members_of(row), 201)


async def add_to_alert(call: Call) -> Answer:
    """Write down what was done about an alert, open or resolved."""
    async with call.program.lanes.transaction() as connection:
        located = await alerts.lock(connection, call.organization_id, call.ids["alertId"])
        if located is None:
            raise problems.not_found()
        alert, subject = located
        return await _add(call, connection, About(unit_id=subject.unit_id, alert_id=alert.id))


async def add_to_unit(call: Call) -> Answer:
    """Write down what was done about a unit."""
    async with call.program.lanes.transaction() as connection:
        if await units.get(connection, call.organization_id, call.ids["unitId"]) is None:
            raise problems.not_found()
        return await _add(call, connection, About(unit_id=call.ids["unitId"]))
