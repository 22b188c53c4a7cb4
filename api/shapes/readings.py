"""What was measured: readings, buckets of readings, what they amount to."""

from datetime import timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, RootModel, model_validator

from api.shapes.audit import Asked
from api.shapes.common import Cursor, Id, Instant, Query, Shape
from frostguard.domain.buckets import Span

Range = Literal["1h", "6h", "24h", "7d", "30d", "90d", "1y"]
RANGES: dict[str, timedelta] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
}
SPANS: dict[str, Span] = {"5m": Span.FIVE_MINUTES, "1h": Span.HOUR, "1d": Span.DAY}


class TimeQuery(Query):
    """A time: `range` ends now (24h if nothing is said), or `from` and `to` (now, if left out)."""

    range: Range | None = None
    begin: Annotated[Asked | None, Field(alias="from")] = None
    end: Annotated[Asked | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.range is not None and (self.begin is not None or self.end is not None):
            raise ValueError("give either range, or from and to")
        if self.end is not None and self.begin is None:
            raise ValueError("to needs from")
        if self.begin is not None and self.end is not None and self.begin >= self.end:
            raise ValueError("from must lie before to")
        return self


class ReadingsQuery(TimeQuery):
    """Readings, or buckets. `auto`: raw up to 24 hours, hours up to 31 days, days beyond; of one sensor, or all."""

    resolution: Literal["auto", "raw", "5m", "1h", "1d"] = "auto"
    sensor_id: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=20_000)] = 10_000
    cursor: Cursor | None = None


class FileQuery(TimeQuery):
    """Readings as a file."""

    sensor_id: UUID | None = None


class Reading(Shape):
    """One measurement of one sensor. What else it did not measure is left out. A `fault` is no temperature. °C."""

    recorded_at: Instant
    sensor_id: Id
    temperature: float | None
    humidity: float | None = None
    door_open: bool | None = None
    battery_percent: int | None = None
    battery_volts: float | None = None
    rssi: int | None = None
    snr: float | None = None
    fault: str | None = None


class Bucket(Shape):
    """Temperatures from `recordedAt` on, for the length of the resolution: mean, extremes, how many. °C.

    The unit's primary sensor speaks where it measured, else all that did. Where nothing was measured there is none.
    """

    recorded_at: Instant
    temperature: float
    temperature_min: float
    temperature_max: float
    count: int


class ReadingOrBucket(RootModel[Reading | Bucket]):
    """A reading (raw) or a bucket (5m, 1h, 1d)."""


class LatestReading(Reading):
    """The newest reading of a sensor."""

    received_at: Instant
    serial: str
    name: str | None
    kind: str
    is_primary: bool


class Statistics(Shape):
    """What the temperatures of a time amount to, judged by the limits of now, in steps of five minutes.

    A step counts until the next, but no longer than the unit may be silent before its data is late; what is left over
    is `unwatchedSeconds`. `completeness` is the share of the readings that the report interval lets expect.
    """

    begin: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant, Field(alias="to")]
    low: float
    high: float
    readings: int
    expected_readings: int
    completeness: float
    temperature_min: float | None
    temperature_max: float | None
    temperature_mean: float | None
    inside_seconds: float
    outside_seconds: float
    unwatched_seconds: float
    inside_share: float | None
    excursions: int
    longest_excursion_seconds: float
    first_at: Instant | None
    last_at: Instant | None


class TrendsQuery(Query):
    """How far back: 24 hours in steps of an hour, or 6 hours in steps of five minutes."""

    range: Literal["6h", "24h"] = "24h"


class Trend(Shape):
    """A unit's points, oldest first: [number of the step since `from`, mean, lowest, highest]. No point: no data."""

    unit_id: Id
    points: list[tuple[int, float, float, float]]


class Trends(Shape):
    """The last hours of all units of an organization. °C."""

    begin: Annotated[Instant, Field(alias="from")]
    step_seconds: int
    units: list[Trend]


class Opening(Shape):
    """A span in which the door stood open, or several openings that lie close together. `to` null: it is open."""

    begin: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant | None, Field(alias="to")]
    openings: int
    open_seconds: float
