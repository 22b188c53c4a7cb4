"""`frostguard housekeeping`: remove what is kept no longer, archive what is old. For a timer."""

import argparse
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from frostguard.cli import archive
from frostguard.cli.arguments import (
    add_command,
    add_database,
    add_every,
    again_and_again,
    database_settings,
    with_connection,
)
from frostguard.cli.chores import noted
from frostguard.config import ArchiveSettings, HousekeepingSettings, IngestSettings, load
from frostguard.domain.buckets import Span
from frostguard.errors import FrostGuardError
from frostguard.store import accounts, bucket_retention, housekeeping, sessions
from frostguard.store.connection import Connection
from frostguard.store.housekeeping import days_before


@dataclass(frozen=True)
class Ages:
    """How many days things are kept."""

    of: HousekeepingSettings
    readings: int


Chore = Callable[[Connection, datetime, Ages], Awaitable[int]]


async def dead_letters(connection: Connection, now: datetime, ages: Ages) -> int:
    """Remove old messages that could not be used."""
    return await housekeeping.remove_dead_letters(connection, days_before(now, ages.of.dead_letter_days))


async def events(connection: Connection, now: datetime, ages: Ages) -> int:
    """Remove old facts about units."""
    return await housekeeping.remove_events(connection, days_before(now, ages.of.event_days))


async def notifications(connection: Connection, now: datetime, ages: Ages) -> int:
    """Remove what people were to be told long ago."""
    return await housekeeping.remove_notifications(connection, days_before(now, ages.of.notification_days))


async def held_readings(connection: Connection, now: datetime, ages: Ages) -> int:
    """Remove readings of sensors that nobody assigned, when they are older than any reading is kept."""
    return await housekeeping.remove_held_readings(connection, days_before(now, ages.readings))


async def access(connection: Connection, now: datetime, ages: Ages) -> int:
    """Remove ended logins, counts of failed ones, mailed links, invitations, and counts of overflows."""
    await sessions.forget_old(connection)
    await accounts.forget_old_failures(connection)
    letters, links = days_before(now, ages.of.dead_letter_days), days_before(now, ages.of.invitation_days)
    return await housekeeping.remove_small(connection, letters, links)


async def five_minute_sums(connection: Connection, now: datetime, ages: Ages) -> int:
    """Remove old sums over five minutes, for which no late reading can come any more."""
    days = max(ages.of.five_minute_days, ages.readings)
    return await bucket_retention.remove(connection, Span.FIVE_MINUTES, days_before(now, days))


async def hourly_sums(connection: Connection, now: datetime, ages: Ages) -> int:
    """Remove old sums over hours."""
    days = max(ages.of.hour_days, ages.readings)
    return await bucket_retention.remove(connection, Span.HOUR, days_before(now, days))


# What is done, in this order. One that fails does not keep the others from being done.
CHORES: tuple[tuple[str, Chore], ...] = (
    ("dead letters", dead_letters),
    ("events", events),
    ("notifications", notifications),
    ("held readings", held_readings),
    ("sums over five minutes", five_minute_sums),
    ("sums over hours", hourly_sums),
    ("links and invitations", access),
)


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(
        commands, "housekeeping", run, "remove what is kept no longer, archive what is old; for a timer"
    )
    add_every(parser)
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Keep house, once or again and again."""
    return again_and_again(given, _keep_house)


def _keep_house(given: argparse.Namespace) -> int:
    """Do every chore and say what was removed; archive what is old enough. Exit code 1 if anything failed."""
    failed = _do_chores(given)
    if load(ArchiveSettings).configured:
        try:
            failed = max(failed, archive.run_run(given))
        except FrostGuardError as error:
            print(f"frostguard: archive: {error}", file=sys.stderr, flush=True)
            return 1
    return failed


def _do_chores(given: argparse.Namespace) -> int:
    ages = Ages(load(HousekeepingSettings), load(IngestSettings).retention_days)

    async def work(connection: Connection) -> int:
        async with noted(database_settings(given), "housekeeping") as done:
            counts = [await _done(connection, name, chore, ages) for name, chore in CHORES]
            done.failed, done.rows = None in counts, sum(count or 0 for count in counts)
        return int(done.failed)

    return with_connection(given, work)


async def _done(connection: Connection, name: str, chore: Chore, ages: Ages) -> int | None:
    try:
        removed = await chore(connection, datetime.now(UTC), ages)
    except FrostGuardError as error:
        print(f"frostguard: {name}: {error}", file=sys.stderr, flush=True)
        return None
    print(f"{name}: {removed} removed", flush=True)
    return removed
