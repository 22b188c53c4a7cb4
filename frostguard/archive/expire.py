"""Files that their organization does not want to keep any longer: out of the list, with a receipt, then removed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from frostguard.archive.run import manifest_key
from frostguard.blobs import Blobs
from frostguard.domain.retention import MINIMUM_DAYS, WEEK
from frostguard.store import retention
from frostguard.store.connection import Connection, translated

EVER = datetime(9999, 1, 1, tzinfo=UTC)


class Removed(NamedTuple):
    """What was removed of one organization's week."""

    organization: UUID
    week: datetime
    readings: int


async def expire(
    connection: Connection,
    blobs: Blobs,
    now: datetime,
    default_days: int,
    reached: Callable[[str], None] = lambda _: None,
) -> list[Removed]:
    """Remove what is older than its organization keeps, but nothing of one on legal hold. The caller holds the lock.

    A week is removed as a whole, when its last moment is old enough.
    """
    latest = now - WEEK - timedelta(days=MINIMUM_DAYS) + timedelta(microseconds=1)
    found: list[Removed] = []
    for organization in await retention.organizations_with_files(connection, latest):
        found += await _expire_organization(connection, organization, (latest, now), default_days)
    reached("expired")
    await _remove_files(connection, blobs)
    return found


async def _remove_files(connection: Connection, blobs: Blobs) -> None:
    for row in await retention.unremoved(connection):
        await blobs.delete(row["key"])
        await blobs.delete(manifest_key(row["key"]))
        await retention.removed(connection, row["id"])


async def remove_all(connection: Connection, blobs: Blobs, organization: UUID) -> int | None:
    """Remove everything that the archive has of an organization, and return how many readings that was.

    None, and nothing is removed, while it is on legal hold. The caller holds the lock.
    """
    count = 0
    with translated():
        async with connection.transaction():
            if (await retention.lock(connection, organization)).held:
                return None
            files = await retention.old_files(connection, organization, EVER)
            for _, of_week in groupby(files, attrgetter("week")):
                gone = list(of_week)
                await retention.remove_week(connection, organization, gone)
                count += sum(file.readings for file in gone)
    await _remove_files(connection, blobs)
    return count


async def _expire_organization(
    connection: Connection, organization: UUID, times: tuple[datetime, datetime], default_days: int
) -> list[Removed]:
    latest, now = times
    found = []
    with translated():
        async with connection.transaction():
            wanted = await retention.lock(connection, organization)
            files = await retention.old_files(connection, organization, latest)
            for week, of_week in groupby(files, attrgetter("week")):
                if wanted.expired(week, now, default_days):
                    gone = list(of_week)
                    await retention.remove_week(connection, organization, gone)
                    found.append(Removed(organization, week, sum(file.readings for file in gone)))
    return found
