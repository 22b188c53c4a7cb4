"""What is kept no longer: rows that only grow, removed some thousands at a time, oldest first, so that nothing waits.

Nothing of an organization on legal hold is removed. Readings, alerts, their timelines and the audit log are records:
they are not touched here.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from frostguard.store.connection import Connection, Record, translated

STEP = 5000


# Each looks at the next rows by their growing number, which is their age, and says where it came to: no index by time.
_IF_OLD_AND_FREE = """
   and o.old and not o.wanted
   and not exists (select from organizations h where h.id = o.organization_id and h.legal_hold_since is not null)
"""
_COUNTED = """)
select coalesce(max(o.id) filter (where o.old), 0) as last, count(*) filter (where o.old) as old,
       (select count(*) from removed) as removed
  from oldest o
"""

REMOVE_DEAD_LETTERS = f"""
with oldest as (
  select d.id, d.received_at < $2 as old, d.organization_id,
         d.replay_requested_at is not null and d.replayed_at is null as wanted
    from dead_letters d where d.id > $1 order by d.id limit $3
), removed as (
  delete from dead_letters d using oldest o where d.id = o.id {_IF_OLD_AND_FREE} returning d.id
{_COUNTED}"""  # noqa: S608 - our own constants, here and below

REMOVE_EVENTS = f"""
with oldest as (
  select e.id, e.written_at < $2 as old, e.organization_id, false as wanted
    from events e where e.id > $1 order by e.id limit $3
), removed as (
  delete from events e using oldest o where e.id = o.id {_IF_OLD_AND_FREE} returning e.id
{_COUNTED}"""  # noqa: S608

REMOVE_NOTIFICATIONS = f"""
with oldest as (
  select n.id, n.created_at < $2 as old, n.organization_id, false as wanted
    from notification_outbox n where n.id > $1 order by n.id limit $3
), removed as (
  delete from notification_outbox n using oldest o where n.id = o.id {_IF_OLD_AND_FREE} returning n.id
{_COUNTED}"""  # noqa: S608

REMOVE_HELD_READINGS = """
delete from held_readings r using (
  select h.sensor_id, h.recorded_at, h.seq
    from held_readings h
    join sensors s on s.id = h.sensor_id and s.unit_id is null
    join organizations o on o.id = s.organization_id and o.legal_hold_since is null
   where h.recorded_at < $1 and h.received_at < $1 limit $2
) old
 where r.sensor_id = old.sensor_id and r.recorded_at = old.recorded_at and r.seq = old.seq
"""

REMOVE_OVERFLOWS = "delete from dead_letter_overflows where hour < $1"

REMOVE_MAILED_LINKS = "delete from email_tokens where expires_at < $1"

REMOVE_INVITATIONS = """
delete from invitations i using organizations o
 where o.id = i.organization_id and o.legal_hold_since is null
   and least(i.expires_at, i.accepted_at, i.revoked_at) < $1
"""


async def remove_dead_letters(connection: Connection, before: datetime) -> int:
    """Remove messages that came before; those that somebody asked to be taken again stay. Returns how many."""
    return await _by_number(connection, REMOVE_DEAD_LETTERS, before)


async def remove_events(connection: Connection, before: datetime) -> int:
    """Remove facts about units that were written before. Returns how many."""
    return await _by_number(connection, REMOVE_EVENTS, before)


async def remove_notifications(connection: Connection, before: datetime) -> int:
    """Remove what people were to be told before, delivered or not. Returns how many."""
    return await _by_number(connection, REMOVE_NOTIFICATIONS, before)


async def remove_held_readings(connection: Connection, before: datetime) -> int:
    """Remove readings of sensors that nobody assigned to a unit, from before any reading is kept. Returns how many."""

    async def step() -> int:
        return _count(await connection.execute(REMOVE_HELD_READINGS, before, STEP))

    return await _until_few(step)


async def remove_small(connection: Connection, letters_before: datetime, access_before: datetime) -> int:
    """Remove counts of overflows, and mailed links and invitations that ended before. Returns how many."""
    removed = 0
    with translated():
        for statement, before in (
            (REMOVE_OVERFLOWS, letters_before),
            (REMOVE_MAILED_LINKS, access_before),
            (REMOVE_INVITATIONS, access_before),
        ):
            removed += _count(await connection.execute(statement, before))
    return removed


def days_before(now: datetime, days: int) -> datetime:
    """Return the moment so many days before."""
    return now - timedelta(days=days)


async def _by_number(connection: Connection, statement: str, before: datetime) -> int:
    removed, last = 0, 0
    while True:
        with translated():
            step: Record = await connection.fetchrow(statement, last, before, STEP)
        removed += int(step["removed"])
        if step["old"] < STEP:
            return removed
        last = step["last"]


async def _until_few(step: Callable[[], Awaitable[int]]) -> int:
    removed = 0
    while True:
        with translated():
            count = await step()
        removed += count
        if count < STEP:
            return removed


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
