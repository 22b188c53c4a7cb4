"""Questions to the audit log."""

import re
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from api.shapes.common import Cursor, Query

is_rfc_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*").fullmatch


def _written(value: object) -> object:
    if isinstance(value, str) and not is_rfc_3339(value):
        raise ValueError("must be a time as in 2026-11-22T10:00:00Z")
    return value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("must have an offset, as in 2026-11-22T10:00:00Z")
    return value


# asyncpg stores these two as infinite, and they come back without an offset.
ENDLESS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def _in_utc(value: datetime) -> datetime:
    try:
        found = value.astimezone(UTC)
    except OverflowError:  # the year 0 or 10000: it would be stored, and never be read again
        raise ValueError("must not lie so far away") from None
    if found in ENDLESS:
        raise ValueError("must not lie so far away")
    return found


When = Annotated[datetime, AfterValidator(_aware), AfterValidator(_in_utc)]
Asked = Annotated[datetime, BeforeValidator(_written), AfterValidator(_aware)]  # in a query, where all is text


class HistoryQuery(Query):
    """A page of entries, newest first: by action (`unit.updated`, or all of `unit`), by who did it, between times."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Cursor | None = None
    action: Annotated[str, StringConstraints(max_length=100, pattern=r"^[a-z_.]+$")] | None = None
    actor_id: UUID | None = None
    since: Asked | None = None
    until: Asked | None = None


class AuditQuery(HistoryQuery):
    """The same, of one object."""

    object_id: UUID | None = None
