"""What programs tell each other through the feed: the bodies of its rows, JSON, as daemon and triggers write them.

    readings   a batch: each reading; the units of which more than the last values changed; or, where very many readings
               came at once, which units got some, from when on, and where that leaves them
    events     what happened to units and alerts (sql/0007.feeds.sql writes it)
    units      units that are new, changed, moved, or gone (sql/0007)
    access     whose access changed: `session:...`, `user:...`, `organization:...` (sql/0007)
    begin      nothing: a program began to follow

Ids are text and times RFC 3339 here: most of it is passed on as it is. A row's pieces are numbered in order, from the
row's `first` id on, readings before states before newest values.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from frostguard.domain.reading import Reading
from frostguard.domain.unit_state import UnitState

READINGS, EVENTS, UNITS, ACCESS, BEGIN = "readings", "events", "units", "access", "begin"


class Listed(NamedTuple):
    """One reading, as `Reading`, and whether it is where its unit stands now."""

    unit_id: str
    recorded_at: str
    sensor_id: str
    seq: int
    received_at: str
    temperature: float | None
    humidity: float | None
    door_open: bool | None
    battery_volts: float | None
    battery_percent: int | None
    rssi: int | None
    snr: float | None
    fault: str | None
    newest: bool


class Standing(NamedTuple):
    """How a unit stands, after a change of more than its last values."""

    unit_id: str
    status: str
    status_since: str | None
    temperature_state: str
    data_state: str
    door_open: bool | None
    last_reading_at: str | None
    last_temperature: float | None


class Newest(NamedTuple):
    """A unit that got very many readings, and the last values that it has after them."""

    unit_id: str
    last_reading_at: str | None
    last_temperature: float | None


class Batch(NamedTuple):
    """The body of `readings`. `since` is before all readings of `newest`."""

    readings: list[Listed]
    standings: list[Standing]
    since: str | None
    newest: list[Newest]

    @property
    def pieces(self) -> int:
        """How many ids it takes."""
        return len(self.readings) + len(self.standings) + len(self.newest)


class Happened(NamedTuple):
    """A fact about a unit, a gateway or an alert. `alert` is the alert's row after the step, by column name."""

    organization_id: str
    unit_id: str | None
    kind: str
    at: str
    data: dict[str, Any]
    alert: dict[str, Any] | None


class Placed(NamedTuple):
    """A unit as people know it, and where it was before; what is gone has no now, and what is new no before."""

    unit_id: str
    organization_id: str | None
    site_id: str | None
    area_id: str | None
    name: str | None
    unit_type: str | None
    sort_order: int | None
    updated_at: str | None
    organization_before: str | None
    site_before: str | None


def encode_batch(
    readings: Iterable[tuple[Reading, bool]],
    standings: Iterable[UnitState],
    newest: Sequence[tuple[UUID, datetime | None, float | None]],
    since: datetime | None,
) -> bytes:
    """Return the body of `readings`. `newest` is as in `Newest`; `since` is None where that is empty."""
    body = {
        "r": [(*reading, is_newest) for reading, is_newest in readings],
        "s": [
            (
                state.unit_id, state.status, state.status_since, state.temperature.phase, state.link.phase,
                state.door.open, state.measured_at, state.celsius,
            )
            for state in standings
        ],
        "n": newest,
        "since": since,
    }  # fmt: skip
    return orjson.dumps(body, default=str, option=orjson.OPT_UTC_Z)  # asyncpg has UUIDs of its own


def decode_batch(body: bytes) -> Batch:
    """Return what a batch brought."""
    found = orjson.loads(body)
    return Batch(
        [Listed(*each) for each in found["r"]],
        [Standing(*each) for each in found["s"]],
        found["since"],
        [Newest(*each) for each in found["n"]],
    )


def decode_events(body: bytes) -> list[Happened]:
    """Return what happened, in order."""
    return [Happened(*each) for each in orjson.loads(body)]


def decode_units(body: bytes) -> list[Placed]:
    """Return the units that people changed."""
    return [Placed(*each) for each in orjson.loads(body)]


def decode_access(body: bytes) -> tuple[str, str]:
    """Return whose access changed: the kind (`session`, `user`, `organization`) and the id."""
    kind, _, key = body.decode().partition(":")
    return kind, key
