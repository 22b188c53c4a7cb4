"""`frostguard rollups`: how far readings are summed; sum them again, for history that was copied in past the daemon."""

import argparse
import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from frostguard.cli.arguments import ArgumentsError, add_command, add_database, with_connection
from frostguard.cli.tables import table
from frostguard.domain.buckets import Span, Stretch, floor
from frostguard.domain.shards import Shard
from frostguard.store import archives, partitions, rollups, shards
from frostguard.store.connection import Connection, Record

DAY = timedelta(days=1)
BUSY_SECONDS = 0.5


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command and its two parts."""
    group = commands.add_parser(
        "rollups", help="show or rebuild the sums that long ranges are read from",
        description="Sums of readings over 5 minutes, hours and days (UTC). The daemon keeps them.",
    )  # fmt: skip
    parts = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    showing = add_command(parts, "show", run_show, "what is summed")
    rebuilding = add_command(parts, "rebuild", run_rebuild, "sum from nothing, day by day, newest first")
    rebuilding.add_argument("--from", dest="begin", type=_day, metavar="DATE", help="first day (default: of all)")
    rebuilding.add_argument("--to", dest="end", type=_day, metavar="DATE", help="last day (default: today)")
    for part in (showing, rebuilding):
        add_database(part)


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-11-22") from None


def run_show(given: argparse.Namespace) -> int:
    """Print the stretch that is summed and how many buckets there are."""

    async def read(connection: Connection) -> tuple[Stretch | None, list[Record]]:
        return await rollups.common_stretch(connection), await rollups.count(connection)

    stretch, counts = with_connection(given, read)
    if stretch is None:
        print("nothing is summed yet: the daemon begins with the day on which it first runs")
        return 0
    print(f"summed from {_moment(stretch.since)} to {_moment(stretch.upto)}")
    if counts:
        print(table(("span", ">buckets"), [(Span(c["span"]).name.lower(), c["buckets"]) for c in counts]))
    return 0


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def run_rebuild(given: argparse.Namespace) -> int:
    """Rebuild, one transaction a day; the daemon may run meanwhile, and an interrupted run can be repeated."""
    if given.begin and given.end and given.begin > given.end:
        raise ArgumentsError("rollups rebuild: --from lies after --to")

    async def work(connection: Connection) -> int:
        # What is archived is summed, and cannot be summed from the table any more.
        away = {week for week, row in (await archives.known_weeks(connection)).items() if row["archived_at"]}
        days = await _days(connection, given.begin, given.end)
        days = [day for day in days if partitions.week_of(day) not in away]
        for day in days:
            began = time.monotonic()
            for shard in await shards.every(connection):
                await _rebuild(connection, shard, day)
            print(f"{day:%Y-%m-%d}  {time.monotonic() - began:.1f} s", flush=True)
        return len(days)

    count = with_connection(given, work)
    print(f"{count} days summed" if count else "there is nothing to sum")
    return 0


async def _days(connection: Connection, begin: datetime | None, end: datetime | None) -> list[datetime]:
    """Return the days to sum, newest first and without a gap to what is summed already."""
    today = floor(datetime.now(UTC), Span.DAY)
    stretches = [await rollups.ensure_progress(connection, shard, today) for shard in await shards.every(connection)]
    stretch = Stretch(max(each.since for each in stretches), min(each.upto for each in stretches))
    last = floor(stretch.upto, Span.DAY)
    if end is not None:
        last = max(min(last, end), stretch.since - DAY)
    weeks = await partitions.existing(connection)
    first = min((partitions.begin_of(week) for week in weeks), default=last + DAY)
    first = max(first, begin) if begin is not None else first
    return [last - n * DAY for n in range((last - first) // DAY + 1)]


async def _rebuild(connection: Connection, shard: Shard, day: datetime) -> None:
    while True:
        async with rollups.exclusive(connection, shard) as ours:
            if ours:
                await rollups.rebuild_day(connection, shard, day)
                return
        await asyncio.sleep(BUSY_SECONDS)  # the daemon is at it, for a moment
