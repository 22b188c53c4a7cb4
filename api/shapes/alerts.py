"""Alerts: lists, one with its timeline, what people do with them, windows of silence, figures."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, get_args
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from api.shapes.audit import Asked, When
from api.shapes.common import NAMES_SOMETHING, NOT_BLANK, Cursor, Id, Instant, OptionalBody, Query, Shape
from api.shapes.readings import TimeQuery
from frostguard.domain.alert import AlertStatus, AlertType, ResolveReason

Word = Literal["info", "warning", "critical"]
Note = Annotated[str, StringConstraints(max_length=2000)]
ShortNote = Annotated[str, StringConstraints(max_length=500)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000), NOT_BLANK]


def _several(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


def _schema(words: Iterable[str]) -> WithJsonSchema:
    one = f"({'|'.join(words)})"
    return WithJsonSchema({"type": "string", "pattern": f"^{one}(,{one})*$"})


Statuses = Annotated[list[AlertStatus], BeforeValidator(_several), _schema(AlertStatus)]
Severities = Annotated[list[Word], BeforeValidator(_several), _schema(get_args(Word))]
Types = Annotated[list[AlertType], BeforeValidator(_several), _schema(AlertType)]


class AlertQuery(Query):
    """Alerts, newest first: of some statuses, severities, types (with commas between), opened in a time."""

    status: Statuses | None = None
    severity: Severities | None = None
    type: Types | None = None
    begin: Annotated[Asked | None, Field(alias="from")] = None
    end: Annotated[Asked | None, Field(alias="to")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Cursor | None = None


class OrganizationAlertQuery(AlertQuery):
    """The same, of one site or one unit."""

    site: UUID | None = None
    unit: UUID | None = None


class CountQuery(Query):
    """Of one site, or all."""

    site: UUID | None = None


class Bounds(Shape):
    """The limits that were in force when the alert opened, °C."""

    low: float
    high: float


class Alert(Shape):
    """One matter that people must handle. `triggeredAt` is `openedAt`: when it happened; `raisedAt`: when we knew.

    `tempReading` is the reading that raised it, `tempLimit` the limit that it broke, `extreme` the farthest out since;
    `linkedTo` the alert that speaks for this one; `backfilled`: it was over when its readings came. A backfilled one of
    severity `info` was corrected by readings that came later still: merged into `linkedTo`, or, without it, withdrawn.
    """

    id: Id
    organization_id: Id
    unit_id: Id | None
    unit_name: str | None
    site_id: Id | None
    site_name: str | None
    area_id: Id | None
    gateway_id: Id | None
    sensor_id: Id | None
    alert_type: AlertType
    severity: Word
    status: AlertStatus
    title: str
    message: str | None
    temp_reading: float | None
    temp_limit: float | None
    extreme: float | None
    limits: Bounds | None
    triggered_at: Instant
    opened_at: Instant
    began_at: Instant | None
    raised_at: Instant
    acknowledged_at: Instant | None
    acknowledged_by: Id | None
    acknowledgment_notes: str | None
    resolved_at: Instant | None
    resolved_by: Id | None
    resolve_reason: ResolveReason | None
    linked_to: Id | None
    backfilled: bool


class TimelineEntry(Shape):
    """One step in an alert's life: when it happened, when it was written down, who did it (null: the system)."""

    at: Instant
    written_at: Instant
    action: str
    actor_id: Id | None
    actor_name: str | None
    detail: str | None


class OrganizationTimelineEntry(TimelineEntry):
    """The same, with the alert."""

    alert_id: Id
    alert_type: AlertType
    unit_id: Id | None


