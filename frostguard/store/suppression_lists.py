"""Windows of silence as people plan them: listed, opened, moved, ended."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.store.connection import Connection, Record, translated

_COLUMNS = """
       w.id, w.site_id, s.name as site_name, w.unit_id, u.name as unit_name, w.alert_types::text[] as alert_types,
       w.reason, w.note, w.starts_at, w.ends_at, w.created_by, p.full_name as created_by_name, w.created_at
"""

_JOINS = """
  from suppressions w
  left join sites s on s.organization_id = w.organization_id and s.id = w.site_id
  left join units u on u.organization_id = w.organization_id and u.id = w.unit_id
  left join profiles p on p.user_id = w.created_by
"""

LIST_WINDOWS = f"""
select {_COLUMNS} {_JOINS}
 where w.organization_id = $1
   and ($2::boolean is null or (w.ends_at > now()) = $2)
   and ($3::timestamptz is null or (w.ends_at, w.id) < ($3, $4::uuid))
 order by w.ends_at desc, w.id desc limit $5
"""

GET_WINDOW = f"select {_COLUMNS} {_JOINS} where w.organization_id = $1 and w.id = $2"

LOCK_WINDOW = """
select id, starts_at, ends_at, note, now() as now from suppressions where organization_id = $1 and id = $2 for update
"""

INSERT_WINDOW = """
insert into suppressions (organization_id, created_by, site_id, unit_id, alert_types, reason, note, starts_at, ends_at)
values ($1, $2, $3, $4, $5::text[]::alert_type[], $6, $7, $8, $9) returning id
"""

MOVE_WINDOW = "update suppressions set ends_at = $3, note = $4 where organization_id = $1 and id = $2"

DELETE_WINDOW = "delete from suppressions where organization_id = $1 and id = $2"

PLACE_EXISTS = """
select ($2::uuid is null or exists (select from sites where organization_id = $1 and id = $2 and deleted_at is null))
   and ($3::uuid is null or exists (select from units where organization_id = $1 and id = $3 and deleted_at is null))
"""


class Window(NamedTuple):
    """One window: of a site, a unit, or (neither named) the whole organization; of some types, or (none) all."""

    site_id: UUID | None
    unit_id: UUID | None
    alert_types: list[str]
    reason: str
    note: str | None
    starts_at: datetime
    ends_at: datetime


async def list_of(
    connection: Connection, organization: UUID, *, is_open: bool | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[Record]:
    """Return windows, the last to end first: those that have not ended yet, those that have, or all."""
    with translated():
        return list(await connection.fetch(LIST_WINDOWS, organization, is_open, *(after or (None, None)), limit))


async def get(connection: Connection, organization: UUID, window: UUID) -> Record | None:
    """Return one window."""
    with translated():
        return await connection.fetchrow(GET_WINDOW, organization, window)


async def lock(connection: Connection, organization: UUID, window: UUID) -> Record | None:
    """Lock one window until the transaction ends; `now` is the server's clock."""
    with translated():
        return await connection.fetchrow(LOCK_WINDOW, organization, window)


async def place_exists(connection: Connection, organization: UUID, site: UUID | None, unit: UUID | None) -> bool:
    """Tell whether the site and the unit, where they are named, are of this organization."""
    with translated():
        return bool(await connection.fetchval(PLACE_EXISTS, organization, site, unit))


async def insert(connection: Connection, organization: UUID, by: UUID, window: Window) -> UUID:
    """Plan a window."""
    with translated():
        made: UUID = await connection.fetchval(INSERT_WINDOW, organization, by, *window)
    return made


async def move(connection: Connection, organization: UUID, window: UUID, ends_at: datetime, note: str | None) -> None:
    """Let a window end at another moment, or give it another note."""
    with translated():
        await connection.execute(MOVE_WINDOW, organization, window, ends_at, note)


async def delete(connection: Connection, organization: UUID, window: UUID) -> None:
    """Remove a window that has not begun."""
    with translated():
        await connection.execute(DELETE_WINDOW, organization, window)
