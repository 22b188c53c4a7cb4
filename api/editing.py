"""Changing a row that people edit: read it, compare the version, change what is named, log old and new."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from api import problems
from api.answers import Row, encode
from api.call import Call
from api.problems import FieldError
from frostguard.store.connection import Connection, Record
from frostguard.store.organizations import Edit

TRIES = 3

Read = Callable[[Connection], Awaitable[Record | None]]
Write = Callable[[Connection, Edit], Awaitable[Record | None]]


def as_text(values: Mapping[str, Any]) -> str:
    """Return a JSON object for the store."""
    return orjson.dumps(values, default=str, option=orjson.OPT_UTC_Z).decode()


def named_changes(call: Call) -> dict[str, Any]:
    """Return what the body names, by column. Raises a 422 Problem if that is nothing."""
    changes: dict[str, Any] = call.body.model_dump(exclude_unset=True)
    if not changes:
        raise problems.invalid(FieldError("body", "names nothing to change"))
    return changes


async def edit(
    call: Call, read: Read, write: Write, changes_of: Callable[[Record], dict[str, Any]]
) -> tuple[Record, dict[str, Any]]:
    """Change a row and return it as it was, and the columns that are other now (updated_at with them).

    `changes_of` judges the row as it is and returns the new values by column; it raises a Problem to refuse. Somebody
    who was faster makes us judge again, unless the request named a version.
    """
    for _ in range(TRIES):
        async with call.program.lanes.lane() as connection:
            before = await read(connection)
            if before is None:
                raise problems.not_found()
            call.check_version(before["updated_at"])
            changes = changes_of(before)
            old = {name: before[name] for name in changes}
            after = await write(connection, Edit(before["updated_at"], as_text(changes), as_text(old)))
        if after is not None:
            return before, {**changes, "updated_at": after["updated_at"]}
    raise problems.conflict("Others are changing this at the same moment: try again.")


def merged(before: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with its changes."""
    return {**dict(zip(before.keys(), before.values(), strict=True)), **changes}


async def refuse_deletion(call: Call, read: Read) -> None:
    """Say why a deletion found nothing: a 404, or a 412 where the object is there in another version."""
    async with call.program.lanes.lane() as connection:
        row = await read(connection)
    if row is None:
        raise problems.not_found()
    call.check_version(row["updated_at"])
    raise problems.changed_meanwhile()


async def version_wanted(call: Call, read: Read) -> Any:  # noqa: ANN401 - a datetime or None
    """Return the stored version if the request names one (and it is that one), else None."""
    if "If-Match" not in call.request.headers:
        return None
    async with call.program.lanes.lane() as connection:
        row = await read(connection)
    if row is None:
        raise problems.not_found()
    call.check_version(row["updated_at"])
    return row["updated_at"]


def deleted(row: Record) -> bytes:
    """Return what a deletion answers."""
    return encode({"id": row["id"], "deletedAt": row["deleted_at"]})