class TimelineQuery(Query):
    """A page of steps, the last written first."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    cursor: Cursor | None = None


class CorrectiveActionRequest(Shape):
    """What was done; `completedAt` left out: now."""

    action_taken: Text
    root_cause: Note | None = None
    preventive_measures: Note | None = None
    completed_at: When | None = None


class CorrectiveAction(Shape):
    """What people did about an alert, a manual log or a unit. Never changed."""

    id: Id
    unit_id: Id | None
    unit_name: str | None
    alert_id: Id | None
    manual_log_id: Id | None
    action_taken: str
    root_cause: str | None
    preventive_measures: str | None
    completed_at: Instant
    created_at: Instant
    created_by: Id | None
    created_by_name: str | None


class CorrectiveActionQuery(Query):
    """A page of them, the latest first: of a unit, of an alert, done in a time."""

    unit: UUID | None = None
    alert: UUID | None = None
    begin: Annotated[Asked | None, Field(alias="from")] = None
    end: Annotated[Asked | None, Field(alias="to")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Cursor | None = None


class AlertDetail(Alert):
    """One alert with all settings that were in force, its timeline, and what was done about it."""

    all_limits: dict[str, Any] | None
    timeline: list[TimelineEntry]
    corrective_actions: list[CorrectiveAction]


class Acknowledgement(OptionalBody):
    """Somebody has seen it and takes care."""

    note: Note | None = None


class Resolution(OptionalBody):
    """It is over. While its condition holds, only with a reason: the sensor was removed, the unit is out of service."""

    reason: ResolveReason | None = None
    note: Note | None = None
    corrective_action: CorrectiveActionRequest | None = None


class Counts(Shape):
    """How many alerts are open."""

    open: int
    by_status: dict[AlertStatus, int]
    by_severity: dict[Word, int]
    by_type: dict[AlertType, int]


class Part(Shape):
    """Figures of some alerts. Seconds to acknowledge count from when we knew, to resolve from when it happened."""

    alerts: int
    acknowledged: int
    resolved: int
    acknowledge_seconds_mean: float | None
    acknowledge_seconds_median: float | None
    resolve_seconds_mean: float | None
    resolve_seconds_median: float | None


class TypePart(Part):
    """Of one type."""

    alert_type: AlertType


class SeverityPart(Part):
    """Of one severity."""

    severity: Word


class SitePart(Part):
    """Of one site (null: of gateways without a site, of the organization)."""

    site_id: Id | None
    site_name: str | None


class Analytics(Shape):
    """Alerts that opened in a time, all together and by type, severity and site."""

    begin: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant, Field(alias="to")]
    all: Part
    by_type: list[TypePart]
    by_severity: list[SeverityPart]
    by_site: list[SitePart]


class AnalyticsQuery(TimeQuery):
    """The time (30d if nothing is said)."""


Reason = Literal["maintenance", "defrost", "relocation", "snooze", "other"]


class SuppressionRequest(Shape):
    """A window in which alerts open but do not speak: of a site, a unit, or all; of some types, or all."""

    site_id: Id | None = None
    unit_id: Id | None = None
    alert_types: tuple[AlertType, ...] = Field(default=(), max_length=20)
    reason: Reason = "other"
    note: ShortNote | None = None
    starts_at: When | None = None
    ends_at: When

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.site_id is not None and self.unit_id is not None:
            raise ValueError("name a site or a unit, not both")
        return self


LEFT_OUT = datetime.max.replace(tzinfo=UTC)


class SuppressionChange(Shape):
    """Another end, another note. What is left out stays."""

    model_config = NAMES_SOMETHING

    ends_at: When = LEFT_OUT
    note: ShortNote | None = None


class Suppression(Shape):
    """A window of silence."""

    id: Id
    site_id: Id | None
    site_name: str | None
    unit_id: Id | None
    unit_name: str | None
    alert_types: list[AlertType]
    reason: Reason
    note: str | None
    starts_at: Instant
    ends_at: Instant
    created_by: Id | None
    created_by_name: str | None
    created_at: Instant


class SuppressionQuery(Query):
    """A page of windows, the last to end first: those that have not ended (open=true), those that have, or all."""

    open: bool | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    cursor: Cursor | None = None
