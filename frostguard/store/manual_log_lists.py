"""Manual logs as people write and read them. The daemon hears of each new one and judges it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.store.connection import Connection, Record, translated


class ManualLog(NamedTuple):
    """A temperature that a person read: when, °C, whether it lay inside the limits of that moment."""

    logged_at: datetime
    celsius: float
    in_range: bool
    notes: str | None = None
    key: str | None = None


INSERT_LOG = """
insert into manual_logs (organization_id, unit_id, logged_by, logged_at, celsius, in_range, notes, idempotency_key)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (organization_id, idempotency_key) where idempotency_key is not null do nothing
returning id
"""

FIND_BY_KEY = """
select id, unit_id, logged_at, celsius from manual_logs where organization_id = $1 and idempotency_key = $2
"""

_COLUMNS = """
       l.id, l.unit_id, u.name as unit_name, l.logged_at, l.created_at, l.celsius as temperature, l.in_range, l.notes,
       l.logged_by, p.full_name as logged_by_name, c.action_taken as corrective_action
"""

_JOINS = """
  from manual_logs l
  left join units u on u.organization_id = l.organization_id and u.id = l.unit_id
  left join profiles p on p.user_id = l.logged_by
  left join lateral (select action_taken from corrective_actions where manual_log_id = l.id order by created_at limit 1)
       c on true
"""

_PAGE = """
   and ($3::timestamptz is null or l.logged_at >= $3)
   and ($4::timestamptz is null or l.logged_at < $4)
   and ($5::timestamptz is null or (l.logged_at, l.id) < ($5, $6::uuid))
 order by l.logged_at desc, l.id desc limit $7
"""

LIST_OF_UNIT = f"select {_COLUMNS} {_JOINS} where l.organization_id = $1 and l.unit_id = $2 {_PAGE}"

LIST_OF_ORGANIZATION = f"""
select {_COLUMNS} {_JOINS} where l.organization_id = $1 and ($2::uuid is null or l.unit_id = $2) {_PAGE}
"""

GET_LOG = f"select {_COLUMNS} {_JOINS} where l.organization_id = $1 and l.id = $2"

UNIT_EXISTS = "select exists (select from units where organization_id = $1 and id = $2 and deleted_at is null)"

FIND_HOMES = """
select id, organization_id from units where id = any($1::uuid[]) and organization_id = any($2::uuid[])
   and deleted_at is null
"""


class Wanted(NamedTuple):
    """Which logs: of a time; `logged_at` and `id` are those of the last one seen."""

    since: datetime | None = None
    until: datetime | None = None
    logged_at: datetime | None = None
    id: UUID | None = None
    limit: int = 100


async def insert(connection: Connection, organization: UUID, unit: UUID, by: UUID, log: ManualLog) -> UUID | None:
    """Write a log down. None, and nothing is written, where the organization has one with this key."""
    arguments = (log.logged_at, log.celsius, log.in_range, log.notes, log.key)
    with translated():
        made: UUID | None = await connection.fetchval(INSERT_LOG, organization, unit, by, *arguments)
    return made


async def find(connection: Connection, organization: UUID, key: str) -> Record | None:
    """Return id, unit_id, logged_at and celsius of the log with this key."""
    with translated():
        return await connection.fetchrow(FIND_BY_KEY, organization, key)


async def get(connection: Connection, organization: UUID, log: UUID) -> Record | None:
    """Return one log."""
    with translated():
        return await connection.fetchrow(GET_LOG, organization, log)


async def of_unit(connection: Connection, organization: UUID, unit: UUID, wanted: Wanted) -> list[Record] | None:
    """Return a unit's logs, newest first; None if there is no such unit."""
    with translated():
        rows = await connection.fetch(LIST_OF_UNIT, organization, unit, *wanted)
        if not rows and not await connection.fetchval(UNIT_EXISTS, organization, unit):
            return None
    return list(rows)


async def of_organization(
    connection: Connection, organization: UUID, unit: UUID | None, wanted: Wanted
) -> list[Record]:
    """Return an organization's logs, newest first; of one unit, if it is named."""
    with translated():
        return list(await connection.fetch(LIST_OF_ORGANIZATION, organization, unit, *wanted))


async def homes(connection: Connection, units: list[UUID], organizations: list[UUID]) -> dict[UUID, UUID]:
    """Return the organization of each of the units that is in one of these."""
    with translated():
        return {row[0]: row[1] for row in await connection.fetch(FIND_HOMES, units, organizations)}


# Units whose data is interrupted, and units that no sensor watches: people are their only eyes.
LIST_WATCHED_BY_PEOPLE = """
select u.id as unit_id, u.name as unit_name, a.id as area_id, a.name as area_name, s.id as site_id,
       s.name as site_name, coalesce(t.data_phase, 'never') as data_state, t.last_reading_at, t.last_temperature,
       l.logged_at as last_log_at, l.celsius as last_log_temperature, u.created_at,
       u.unit_type, u.temp_min, u.temp_max, u.settings as unit_settings, s.settings as site_settings,
       o.settings as organization_settings
  from organizations o
  join units u on u.organization_id = o.id and u.deleted_at is null
  join areas a on a.id = u.area_id
  join sites s on s.id = a.site_id
  left join unit_states t on t.unit_id = u.id
  left join lateral (
    select logged_at, celsius from manual_logs where unit_id = u.id order by logged_at desc, id desc limit 1) l on true
 where o.id = $1 and ($2::uuid is null or s.id = $2)
   and (t.data_phase in ('interrupted', 'manual')
        or (coalesce(t.data_phase, 'never') = 'never' and not exists (
              select from sensors x where x.unit_id = u.id and x.deleted_at is null)))
 limit 5000
"""


async def watched_by_people(connection: Connection, organization: UUID, site: UUID | None) -> list[Record]:
    """Return the units that need manual logs now, with their last values and what their limits follow from."""
    with translated():
        return list(await connection.fetch(LIST_WATCHED_BY_PEOPLE, organization, site))
