"""What people did about an alert or a temperature. Written once, never changed."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.store.connection import Connection, Record, translated


class CorrectiveAction(NamedTuple):
    """What was done. Of an alert, a manual log or a unit; `completed_at` None: now."""

    action_taken: str
    root_cause: str | None = None
    preventive_measures: str | None = None
    completed_at: datetime | None = None


class About(NamedTuple):
    """What it was done about."""

    unit_id: UUID | None = None
    alert_id: UUID | None = None
    manual_log_id: UUID | None = None


INSERT_ACTION = """
insert into corrective_actions (organization_id, created_by, unit_id, alert_id, manual_log_id, action_taken, root_cause,
                                preventive_measures, completed_at)
select $1, $2, u.id, a.id, l.id, $6, $7, $8, coalesce($9, now())
  from (values (1)) one
  left join units u on u.organization_id = $1 and u.id = $3
  left join alerts a on a.organization_id = $1 and a.id = $4
  left join manual_logs l on l.organization_id = $1 and l.id = $5
returning id
"""

_COLUMNS = """
       c.id, c.unit_id, u.name as unit_name, c.alert_id, c.manual_log_id, c.action_taken, c.root_cause,
       c.preventive_measures, c.completed_at, c.created_at, c.created_by, p.full_name as created_by_name
"""

LIST_ACTIONS = f"""
select {_COLUMNS}
  from corrective_actions c
  left join units u on u.organization_id = c.organization_id and u.id = c.unit_id
  left join profiles p on p.user_id = c.created_by
 where c.organization_id = $1
   and ($2::uuid is null or c.unit_id = $2)
   and ($3::uuid is null or c.alert_id = $3)
   and ($4::timestamptz is null or c.completed_at >= $4)
   and ($5::timestamptz is null or c.completed_at < $5)
   and ($6::timestamptz is null or (c.completed_at, c.id) < ($6, $7::uuid))
 order by c.completed_at desc, c.id desc limit $8
"""  # noqa: S608 - our own constant, here and below

GET_ACTION = f"""
select {_COLUMNS}
  from corrective_actions c
  left join units u on u.organization_id = c.organization_id and u.id = c.unit_id
  left join profiles p on p.user_id = c.created_by
 where c.organization_id = $1 and c.id = $2
"""  # noqa: S608


class Wanted(NamedTuple):
    """Which ones: all filters are optional; `completed_at` and `id` are those of the last one seen."""

    unit_id: UUID | None = None
    alert_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    completed_at: datetime | None = None
    id: UUID | None = None
    limit: int = 100


async def insert(connection: Connection, organization: UUID, by: UUID, about: About, action: CorrectiveAction) -> UUID:
    """Write down what was done. What `about` names and is not of this organization is left empty: look first."""
    with translated():
        made: UUID = await connection.fetchval(INSERT_ACTION, organization, by, *about, *action)
    return made


async def get(connection: Connection, organization: UUID, action: UUID) -> Record | None:
    """Return one."""
    with translated():
        return await connection.fetchrow(GET_ACTION, organization, action)


async def list_of(connection: Connection, organization: UUID, wanted: Wanted) -> list[Record]:
    """Return what was done, the latest first."""
    with translated():
        return list(await connection.fetch(LIST_ACTIONS, organization, *wanted))
