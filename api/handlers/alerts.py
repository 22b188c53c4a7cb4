"""Alerts: read in lists or alone, acknowledged, resolved. One function moves them, for people and for the daemon."""

from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic.alias_generators import to_camel

from api import positions, problems
from api.answers import Answer, members_of, shown
from api.call import Call
from api.paging import next_link
from api.problems import FieldError
from frostguard.domain.alert import (
    Alert,
    Change,
    ConditionHoldsError,
    TransitionRefusedError,
    acknowledge,
    resolve_by_person,
)
from frostguard.domain.judge import condition_holds
from frostguard.store import alert_lists, alerts, audit, corrective_actions
from frostguard.store.alert_lists import Wanted
from frostguard.store.alerts import Subject
from frostguard.store.connection import Connection, Record
from frostguard.store.corrective_actions import About, CorrectiveAction
from frostguard.store.corrective_actions import Wanted as WantedActions

STILL_HOLDS = "Its condition still holds: name a reason (sensor_removed, out_of_service) to resolve it all the same."


def _broken_limit(row: Any) -> float | None:  # noqa: ANN401 - a Record
    celsius, low, high = row["celsius"], row["low"], row["high"]
    if celsius is None or low is None or high is None:
        return None
    broken: float | None = high if celsius > high else low if celsius < low else None
    return broken


def shown_alert(row: Record) -> dict[str, Any]:
    """Return an alert's row as JSON members, with the names that the earlier frontend knows."""
    found = members_of(row)
    limit = _broken_limit(row)
    low, high = found.pop("low"), found.pop("high")
    found["tempReading"], found["tempLimit"] = found.pop("celsius"), limit
    found["extreme"] = found.pop("extremeCelsius")
    found["triggeredAt"] = found["openedAt"]
    found["limits"] = None if low is None else {"low": low, "high": high}
    found["message"] = None if limit is None else f"{row['celsius']:g} °C, the limit is {limit:g} °C"
    return found


def _wanted(call: Call) -> Wanted:
    q = call.query
    return Wanted(q.status, q.severity, q.type, q.begin, q.end, *positions.last_seen(call), q.limit)


def _page(call: Call, rows: list[Record] | None) -> Answer:
    if rows is None:
        raise problems.not_found()
    return positions.page(call, rows, [shown_alert(row) for row in rows], "opened_at")


async def list_of_unit(call: Call) -> Answer:
    """List a unit's alerts, newest first."""
    async with call.program.lanes.lane() as connection:
        rows = await alert_lists.of_unit(connection, call.organization_id, call.ids["unitId"], _wanted(call))
    return _page(call, rows)


async def list_of_site(call: Call) -> Answer:
    """List the alerts that opened in a site, newest first."""
    async with call.program.lanes.lane() as connection:
        rows = await alert_lists.of_site(connection, call.organization_id, call.ids["siteId"], _wanted(call))
    return _page(call, rows)


async def list_of_organization(call: Call) -> Answer:
    """List an organization's alerts, newest first."""
    q = call.query
    async with call.program.lanes.lane() as connection:
        rows = await alert_lists.of_organization(connection, call.organization_id, q.unit, q.site, _wanted(call))
    return _page(call, rows)


async def _get(call: Call, connection: Connection) -> dict[str, Any]:
    row = await alert_lists.get(connection, call.organization_id, call.ids["alertId"])
    if row is None:
        raise problems.not_found()
    found = shown_alert(row)
    limits = orjson.loads(found["allLimits"]) if found["allLimits"] else None
    found["allLimits"] = None if limits is None else {to_camel(name): value for name, value in limits.items()}
    return found


async def get(call: Call) -> Answer:
    """Show an alert with its timeline and what was done about it."""
    alert = call.ids["alertId"]
    async with call.program.lanes.lane() as connection:
        found = await _get(call, connection)
        timeline = await alert_lists.timeline(connection, call.organization_id, alert)
        done = await corrective_actions.list_of(connection, call.organization_id, WantedActions(alert_id=alert))
    found["timeline"] = [members_of(row) for row in timeline]
    found["correctiveActions"] = [members_of(row) for row in done]
    return shown(found)


