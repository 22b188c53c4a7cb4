"""Letters that wait to be mailed: written with what causes them, claimed by one process, removed when they are sent."""

from typing import NamedTuple
from uuid import UUID

from frostguard.store.connection import Connection, Record, translated

MAX_WAITING = 10_000

INSERT_LETTER = """
insert into letters (kind, recipient, expires_at, invitation_id, request_id)
select $1, $2, now() + make_interval(secs => $3), $4, $5
 where (select count(*) from (select from letters limit $6) waiting) < $6
returning id
"""

# The due moment moves on with the claim: a process that dies while it sends leaves the letter to the others.
CLAIM_LETTER = """
with next as (
  select id from letters where due_at <= now() order by due_at, id limit 1 for update skip locked
)
update letters l set tries = l.tries + 1, due_at = now() + make_interval(secs => $1)
  from next where l.id = next.id
returning l.id, l.seed, l.kind, l.recipient, l.invitation_id, l.request_id, l.tries, l.expires_at <= now() as too_old
"""

POSTPONE_LETTER = "update letters set due_at = now() + make_interval(secs => $2) where id = $1"

DELETE_LETTER = "delete from letters where id = $1"

LOOK_AT_LETTERS = """
select count(*) as waiting, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_seconds,
       extract(epoch from min(due_at) - now())::float8 as next_seconds
  from letters
"""


class Letter(NamedTuple):
    """What is to be said to whom, for how long it is worth saying, and which request it comes from."""

    kind: str
    recipient: str
    seconds: float
    invitation: UUID | None = None
    request_id: str | None = None


async def add(connection: Connection, letter: Letter) -> bool:
    """Write a letter, in the caller's transaction; False, and nothing is written, where too many wait."""
    with translated():
        return await connection.fetchval(INSERT_LETTER, *letter, MAX_WAITING) is not None


async def claim(connection: Connection, seconds: float) -> Record | None:
    """Take the letter that has been due the longest, for so many seconds; None if none is due."""
    with translated():
        return await connection.fetchrow(CLAIM_LETTER, seconds)


async def postpone(connection: Connection, letter: int, seconds: float) -> None:
    """Let a letter be tried again after so many seconds."""
    with translated():
        await connection.execute(POSTPONE_LETTER, letter, seconds)


async def remove(connection: Connection, letter: int) -> None:
    """Forget a letter that was sent, or will not be."""
    with translated():
        await connection.execute(DELETE_LETTER, letter)


async def look(connection: Connection) -> Record:
    """Return how many wait, for how long the oldest does, and in how many seconds the next is due (null: none)."""
    with translated():
        return await connection.fetchrow(LOOK_AT_LETTERS)
