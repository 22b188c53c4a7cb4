"""`frostguard top`: all units in a live table, the worst first."""

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from frostguard.cli.arguments import add_command, add_database, positive, with_connection
from frostguard.cli.tables import age, celsius, table
from frostguard.domain.status import UnitStatus
from frostguard.store import feed, status
from frostguard.store.connection import Connection, Record
from frostguard.wire.feed import READINGS, UNITS, Batch, decode_batch

HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
HEADINGS = ("status", "organization", "site", "unit", ">last", ">age")
RANK = {status.value: rank for rank, status in enumerate(UnitStatus)}
RATE_SECONDS = 10.0
LINES = 24  # of a terminal that does not say


@dataclass(slots=True)
class Line:
    """One unit."""

    organization: str
    site: str
    unit: str
    status: str
    celsius: float | None
    at: datetime | None


class Screen:
    """What is known of all units, and how many readings came lately."""

    def __init__(self, units: Iterable[Record]) -> None:
        self.lines: dict[str, Line] = {}
        self._came: list[tuple[float, int]] = []
        self.replace(units)

    def replace(self, units: Iterable[Record]) -> None:
        """Take all units as they stand."""
        self.lines = {
            str(r["id"]): Line(r["organization"], r["site"], r["unit"], r["status"] or "offline", r["temperature"],
                               r["recorded_at"])
            for r in units
        }  # fmt: skip

    def take(self, batch: Batch, now: float) -> None:
        """Take what a batch brought. `now` is monotonic."""
        for reading in batch.readings:
            if reading.newest:
                self._measured(reading.unit_id, reading.recorded_at, reading.temperature)
        for newest in batch.newest:
            self._measured(newest.unit_id, newest.last_reading_at, newest.last_temperature)
        for standing in batch.standings:
            self._measured(standing.unit_id, standing.last_reading_at, standing.last_temperature)
            if standing.unit_id in self.lines:
                self.lines[standing.unit_id].status = standing.status
        self._came = [each for each in self._came if now - each[0] < RATE_SECONDS]
        self._came.append((now, len(batch.readings) + len(batch.newest)))

    def _measured(self, unit: str, at: str | None, value: float | None) -> None:
        known = self.lines.get(unit)
        if known is not None and at is not None:
            known.at, known.celsius = datetime.fromisoformat(at), value

    def text(self, now: datetime, height: int | None) -> str:
        """Return the table, the worst first; at most so many lines."""
        lines = sorted(self.lines.values(), key=lambda e: (RANK[e.status], e.organization, e.site, e.unit))
        counts = Counter(each.status for each in lines)
        rate = sum(count for _, count in self._came) / RATE_SECONDS
        words = "  ".join(f"{name} {counts[name]}" for name in RANK if counts[name])
        head = f"{now:%Y-%m-%d %H:%M:%S} UTC  {len(lines)} units  {rate:.1f} readings/s  {words}"
        room = len(lines) if height is None else max(0, height - 4)
        rows = [(e.status, e.organization, e.site, e.unit, celsius(e.celsius), age(e.at, now)) for e in lines[:room]]
        more = [] if len(lines) <= room else [f"... and {len(lines) - room} more"]
        return "\n".join([head, "", table(HEADINGS, rows), *more])


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "top", run, "all units in a live table, the worst first, until Ctrl-C")
    parser.add_argument("--organization", metavar="SLUG", help="only this one")
    parser.add_argument("--every", type=positive, default=1, metavar="SECONDS", help="between two looks (default: 1)")
    parser.add_argument("--count", type=positive, metavar="N", help="end after N tables; 1 where nobody sits before it")
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Show it until interrupted, or until --count tables are shown."""
    live = sys.stdout.isatty()
    count = given.count or (None if live else 1)
    if live:
        print(ENTER, end="")
    try:
        with_connection(given, lambda connection: _watch(connection, given, count, live=live))
    finally:
        if live:
            print(LEAVE, end="", flush=True)
    return 0


async def _watch(connection: Connection, given: argparse.Namespace, count: int | None, *, live: bool) -> None:
    position = await feed.position(connection)
    screen = Screen(await status.units(connection, given.organization))
    showing = asyncio.create_task(_show(screen, given.every, count, live=live))
    following = asyncio.create_task(_follow(connection, position, screen, given.organization))
    done, _ = await asyncio.wait({showing, following}, return_when=asyncio.FIRST_COMPLETED)
    for task in (showing, following):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    for task in done:
        task.result()


async def _follow(connection: Connection, position: int, screen: Screen, organization: str | None) -> None:
    async for rows in feed.follow(connection, position):
        for row in rows:
            if row.kind == READINGS:
                screen.take(decode_batch(row.body), time.monotonic())
        if any(row.kind == UNITS for row in rows):
            screen.replace(await status.units(connection, organization))


async def _show(screen: Screen, every: int, count: int | None, *, live: bool) -> None:
    shown = 0
    while True:
        height = (os.get_terminal_size(sys.stdout.fileno()).lines or LINES) if live else None
        text = screen.text(datetime.now(UTC), height)
        if live:
            text = HOME + text.replace("\n", f"{CLEAR_LINE}\n") + CLEAR_LINE + CLEAR_BELOW
        print(text, end="" if live else "\n", flush=True)
        shown += 1
        if shown == count:
            return
        await asyncio.sleep(every)
