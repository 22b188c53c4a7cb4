"""Readings: as JSON that PostgreSQL wrote, as a file, and what they amount to."""

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from aiohttp import web

from api import problems, tables
from api.answers import Answer, members_of, shown
from api.archived import may_be_archived
from api.call import Call
from api.effective import effective
from api.frame import stream_headers
from api.paging import next_link, positions
from api.positions import moment, not_ours
from api.problems import FieldError
from api.shapes.readings import RANGES, SPANS
from frostguard.domain.buckets import Span, sources, span_for
from frostguard.store import archives, history, statistics, units
from frostguard.store.connection import Record
from frostguard.store.history import Position, Wanted, Window
from frostguard.store.statistics import Judgement

FIRST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(hours=1)  # clocks of devices may go before ours
LONGEST_SUMMARY = timedelta(days=366)
FILE_PAGE = 5000
COLUMNS = (
    "recorded_at", "received_at", "serial", "name", "temperature", "humidity", "door_open", "battery_percent",
    "battery_volts", "rssi", "snr", "fault",
)  # fmt: skip


class Times(NamedTuple):
    """From when to when."""

    begin: datetime
    end: datetime


def times_of(call: Call) -> Times:
    """Return the time that a query (shapes.readings.TimeQuery or a descendant) asks for, within reason."""
    now = datetime.now(UTC)
    if call.query.begin is None:
        return Times(now - RANGES[call.query.range or "24h"], now + AHEAD)
    end = now + AHEAD if call.query.end is None else min(call.query.end, now + AHEAD)
    return Times(min(max(call.query.begin, FIRST), end), max(end, FIRST))


def _span(call: Call, times: Times) -> Span | None:
    wanted = call.query.resolution
    if wanted == "auto":
        return span_for(times.end - times.begin - (AHEAD if call.query.end is None else timedelta(0)))
    return SPANS.get(wanted)


async def list_of_unit(call: Call) -> Answer:
    """List a unit's readings, or buckets of them, newest first. A full page has a Link to the next."""
    times = times_of(call)
    span = _span(call, times)
    if span is None:
        return await _raw(call, times)
    row = await _buckets(call, times, span)
    if row["unit"] is None:
        raise problems.not_found()
    if row["last_at"] is None:
        return Answer(row["body"])
    return Answer(row["body"], headers=next_link(call, [row["last_at"].isoformat()]))


async def _raw(call: Call, times: Times) -> Answer:
    window = Window(*times, call.query.limit, call.query.sensor_id, _behind(call.query.cursor))
    organization, unit = call.organization_id, call.ids["unitId"]
    async with call.program.lanes.lane() as connection:
        row = await history.raw(connection, organization, unit, window)
        # Asked after the table: what has left it meanwhile is listed by now.
        archived = may_be_archived(times.begin) and await archives.has_files(connection, organization, *times)
    if row["unit"] is None:
        raise problems.not_found()
    if archived:
        page = await call.program.archived.page(organization, unit, window)
        return _page_of(call, page.body, page.last)
    last = None if row["last_at"] is None else (row["last_at"], row["last_by"], row["last_seq"])
    return _page_of(call, row["body"], last)


def _page_of(call: Call, body: bytes, last: tuple[datetime, UUID, int] | None) -> Answer:
    if last is None:
        return Answer(body)
    at, sensor, seq = last
    return Answer(body, headers=next_link(call, [at.isoformat(), str(sensor), seq]))


