"""Questions to the audit log."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from api.shapes.common import Query


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("must have an offset, as in 2026-11-22T10:00:00Z")
    return value


When = Annotated[datetime, AfterValidator(_aware)]


class HistoryQuery(Query):
    """A page of entries, newest first: by action (`unit.updated`, or all of `unit`), by who did it, between times."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str, StringConstraints(max_length=2000)] | None = None
    action: Annotated[str, StringConstraints(max_length=100, pattern=r"^[a-z_.]+$")] | None = None
    actor_id: UUID | None = None
    since: When | None = None
    until: When | None = None


class AuditQuery(HistoryQuery):
    """The same, of one object."""

    object_id: UUID | None = None
