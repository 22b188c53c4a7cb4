"""Temperatures that people read."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.shapes.alerts import CorrectiveActionRequest, ShortNote
from api.shapes.audit import Asked, When
from api.shapes.common import Cursor, Id, Instant, Query, Shape

Key = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[ -~]+$")]


class ManualLogRequest(Shape):
    """A temperature, °C if nothing else is said; `loggedAt` left out: now. Out of limits it needs a correctiveAction.

    A header Idempotency-Key makes it safe to send twice.
    """

    temperature: float
    unit: Literal["C", "F"] = "C"
    logged_at: When | None = None
    notes: ShortNote | None = None
    corrective_action: CorrectiveActionRequest | None = None


class OfflineLog(ManualLogRequest):
    """One log of a batch. The key is what makes it safe to send the batch again."""

    unit_id: Id
    idempotency_key: Key
    logged_at: When


class ManualLogBatch(Shape):
    """Logs that were written without a connection, each as in POST /units/{unitId}/manual-logs with `unitId`,
    `loggedAt` and `idempotencyKey`. What is wrong with one does not hold up the others.
    """  # noqa: D205

    logs: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=500)]


class BatchResult(Shape):
    """What became of one log: created, there already (duplicate), or rejected, and why."""

    index: int
    status: Literal["created", "duplicate", "rejected"]
    id: Id | None
    idempotency_key: str | None
    error: str | None


class BatchAnswer(Shape):
    """What became of each log, in their order."""

    created: int
    duplicate: int
    rejected: int
    results: list[BatchResult]


class ManualLog(Shape):
    """A temperature that a person read, °C. `inRange` by the limits of the moment at which it came in."""

    id: Id
    unit_id: Id
    unit_name: str | None
    logged_at: Instant
    created_at: Instant
    temperature: float
    in_range: bool | None
    notes: str | None
    logged_by: Id | None
    logged_by_name: str | None
    corrective_action: str | None


class ManualLogQuery(Query):
    """A page of logs, newest first, of a time."""

    begin: Annotated[Asked | None, Field(alias="from")] = None
    end: Annotated[Asked | None, Field(alias="to")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Cursor | None = None


class OrganizationLogQuery(ManualLogQuery):
    """The same, of one unit."""

    unit: UUID | None = None


class DueQuery(Query):
    """Of one site, or all."""

    site: UUID | None = None


class DueLog(Shape):
    """A unit whose temperature people must read: its monitoring is interrupted, or no sensor watches it."""

    unit_id: Id
    unit_name: str
    area_id: Id
    area_name: str
    site_id: Id
    site_name: str
    data_state: str
    last_reading_at: Instant | None
    last_temperature: float | None
    last_log_at: Instant | None
    last_log_temperature: float | None
    due_at: Instant
    status: Literal["overdue", "due_soon", "ok"]