def _behind(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    match positions(cursor):
        case [str(at), str(sensor), int(seq)] if 0 <= seq < 2**63 and (last := moment(at)):
            try:
                return Position(last, UUID(sensor), seq)
            except ValueError:
                pass
    raise not_ours()


async def _buckets(call: Call, times: Times, span: Span) -> Record:
    end = times.end
    if call.query.cursor is not None:
        end = max(times.begin, min(end, _before(call.query.cursor)))
    async with call.program.lanes.lane() as connection:
        stretch = await call.program.rolled_up.stretch_of(connection, call.ids["unitId"], span, times.begin)
        wanted = Wanted(span, sources(span, times.begin, end, stretch), call.query.limit, call.query.sensor_id)
        return await history.buckets(connection, call.organization_id, call.ids["unitId"], wanted)


def _before(cursor: str) -> datetime:
    match positions(cursor):
        case [str(at)] if last := moment(at):
            return last
    raise not_ours()


async def latest(call: Call) -> Answer:
    """Show the newest reading of each of the unit's sensors, the primary's first."""
    async with call.program.lanes.lane() as connection:
        rows = await history.latest(connection, call.organization_id, call.ids["unitId"], datetime.now(UTC))
    if rows is None:
        raise problems.not_found()
    return shown([members_of(row) for row in rows])


async def export(call: Call) -> web.StreamResponse:
    """Send a unit's readings as CSV, oldest first, however many."""
    unit, times = call.ids["unitId"], times_of(call)
    window = Window(*times, FILE_PAGE, call.query.sensor_id)
    pages: AsyncGenerator[Sequence[Mapping[str, object]], None] = _pages(call, window)
    if may_be_archived(times.begin):
        pages = call.program.archived.rows(call.organization_id, unit, window)
    async with contextlib.aclosing(pages):
        first = await anext(pages, None)  # whatever is wrong is said before the file begins
        if not first:
            await _require_unit(call, unit)
        response = web.StreamResponse(headers=stream_headers(call))
        response.content_type, response.charset = "text/csv", "utf-8"
        response.headers["Content-Disposition"] = f'attachment; filename="readings-{unit}.csv"'
        await response.prepare(call.request)
        await response.write(tables.csv_lines([COLUMNS]) + _csv(first or ()))
        async for rows in pages:
            await response.write(_csv(rows))
    await response.write_eof()
    return response


def _csv(rows: Sequence[Mapping[str, object]]) -> bytes:
    return tables.csv_lines([[row[name] for name in COLUMNS] for row in rows])


async def _pages(call: Call, window: Window) -> AsyncGenerator[Sequence[Mapping[str, object]], None]:
    """Yield pages of what is in the table."""
    rows = await _page(call, window)
    while rows:
        yield rows
        if len(rows) < FILE_PAGE:
            return
        last = rows[-1]
        behind = Position(last["recorded_at"], last["sensor_id"], last["seq"])
        rows = await _page(call, window._replace(behind=behind))


async def _page(call: Call, window: Window) -> list[Record]:
    """Read one page; no connection is held while a slow client takes it."""
    async with call.program.lanes.lane() as connection:
        return await history.rows(connection, call.organization_id, call.ids["unitId"], window)


async def _require_unit(call: Call, unit: UUID) -> Record:
    async with call.program.lanes.lane() as connection:
        row = await units.get(connection, call.organization_id, unit)
    if row is None:
        raise problems.not_found()
    return row


async def summarise(call: Call) -> Answer:
    """Sum up a time: extremes, mean, time inside and outside of the limits, excursions, completeness."""
    begin, end = times_of(call)
    end = max(begin, min(end, datetime.now(UTC)))
    if end - begin > LONGEST_SUMMARY:
        raise problems.invalid(FieldError("from", "must lie at most 366 days before to"))
    unit = await _require_unit(call, call.ids["unitId"])
    limits = effective(
        unit["unit_type"], (unit["temp_min"], unit["temp_max"]), unit["unit_settings"], unit["site_settings"],
        unit["organization_settings"],
    ).limits  # fmt: skip
    async with call.program.lanes.lane() as connection:
        interval = await statistics.interval(connection, call.organization_id, unit["id"])
        patience = timedelta(seconds=limits.late_missed * interval + limits.slack_seconds)
        stretch = await call.program.rolled_up.stretch_of(connection, unit["id"], Span.FIVE_MINUTES, begin)
        found = await statistics.summarise(
            connection, call.organization_id, unit["id"], sources(Span.FIVE_MINUTES, begin, end, stretch),
            Judgement(limits.low, limits.high, max(patience, Span.FIVE_MINUTES.length), end),
        )  # fmt: skip
    return shown(_statistics(found, Times(begin, end), (limits.low, limits.high), interval))


def _statistics(row: Record, times: Times, limits: tuple[float, float], interval: float) -> dict[str, object]:
    seconds = (times.end - times.begin).total_seconds()
    watched = row["inside_seconds"] + row["outside_seconds"]
    expected = int(seconds // interval)
    return {
        "from": times.begin,
        "to": times.end,
        "low": limits[0],
        "high": limits[1],
        "readings": row["readings"],
        "expectedReadings": expected,
        "completeness": round(min(1.0, row["readings"] / expected), 4) if expected else 1.0,
        "temperatureMin": row["lowest"],
        "temperatureMax": row["highest"],
        "temperatureMean": None if row["mean"] is None else round(row["mean"], 3),
        "insideSeconds": row["inside_seconds"],
        "outsideSeconds": row["outside_seconds"],
        "unwatchedSeconds": max(0.0, round(seconds - watched, 3)),
        "insideShare": round(row["inside_seconds"] / watched, 4) if watched else None,
        "excursions": row["excursions"],
        "longestExcursionSeconds": row["longest_seconds"],
        "firstAt": row["first_at"],
        "lastAt": row["last_at"],
    }
