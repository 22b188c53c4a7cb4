"""How long organizations keep their readings, and what is removed when that is over."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from frostguard.domain.retention import Retention
from frostguard.store import audit
from frostguard.store.archives import ArchiveFile
from frostguard.store.audit import OPERATOR, By, Change
from frostguard.store.connection import Connection, Record, translated

_COLUMNS = "id, slug, retention_days, legal_hold_since, legal_hold_reason, updated_at"

GET_RETENTION = f"select {_COLUMNS} from organizations where id = $1 and deleted_at is null"  # noqa: S608 - our own

# Also of organizations that were deleted: their readings are kept as long.
LIST_RETENTIONS = f"""
select {_COLUMNS}, deleted_at,
       (select min(f.week) from archive_files f where f.organization_id = o.id and f.deleted_at is null) as oldest_week
  from organizations o where $1::text is null or slug = $1 order by slug, deleted_at nulls first
"""  # noqa: S608 - as above

SET_DAYS = """
update organizations set retention_days = $2, updated_at = now()
 where id = $1 and ($3::timestamptz is null or updated_at = $3) returning id
"""

SET_HOLD = """
update organizations
   set legal_hold_since = case when $2::text is null then null else coalesce(legal_hold_since, now()) end,
       legal_hold_reason = $2, updated_at = now()
 where id = $1 returning id
"""


async def get(connection: Connection, organization: UUID) -> Record | None:
    """Return what a living organization asks for, and `updated_at`."""
    with translated():
        return await connection.fetchrow(GET_RETENTION, organization)


async def listed(connection: Connection, slug: str | None = None) -> list[Record]:
    """Return what organizations ask for, with the `oldest_week` that is in the archive."""
    with translated():
        return list(await connection.fetch(LIST_RETENTIONS, slug))


async def set_days(
    connection: Connection, before: Record, by: By, days: int | None, version: datetime | None = None
) -> Record | None:
    """Keep readings for so many days (None: the installation's default), logged. None: the version is another."""
    with translated():
        async with connection.transaction():
            done = await connection.fetchrow(SET_DAYS, before["id"], days, version)
            if done is not None:
                old, new = {"retentionDays": before["retention_days"]}, {"retentionDays": days}
                change = Change("organization.retention_changed", "organization", before["id"], old, new)
                await audit.append(connection, before["id"], by, change)
    return done


async def set_hold(connection: Connection, before: Record, by: By, reason: str | None) -> None:
    """Remove nothing of an organization from now on, for this reason; None ends that. Logged."""
    with translated():
        async with connection.transaction():
            await connection.execute(SET_HOLD, before["id"], reason)
            action = "organization.legal_hold_ended" if reason is None else "organization.legal_hold_set"
            old, new = {"reason": before["legal_hold_reason"]}, {"reason": reason}
            await audit.append(connection, before["id"], by, Change(action, "organization", before["id"], old, new))


# --- What is over.

LIST_ORGANIZATIONS_WITH_OLD_FILES = """
select distinct organization_id from archive_files where week < $1 and deleted_at is null order by organization_id
"""

# The lock makes a legal hold that is being set wait, or be seen.
LOCK_RETENTION = """
select retention_days, legal_hold_since is not null as held from organizations where id = $1 for no key update
"""

LIST_OLD_FILES = """
select id, organization_id, week, key, readings, size, sha256, content, first_at, last_at from archive_files
 where organization_id = $1 and week < $2 and deleted_at is null order by week, id
"""

DELETE_FILES = "update archive_files set deleted_at = now() where id = any($1::bigint[])"

DELETE_BUCKETS = """
delete from reading_buckets b using units u
 where u.organization_id = $1 and b.unit_id = u.id and b.at >= $2 and b.at < $2::timestamptz + interval '7 days'
"""

LIST_UNREMOVED = "select id, key from archive_files where deleted_at is not null and removed_at is null order by id"

MARK_REMOVED = "update archive_files set removed_at = now() where id = $1"


async def organizations_with_files(connection: Connection, before: datetime) -> list[UUID]:
    """Return whose files hold weeks that began before that."""
    with translated():
        return [row[0] for row in await connection.fetch(LIST_ORGANIZATIONS_WITH_OLD_FILES, before)]


async def lock(connection: Connection, organization: UUID) -> Retention:
    """Return what an organization asks for; it stays so until the transaction ends."""
    with translated():
        row = await connection.fetchrow(LOCK_RETENTION, organization)
    return Retention() if row is None else Retention(row["retention_days"], held=row["held"])


async def old_files(connection: Connection, organization: UUID, before: datetime) -> list[ArchiveFile]:
    """Return the organization's files of weeks that began before that."""
    with translated():
        return [ArchiveFile(*row) for row in await connection.fetch(LIST_OLD_FILES, organization, before)]


async def remove_week(connection: Connection, organization: UUID, files: Sequence[ArchiveFile]) -> None:
    """Let an organization's files of one week be read no more, remove its sums, and write the receipt into the log.

    Inside the caller's transaction; the files themselves are removed after it.
    """
    week = files[0].week
    receipt = {
        "week": week.date().isoformat(), "readings": sum(f.readings for f in files),
        "files": [{"key": f.key, "sha256": f.sha256.hex()} for f in files],
    }  # fmt: skip
    with translated():
        await connection.execute(DELETE_FILES, [f.id for f in files])
        await connection.execute(DELETE_BUCKETS, organization, week)
    known = await _exists(connection, organization)
    change = Change("readings.retention_over", "organization", organization, receipt, None)
    await audit.append(connection, organization if known else None, OPERATOR, change)


ORGANIZATION_EXISTS = "select exists (select from organizations where id = $1)"


async def _exists(connection: Connection, organization: UUID) -> bool:
    with translated():
        return bool(await connection.fetchval(ORGANIZATION_EXISTS, organization))


async def unremoved(connection: Connection) -> list[Record]:
    """Return `id` and `key` of files that nobody reads any more and that are still there."""
    with translated():
        return list(await connection.fetch(LIST_UNREMOVED))


async def removed(connection: Connection, file: int) -> None:
    """Note that a file is gone."""
    with translated():
        await connection.execute(MARK_REMOVED, file)
