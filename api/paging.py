"""Cursors: where a page ended, in a form that clients only pass on; and the Link header."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from yarl import URL

from api import problems
from api.answers import Answer, encode
from api.call import Call
from api.problems import FieldError
from frostguard.store.paging import Page


def page_of(call: Call) -> Page:
    """Return the page that the query (shapes.common.PageQuery or a descendant) asks for."""
    query = call.query
    descending = query.sort.startswith("-")
    sort = query.sort.removeprefix("-")
    key, last = (None, None) if query.cursor is None else _decode(query.cursor)
    return Page(sort, descending, key, last, query.limit)


def paged(call: Call, rows: Sequence[Any], shown: Sequence[dict[str, Any]]) -> Answer:
    """Answer with a bare array, and a Link to the next page where this one is full."""
    if len(rows) < call.query.limit:
        return Answer(encode(shown))
    last = rows[-1]
    return Answer(encode(shown), headers=next_link(call, [last["sort_key"], str(last["id"])]))


def next_link(call: Call, position: list[Any]) -> dict[str, str]:
    """Return the Link header that leads on from this position."""
    cursor = base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")
    target = URL(call.request.path_qs, encoded=True).update_query(cursor=cursor)
    return {"Link": f'<{target}>; rel="next"'}


def positions(cursor: str) -> list[Any]:
    """Return what `next_link` was given. Raises a 422 Problem for anything that we did not make."""
    try:
        value = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        value = None
    if not isinstance(value, list):
        raise problems.invalid(FieldError("cursor", "is not one of ours"))
    return value


def _decode(cursor: str) -> tuple[str, UUID]:
    match positions(cursor):
        case [str(key), str(last)] if "\0" not in key:
            try:
                return key, UUID(last)
            except ValueError:
                pass
    raise problems.invalid(FieldError("cursor", "is not one of ours"))
