"""`frostguard archive` and `frostguard retention`: old weeks out of the database, and how long they are kept."""

import argparse
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import UUID

from frostguard import blobs
from frostguard.blobs import Blobs
from frostguard.cli.arguments import (
    ArgumentsError,
    add_command,
    add_database,
    database_settings,
    positive,
    with_connection,
)
from frostguard.cli.chores import noted
from frostguard.cli.tables import json_line, table
from frostguard.config import ArchiveSettings, IngestSettings, load
from frostguard.domain.retention import MINIMUM_DAYS, Retention
from frostguard.errors import FrostGuardError, UsageError
from frostguard.store import archives, partitions
from frostguard.store import retention as kept
from frostguard.store.audit import OPERATOR
from frostguard.store.connection import Connection, Record

LONG_SECONDS = 6 * 3600
EXIT_DAMAGED = 1
_WEEK = re.compile(r"^(\d{4})w(\d{2})$", re.IGNORECASE)

# frostguard.archive is imported by the three functions that need it: other commands need not carry its 50 MB.
if TYPE_CHECKING:
    from frostguard.archive.expire import Removed
    from frostguard.archive.run import Outcome

T = TypeVar("T")


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the two commands and their parts."""
    group = commands.add_parser(
        "archive", help="old weeks of readings: out of the database, checked, back again",
        description="Weeks that are old enough are kept as Parquet files, in ARCHIVE_DIR or S3_BUCKET.",
    )  # fmt: skip
    parts = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    running = add_command(
        parts, "run", run_run, "archive what is old enough, remove what is kept no longer; for a timer"
    )
    listing = add_command(parts, "list", run_list, "every file of the archive")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    checking = add_command(parts, "verify", run_verify, "read every file and compare; exit code 1 if one is damaged")
    back = add_command(parts, "restore", run_restore, "put a week back into the database; its files stay")
    back.add_argument("week", type=_week, metavar="WEEK", help="such as 2026w23, or a day of it")
    back.add_argument("--days", type=positive, default=30, help="how long it stays there (default: %(default)s)")
    removing = add_command(parts, "remove", run_remove, "remove all files of an organization that was deleted")
    removing.add_argument("organization", metavar="SLUG")
    for part in (listing, checking):
        part.add_argument("--week", type=_week, metavar="WEEK", help="only this one: 2026w23, or a day of it")
    _add_retention(commands)
    for part in (running, listing, checking, back, removing):
        add_database(part)


def _add_retention(commands: Any) -> None:  # noqa: ANN401 - as above
    group = commands.add_parser(
        "retention", help="how long organizations keep their readings", description="Days, and legal holds."
    )
    parts = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    showing = add_command(parts, "show", run_show, "what every organization asks for")
    setting = add_command(parts, "set", run_set, "keep an organization's readings for so many days")
    holding = add_command(parts, "hold", run_hold, "remove nothing of an organization from now on")
    ending = add_command(parts, "release", run_release, "end a legal hold")
    for part in (setting, holding, ending):
        part.add_argument("organization", metavar="SLUG")
    setting.add_argument("days", help=f"{MINIMUM_DAYS} or more, or `default`")
    holding.add_argument("--reason", required=True, help="why, for the audit log")
    for part in (showing, setting, holding, ending):
        add_database(part)


def _week(text: str) -> datetime:
    found = _WEEK.match(text)
    try:
        if found:
            return datetime.fromisocalendar(int(found[1]), int(found[2]), 1).replace(tzinfo=UTC)
        return partitions.week_of(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no week such as 2026w23, nor a day such as 2026-06-03") from None


def _name(week: datetime) -> str:
    return partitions.name_of(week).removeprefix("sensor_readings_")


class Place(NamedTuple):
    """What the commands of the archive work with."""

    connection: Connection
    blobs: Blobs
    settings: ArchiveSettings
    scratch: Path


def _with_archive(given: argparse.Namespace, work: Callable[[Place], Awaitable[T]], *, alone: bool = False) -> T:
    """Open database and archive, in a process that yields to all others. `alone`: not beside another run."""
    settings = load(ArchiveSettings)
    if not settings.configured:
        raise UsageError("there is no archive: set ARCHIVE_DIR, or S3_BUCKET")
    with contextlib.suppress(OSError):  # a sandbox may refuse it
        os.nice(10)

    async def inside(connection: Connection) -> T:
        with tempfile.TemporaryDirectory(prefix="frostguard-archive-") as folder:
            async with contextlib.AsyncExitStack() as stack:
                if alone and not await stack.enter_async_context(archives.exclusive(connection)):
                    raise FrostGuardError("another archive run is at work")
                await connection.execute("set lock_timeout = '10s'; set work_mem = '64MB'")
                store = await stack.enter_async_context(blobs.opened(settings))
                return await work(Place(connection, store, settings, Path(folder)))

    return with_connection(given, inside, LONG_SECONDS)


def run_run(given: argparse.Namespace) -> int:
    """Archive, then remove what is over, and print a line for each week."""
    from frostguard.archive.compact import compact  # noqa: PLC0415
    from frostguard.archive.expire import expire  # noqa: PLC0415
    from frostguard.archive.run import Archiver  # noqa: PLC0415

    default = load(IngestSettings).retention_days

    async def work(place: Place) -> tuple["list[Outcome]", "list[Removed]"]:
        now, where = datetime.now(UTC), database_settings(given)
        async with noted(where, "archive") as archived:
            await compact(place.connection, now)
            outcomes = await Archiver(place.connection, place.blobs, place.settings, place.scratch).run(now)
            archived.rows = sum(outcome.readings for outcome in outcomes)
            archived.size = sum(outcome.size for outcome in outcomes)
        async with noted(where, "retention") as over:
            removed = await expire(place.connection, place.blobs, now, default)
            over.rows = sum(gone.readings for gone in removed)
        return outcomes, removed

    outcomes, removed = _with_archive(given, work, alone=True)
    for outcome in outcomes:
        print(f"{_name(outcome.week)}  {_said(outcome)}")
    for gone in removed:
        print(f"{_name(gone.week)}  {gone.readings} readings of {gone.organization} are removed: retention is over")
    if not outcomes and not removed:
        print("nothing to do")
    return 0


def _said(outcome: "Outcome") -> str:
    if outcome.waits is not None:
        return f"waits: {outcome.waits}"
    each = f", {outcome.size / outcome.readings:.1f} bytes each" if outcome.size and outcome.readings else ""
    return f"{outcome.readings} readings archived{each}"


def run_list(given: argparse.Namespace) -> int:
    """Print every file. Needs the database alone."""
    rows = with_connection(given, lambda connection: archives.all_files(connection, given.week))
    if given.json:
        for row in rows:
            print(json_line({name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}))
        return 0
    headings = ("week", "organization", ">readings", ">bytes", ">each", "key")
    print(table(headings, ([_name(r["week"]), r["slug"] or r["organization_id"], r["readings"], r["size"],
                            f"{r['size'] / r['readings']:.1f}", r["key"]] for r in rows)))  # fmt: skip
    return 0


def run_verify(given: argparse.Namespace) -> int:
    """Print what is wrong, and a count."""
    from frostguard.archive.restore import verify  # noqa: PLC0415

    async def work(place: Place) -> tuple[int, int, int]:
        files = readings = problems = 0
        async for found in verify(place.connection, place.blobs, given.week, place.scratch):
            files, readings = files + bool(found.readings), readings + found.readings
            problems += found.problem is not None and bool(found.readings)
            if found.problem is not None:
                print(f"{found.key}: {found.problem}", flush=True)
        return files, readings, problems

    files, readings, problems = _with_archive(given, work)
    print(f"{files} files, {readings} readings, {problems} damaged")
    return EXIT_DAMAGED if problems else 0


def run_restore(given: argparse.Namespace) -> int:
    """Put a week back."""
    from frostguard.archive.restore import restore  # noqa: PLC0415

    until = datetime.now(UTC) + timedelta(days=given.days)

    async def work(place: Place) -> int:
        if not await archives.all_files(place.connection, given.week):
            raise ArgumentsError(f"archive restore: {_name(given.week)} is not in the archive")
        return await restore(place.connection, place.blobs, given.week, until, place.scratch)

    count = _with_archive(given, work, alone=True)
    print(f"{count} readings of {_name(given.week)} are back in the database until {until:%Y-%m-%d}", file=sys.stderr)
    return 0


def run_remove(given: argparse.Namespace) -> int:
    """Remove an organization's files for good, as far as it was deleted and is not on legal hold."""
    from frostguard.archive.expire import remove_all  # noqa: PLC0415

    async def work(place: Place) -> int:
        rows = [row for row in await kept.listed(place.connection, given.organization) if row["deleted_at"] is not None]
        if not rows:
            raise ArgumentsError(f"there is no deleted organization {given.organization}")
        counts = [await remove_all(place.connection, place.blobs, row["id"]) for row in rows]
        if None in counts:
            raise ArgumentsError(f"{given.organization} is on legal hold")
        return sum(count or 0 for count in counts)

    print(f"{_with_archive(given, work, alone=True)} readings of {given.organization} are removed")
    return 0


