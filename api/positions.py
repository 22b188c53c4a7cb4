"""Cursors of lists in the order of a time, newest first: the time and id of the last row."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api import problems
from api.answers import Answer, encode
from api.call import Call
from api.paging import next_link, positions
from api.problems import FieldError


def not_ours() -> problems.Problem:
    """The cursor is none that we gave out."""
    return problems.invalid(FieldError("cursor", "is not one of ours"))


def moment(text: str) -> datetime | None:
    """Return the moment that a cursor of ours names; None for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.utcoffset() == timedelta(0) and at.year > 1 else None


def last_seen(call: Call) -> tuple[datetime | None, UUID | None]:
    """Return time and id of the last row of the page before; (None, None) for the first page."""
    if call.query.cursor is None:
        return None, None
    match positions(call.query.cursor):
        case [str(text), str(last)] if at := moment(text):
            try:
                return at, UUID(last)
            except ValueError:
                pass
    raise not_ours()


def last_number(call: Call) -> int | None:
    """Return the number of the last row of the page before, where rows are numbered."""
    if call.query.cursor is None:
        return None
    match positions(call.query.cursor):
        case [int(n)] if 0 < n < 2**62:
            return n
    raise not_ours()


def page(call: Call, rows: Sequence[Any], shown: Sequence[dict[str, Any]], column: str) -> Answer:
    """Answer with a bare array, and a Link to the next page where this one is full. `column` is the time."""
    if len(rows) < call.query.limit:
        return Answer(encode(shown))
    last = rows[-1]
    return Answer(encode(shown), headers=next_link(call, [last[column].isoformat(), str(last["id"])]))
