"""Readings of which some are in the archive: merged with those of the table, as a page of JSON or rows for a file."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import orjson

from frostguard import blobs
from frostguard.config import ArchiveSettings
from frostguard.domain.reading import Reading
from frostguard.store import archives
from frostguard.store.archives import Asked
from frostguard.store.connection import Record
from frostguard.store.history import Window
from frostguard.store.lanes import Lanes

if TYPE_CHECKING:
    from frostguard.archive.slices import Slices

LEAST_AGE = timedelta(days=35)
"""Nothing younger is in the archive: the least that ARCHIVE_AFTER_DAYS may be."""
MICROSECOND = timedelta(microseconds=1)

# What was not measured is left out; the temperature never is.
_MEMBERS = (
    ("humidity", "humidity"), ("door_open", "doorOpen"), ("battery_percent", "batteryPercent"),
    ("battery_volts", "batteryVolts"), ("rssi", "rssi"), ("snr", "snr"), ("fault", "fault"),
)  # fmt: skip


class Page(NamedTuple):
    """A page of JSON, with the position (time, sensor, seq) of its last reading where it is full."""

    body: bytes
    last: tuple[datetime, UUID, int] | None


class Archived:
    """The archive as this process reads it; opened by the first request that needs it."""

    def __init__(self, settings: ArchiveSettings, lanes: Lanes) -> None:
        self._settings = settings
        self._lanes = lanes
        self._stack = contextlib.AsyncExitStack()
        self._opening = asyncio.Lock()
        self._slices: Slices | None = None

    async def close(self) -> None:
        """Close what was opened."""
        await self._stack.aclose()

    async def _opened(self) -> "Slices":
        async with self._opening:
            if self._slices is None:
                self._slices = await self._open()
        return self._slices

    async def _open(self) -> "Slices":
        # 50 MB, and a tenth of a second, that only a process pays which reads an archive.
        from frostguard.archive.reader import Reader  # noqa: PLC0415
        from frostguard.archive.slices import Slices  # noqa: PLC0415

        reader = None
        if self._settings.configured:
            reader = Reader(await self._stack.enter_async_context(blobs.opened(self._settings)))
        return Slices(self._lanes.lane, reader)

    async def page(self, organization: UUID, unit: UUID, window: Window) -> Page:
        """Return the newest readings of the window. Raises ArchiveUnavailableError or ArchiveDamagedError."""
        end = window.end if window.behind is None else min(window.end, window.behind.recorded_at + MICROSECOND)
        found: list[Reading] = []
        slices = await self._opened()
        asked = Asked(organization, unit, window.begin, end, window.sensor_id)
        async with contextlib.aclosing(slices.of(asked, newest_first=True)) as pieces:
            async for rows in pieces:
                found += [row for row in rows if window.behind is None or _position(row) < window.behind]
                if len(found) >= window.limit:
                    break
        found = found[: window.limit]
        body = await asyncio.to_thread(_as_json, found)
        return Page(body, _position(found[-1]) if len(found) == window.limit else None)

    async def rows(self, organization: UUID, unit: UUID, window: Window) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yield all readings of the window, oldest first, with their sensors' `serial` and `name`."""
        slices = await self._opened()
        sensors: dict[UUID, Record] = {}
        asked = Asked(organization, unit, window.begin, window.end, window.sensor_id)
        async with contextlib.aclosing(slices.of(asked)) as pieces:
            async for rows in pieces:
                unknown = {row.sensor_id for row in rows} - sensors.keys()
                if unknown:
                    async with self._lanes.lane() as connection:
                        sensors |= await archives.sensors(connection, organization, unknown)
                yield [_with_sensor(row, sensors.get(row.sensor_id)) for row in rows]


def may_be_archived(begin: datetime) -> bool:
    """Tell whether readings from `begin` on may be in the archive."""
    return begin < datetime.now(UTC) - LEAST_AGE


def _position(row: Reading) -> tuple[datetime, UUID, int]:
    return row.recorded_at, row.sensor_id, row.seq


def _with_sensor(row: Reading, sensor: Record | None) -> dict[str, Any]:
    named = {"serial": sensor["serial"], "name": sensor["name"]} if sensor else {"serial": None, "name": None}
    return {**row._asdict(), **named}


def _as_json(rows: list[Reading]) -> bytes:
    return orjson.dumps([_members(row) for row in rows])


def _members(row: Reading) -> dict[str, Any]:
    """Return what history.raw writes."""
    shown: dict[str, Any] = {"recordedAt": _instant(row.recorded_at), "temperature": row.temperature}
    for field, name in _MEMBERS:
        value = getattr(row, field)
        if value is not None:
            shown[name] = value
    shown["sensorId"] = str(row.sensor_id)
    return shown


def _instant(at: datetime) -> str:
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"