def run_show(given: argparse.Namespace) -> int:
    """Print every organization's retention."""
    default = load(IngestSettings).retention_days
    rows = with_connection(given, kept.listed)
    print(
        table(("organization", ">days", ">in force", "legal hold", "oldest week"), (_shown(r, default) for r in rows))
    )
    return 0


def _shown(row: Record, default: int) -> tuple[object, ...]:
    held = f"since {row['legal_hold_since']:%Y-%m-%d}: {row['legal_hold_reason']}" if row["legal_hold_since"] else None
    oldest = _name(row["oldest_week"]) if row["oldest_week"] else None
    days = Retention(row["retention_days"]).effective_days(default)
    return row["slug"], row["retention_days"], days, held, oldest


async def _organization(connection: Connection, slug: str) -> Record:
    rows = await kept.listed(connection, slug)
    if not rows:
        raise ArgumentsError(f"there is no organization {slug}")
    return rows[0]


def run_set(given: argparse.Namespace) -> int:
    """Set the days."""
    days = None if given.days == "default" else int(given.days) if given.days.isdecimal() else 0
    if days is not None and not MINIMUM_DAYS <= days <= 36_600:
        raise ArgumentsError(f"retention set: {given.days!r} is not `default`, nor {MINIMUM_DAYS} to 36600 days")

    async def work(connection: Connection) -> UUID:
        row = await _organization(connection, given.organization)
        await kept.set_days(connection, row, OPERATOR, days)
        found: UUID = row["id"]
        return found

    with_connection(given, work)
    print(f"{given.organization} keeps its readings for {given.days if days is None else f'{days} days'}")
    return 0


def run_hold(given: argparse.Namespace) -> int:
    """Begin a legal hold."""
    reason = given.reason.strip()
    if not 0 < len(reason) <= 500:
        raise ArgumentsError("retention hold: --reason needs 1 to 500 characters")
    return _set_hold(given, reason, "nothing of it is removed any more")


def run_release(given: argparse.Namespace) -> int:
    """End a legal hold."""
    return _set_hold(given, None, "what is too old is removed with the next archive run")


def _set_hold(given: argparse.Namespace, reason: str | None, said: str) -> int:
    async def work(connection: Connection) -> None:
        await kept.set_hold(connection, await _organization(connection, given.organization), OPERATOR, reason)

    with_connection(given, work)
    print(f"{given.organization}: {said}")
    return 0
