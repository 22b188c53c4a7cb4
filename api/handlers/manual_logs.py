"""Manual logs: one, a batch of a client that was offline, lists, and what is due."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError

from api import positions, problems
from api.answers import Answer, members_of, shown
from api.call import Call
from api.effective import effective
from api.handlers.alerts import action_of
from api.problems import FieldError, Problem
from api.shapes.manual_logs import ManualLogRequest, OfflineLog
from frostguard.domain.access import Action, may
from frostguard.domain.limits import Limits
from frostguard.store import audit, corrective_actions, manual_log_lists, units
from frostguard.store.connection import Connection, Record
from frostguard.store.corrective_actions import About
from frostguard.store.lanes import fence_once
from frostguard.store.manual_log_lists import ManualLog, Wanted

AHEAD = timedelta(minutes=10)
OLDEST = timedelta(days=31)
SOON = timedelta(hours=1)
COLDEST, HOTTEST = -100.0, 150.0
MAX_KEY = 100


class Place(NamedTuple):
    """A unit, and by what its temperatures are judged."""

    organization_id: UUID
    unit_id: UUID
    limits: Limits


def _limits(row: Record) -> Limits:
    limits = row["temp_min"], row["temp_max"]
    return effective(
        row["unit_type"], limits, row["unit_settings"], row["site_settings"], row["organization_settings"]
    ).limits


def _celsius(given: ManualLogRequest) -> float:
    return given.temperature if given.unit == "C" else round((given.temperature - 32) * 5 / 9, 2)


def _log_of(given: ManualLogRequest, limits: Limits, key: str | None) -> ManualLog:
    """Return what to store. Raises a 422 Problem for what cannot be, and for a missing corrective action."""
    now, celsius = datetime.now(UTC), _celsius(given)
    if not COLDEST <= celsius <= HOTTEST:
        raise problems.invalid(FieldError("temperature", f"must lie between {COLDEST:g} and {HOTTEST:g} °C"))
    logged_at = given.logged_at or now
    if not now - OLDEST <= logged_at <= now + AHEAD:
        raise problems.invalid(FieldError("loggedAt", "must lie in the last 31 days"))
    in_range = limits.low <= celsius <= limits.high
    if not in_range and given.corrective_action is None:
        says = f"is needed: {celsius:g} °C is not between {limits.low:g} and {limits.high:g} °C"
        raise problems.invalid(FieldError("correctiveAction", says))
    return ManualLog(logged_at, celsius, in_range, given.notes, key)


class Stored(NamedTuple):
    """The id of a log, and whether it is new."""

    id: UUID
    is_new: bool


async def _find(connection: Connection, place: Place, given: ManualLogRequest, key: str | None) -> Stored | None:
    """Return the log that was sent before with this key. Raises a 409 Problem where that is another one."""
    known = None if key is None else await manual_log_lists.find(connection, place.organization_id, key)
    if known is None:
        return None
    same_time = given.logged_at is None or known["logged_at"] == given.logged_at
    if known["unit_id"] != place.unit_id or known["celsius"] != _celsius(given) or not same_time:
        raise problems.conflict("Another log has this Idempotency-Key.")
    return Stored(known["id"], is_new=False)


async def _store(call: Call, connection: Connection, place: Place, given: ManualLogRequest, key: str | None) -> Stored:
    """Write a log and its corrective action, once."""
    known = await _find(connection, place, given, key)
    if known is not None:
        return known
    log, action, by = _log_of(given, place.limits, key), given.corrective_action, call.principal.user_id
    done = None if action is None else action_of(action)
    made = await manual_log_lists.insert(connection, place.organization_id, place.unit_id, by, log)
    if made is None:  # the same request was faster over another connection
        known = await _find(connection, place, given, key)
        assert known is not None
        return known
    if done is not None:
        about = About(unit_id=place.unit_id, manual_log_id=made)
        await corrective_actions.insert(connection, place.organization_id, by, about, done)
    return Stored(made, is_new=True)


def _key(call: Call) -> str | None:
    key = call.request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise problems.invalid(FieldError("Idempotency-Key", f"must have 1 to {MAX_KEY} printable ASCII characters"))
    return key


async def create(call: Call) -> Answer:
    """Write down a temperature that somebody read. The daemon judges it at once."""
    unit, organization = call.ids["unitId"], call.organization_id
    async with call.program.lanes.transaction() as connection:
        row = await units.get(connection, organization, unit)
        if row is None:
            raise problems.not_found()
        stored = await _store(call, connection, Place(organization, unit, _limits(row)), call.body, _key(call))
        found = await manual_log_lists.get(connection, organization, stored.id)
        assert found is not None
        if stored.is_new:
            new = {name: found[name] for name in ("unit_id", "logged_at", "temperature", "in_range")}
            entry = audit.Change("manual_log.created", "manual_log", stored.id, None, new)
            await audit.append(connection, organization, call.by, entry)
    return shown(members_of(found), 201)


def _wanted(call: Call) -> Wanted:
    return Wanted(call.query.begin, call.query.end, *positions.last_seen(call), call.query.limit)


async def list_of_unit(call: Call) -> Answer:
    """List a unit's manual logs, newest first."""
    async with call.program.lanes.lane() as connection:
        rows = await manual_log_lists.of_unit(connection, call.organization_id, call.ids["unitId"], _wanted(call))
    if rows is None:
        raise problems.not_found()
    return positions.page(call, rows, [members_of(row) for row in rows], "logged_at")