async def timeline_of_organization(call: Call) -> Answer:
    """List what happened to an organization's alerts, the last written first."""
    query = call.query
    async with call.program.lanes.lane() as connection:
        rows = await alert_lists.timeline_of_organization(
            connection, call.organization_id, positions.last_number(call), query.limit
        )
    full = len(rows) == query.limit
    lines = [members_of(row) for row in rows]
    for line in lines:
        del line["id"]
    return shown(lines, headers=next_link(call, [rows[-1]["id"]]) if full else None)


# --- what people do


async def _lock(call: Call, connection: Connection) -> tuple[Alert, Subject]:
    located = await alerts.lock(connection, call.organization_id, call.ids["alertId"])
    if located is None:
        raise problems.not_found()
    return located


async def _answer(call: Call, connection: Connection) -> Answer:
    found = await _get(call, connection)
    del found["allLimits"]
    return shown(found)


async def acknowledge_alert(call: Call) -> Answer:
    """Acknowledge an alert: somebody has seen it. Doing it twice changes nothing."""
    by, note = call.principal.user_id, call.body.note
    async with call.program.lanes.transaction() as connection:
        alert, subject = await _lock(call, connection)
        try:
            change = acknowledge(alert, by, datetime.now(UTC), note)
        except TransitionRefusedError:
            raise problems.conflict("It is resolved already.") from None
        if change is not None:
            await alerts.save(connection, [change], {subject.id: subject})
            await alert_lists.note_acknowledgment(connection, call.organization_id, alert.id, note)
            await _log(call, connection, "alert.acknowledged", (alert, change), {"note": note})
        return await _answer(call, connection)


async def resolve_alert(call: Call) -> Answer:
    """Resolve an alert by hand. Refused (409) while its condition holds, unless a reason says why."""
    body = call.body
    async with call.program.lanes.transaction() as connection:
        alert, subject = await _lock(call, connection)
        if alert.is_open:
            holds = await _holds(connection, alert, subject)
            try:
                change = resolve_by_person(
                    alert, call.principal.user_id, datetime.now(UTC), holds=holds, reason=body.reason, note=body.note
                )
            except ConditionHoldsError:
                raise problems.conflict(STILL_HOLDS, "reason") from None
            await alerts.save(connection, [change], {subject.id: subject})
            action = body.corrective_action
            if action is not None:
                about = About(unit_id=subject.unit_id, alert_id=alert.id)
                await corrective_actions.insert(
                    connection, call.organization_id, call.principal.user_id, about, action_of(action)
                )
            what = {"reason": body.reason, "note": body.note}
            await _log(call, connection, "alert.resolved", (alert, change), what | _logged(action))
        return await _answer(call, connection)


async def _holds(connection: Connection, alert: Alert, subject: Subject) -> bool:
    """Tell whether what the alert says is still so, as far as the daemon knows."""
    if subject.gateway_id is not None:
        return await alert_lists.gateway_is_silent(connection, subject.organization_id, subject.gateway_id)
    if subject.unit_id is None:
        return False
    state = await alert_lists.state(connection, subject.organization_id, subject.unit_id)
    return state is not None and condition_holds(alert.type, state)


async def _log(
    call: Call, connection: Connection, action: str, step: tuple[Alert, Change], more: dict[str, object]
) -> None:
    before, change = step
    new = {"status": change.alert.status, **{name: value for name, value in more.items() if value is not None}}
    entry = audit.Change(action, "alert", before.id, {"status": before.status}, new)
    await audit.append(connection, call.organization_id, call.by, entry)


def _logged(action: Any) -> dict[str, object]:  # noqa: ANN401 - a shape, or None
    return {} if action is None else {"corrective_action": action.action_taken}


def action_of(body: Any) -> CorrectiveAction:  # noqa: ANN401 - shapes.alerts.CorrectiveActionRequest
    """Return what was done, for the store. Raises a 422 Problem for a completion to come."""
    completed = body.completed_at
    if completed is not None and completed > datetime.now(UTC):
        raise problems.invalid(FieldError("completedAt", "must not lie in the future"))
    return CorrectiveAction(body.action_taken, body.root_cause, body.preventive_measures, completed)
