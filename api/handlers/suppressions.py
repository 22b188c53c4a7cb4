"""Windows of silence: alerts open in them and do not speak. The daemon hears of each change at once."""

from datetime import datetime, timedelta
from typing import Any

from api import positions, problems
from api.answers import Answer, members_of, shown
from api.call import Call
from api.problems import FieldError
from frostguard.store import audit, status, suppression_lists
from frostguard.store.connection import Connection, Record
from frostguard.store.suppression_lists import Window

LONGEST = timedelta(days=366)


async def list_of_organization(call: Call) -> Answer:
    """List the windows of silence, the last to end first."""
    query = call.query
    at, last = positions.last_seen(call)
    after = (at, last) if at is not None and last is not None else None
    async with call.program.lanes.lane() as connection:
        rows = await suppression_lists.list_of(
            connection, call.organization_id, is_open=query.open, after=after, limit=query.limit
        )
    return positions.page(call, rows, [members_of(row) for row in rows], "ends_at")


async def _get(call: Call, connection: Connection) -> Record:
    row = await suppression_lists.get(connection, call.organization_id, call.ids["suppressionId"])
    if row is None:
        raise problems.not_found()
    return row


async def get(call: Call) -> Answer:
    """Show a window of silence."""
    async with call.program.lanes.lane() as connection:
        return shown(members_of(await _get(call, connection)))


async def create(call: Call) -> Answer:
    """Plan a window of silence; it begins now if nothing is said."""
    body = call.body
    async with call.program.lanes.transaction() as connection:
        now = await status.server_now(connection)
        starts_at = body.starts_at or now
        _check_times(starts_at, body.ends_at, now)
        if not await suppression_lists.place_exists(connection, call.organization_id, body.site_id, body.unit_id):
            field = "siteId" if body.site_id is not None else "unitId"
            raise problems.invalid(FieldError(field, "is none of this organization"))
        types = sorted({alert_type.value for alert_type in body.alert_types})
        window = Window(body.site_id, body.unit_id, types, body.reason, body.note, starts_at, body.ends_at)
        made = await suppression_lists.insert(connection, call.organization_id, call.principal.user_id, window)
        call.ids["suppressionId"] = made
        await _log(call, connection, "suppression.created", (None, window._asdict()))
        return shown(members_of(await _get(call, connection)), 201)


def _check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if ends_at <= max(starts_at, now):
        raise problems.invalid(FieldError("endsAt", "must lie after startsAt, and in the future"))
    if ends_at - starts_at > LONGEST:
        raise problems.invalid(FieldError("endsAt", "must lie at most 366 days after startsAt"))


async def _lock(call: Call, connection: Connection) -> Record:
    row = await suppression_lists.lock(connection, call.organization_id, call.ids["suppressionId"])
    if row is None:
        raise problems.not_found()
    if row["ends_at"] <= row["now"]:
        raise problems.conflict("This window is over.")
    return row


async def change(call: Call) -> Answer:
    """Let a window end at another moment, or give it another note."""
    given: dict[str, Any] = call.body.model_dump(exclude_unset=True)
    if not given:
        raise problems.invalid(FieldError("body", "names nothing to change"))
    async with call.program.lanes.transaction() as connection:
        before = await _lock(call, connection)
        after = {"ends_at": before["ends_at"], "note": before["note"], **given}
        _check_times(before["starts_at"], after["ends_at"], before["now"])
        await suppression_lists.move(connection, call.organization_id, before["id"], after["ends_at"], after["note"])
        await _log(call, connection, "suppression.updated", ({name: before[name] for name in given}, given))
        return shown(members_of(await _get(call, connection)))


async def end(call: Call) -> Answer:
    """End a window now; one that has not begun is removed."""
    async with call.program.lanes.transaction() as connection:
        before = await _lock(call, connection)
        if before["starts_at"] >= before["now"]:
            await suppression_lists.delete(connection, call.organization_id, before["id"])
        else:
            await suppression_lists.move(connection, call.organization_id, before["id"], before["now"], before["note"])
        await _log(call, connection, "suppression.ended", ({"ends_at": before["ends_at"]}, {"ends_at": before["now"]}))
    return shown({"status": "ok"})


async def _log(
    call: Call, connection: Connection, action: str, values: tuple[dict[str, Any] | None, dict[str, Any]]
) -> None:
    entry = audit.Change(action, "suppression", call.ids["suppressionId"], *values)
    await audit.append(connection, call.organization_id, call.by, entry)