async def list_of_organization(call: Call) -> Answer:
    """List an organization's manual logs, newest first."""
    async with call.program.lanes.lane() as connection:
        rows = await manual_log_lists.of_organization(connection, call.organization_id, call.query.unit, _wanted(call))
    return positions.page(call, rows, [members_of(row) for row in rows], "logged_at")


async def due(call: Call) -> Answer:
    """List the units whose temperature people must read, the most urgent first."""
    async with call.program.lanes.lane() as connection:
        rows = await manual_log_lists.watched_by_people(connection, call.organization_id, call.query.site)
    now = datetime.now(UTC)
    return shown(sorted((_due(row, now) for row in rows), key=lambda each: each["dueAt"]))


def _due(row: Record, now: datetime) -> dict[str, Any]:
    limits = _limits(row)
    values = [at for at in (row["last_reading_at"], row["last_log_at"]) if at is not None]
    last = max(values, default=row["created_at"])
    due_at = last + timedelta(minutes=limits.manual_interval_minutes + limits.manual_grace_minutes)
    found = members_of(row)
    for name in (
        "createdAt", "unitType", "tempMin", "tempMax", "unitSettings", "siteSettings", "organizationSettings",
    ):  # fmt: skip
        del found[name]
    status = "overdue" if due_at <= now else "due_soon" if due_at <= now + SOON else "ok"
    return {**found, "dueAt": due_at, "status": status}


# --- batches


class Refused(NamedTuple):
    """Why a log of a batch is rejected, and its key, where that could be read."""

    error: str
    key: str | None = None


def _item(raw: dict[str, Any]) -> OfflineLog | Refused:
    try:
        return OfflineLog.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path, key = ".".join(map(str, first["loc"])), raw.get("idempotencyKey")
        says = f"{path[:100]}: {first['msg'].removeprefix('Value error, ')}"
        return Refused(says, key[:MAX_KEY] if isinstance(key, str) else None)


async def create_batch(call: Call) -> Answer:
    """Write down the logs of a client that was offline. Sent again, the batch changes nothing more."""
    items = [_item(raw) for raw in call.body.logs]
    made: dict[UUID, list[UUID]] = {}
    async with call.program.lanes.transaction() as connection:
        places = await _places(call, connection, sorted({i.unit_id for i in items if isinstance(i, OfflineLog)}))
        results = [await _take(call, connection, item, places, made) for item in items]
        await _log_batch(call, connection, made)
    for index, result in enumerate(results):
        result["index"] = index
    sums = {word: sum(r["status"] == word for r in results) for word in ("created", "duplicate", "rejected")}
    return shown({**sums, "results": results})


async def _places(call: Call, connection: Connection, wanted: list[UUID]) -> dict[UUID, Place]:
    """Return the units that are in an organization of the user."""
    homes = await manual_log_lists.homes(connection, wanted, list(call.principal.roles))
    found = {}
    for unit, home in homes.items():
        row = await units.get(connection, home, unit)
        if row is not None:
            found[unit] = Place(home, unit, _limits(row))
    return found


async def _take(
    call: Call,
    connection: Connection,
    item: OfflineLog | Refused,
    places: dict[UUID, Place],
    made: dict[UUID, list[UUID]],
) -> dict[str, Any]:
    """Return what became of one log, noting in `made` what is new. A refused one has written nothing."""
    if isinstance(item, Refused):
        return {"status": "rejected", "id": None, "idempotencyKey": item.key, "error": item.error}
    try:
        place = places.get(item.unit_id)
        if place is None:
            raise problems.not_found()
        if not may(call.principal.roles[place.organization_id], Action.MANUAL_LOGS_CREATE):
            raise problems.forbidden()
        await fence_once(connection, place.organization_id)
        stored = await _store(call, connection, place, item, item.idempotency_key)
    except Problem as problem:
        return {"status": "rejected", "id": None, "idempotencyKey": item.idempotency_key, "error": problem.detail}
    if stored.is_new:
        made.setdefault(place.organization_id, []).append(stored.id)
    status = "created" if stored.is_new else "duplicate"
    return {"status": status, "id": stored.id, "idempotencyKey": item.idempotency_key, "error": None}


async def _log_batch(call: Call, connection: Connection, made: dict[UUID, list[UUID]]) -> None:
    """One entry for each organization in which something was written."""
    for organization, ids in made.items():
        entry = audit.Change("manual_log.batch_created", "manual_log", None, None, {"ids": ids})
        await audit.append(connection, organization, call.by, entry)
