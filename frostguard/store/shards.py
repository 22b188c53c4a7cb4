"""How many shards there are, how many there will be, and what is kept for each when that changes.

A next layout is prepared while the daemons of the present one run: its sessions are made at the broker, and from then
on they are queued what the present ones are. Each running daemon answers the preparation once it has taken everything
that was queued for it before. Only then may it be replaced: nothing is left that only its own session holds.
"""

from datetime import datetime

from frostguard.domain.shards import Shard
from frostguard.errors import LockLostError
from frostguard.store.connection import Connection, Record, translated
from frostguard.store.locks import INGEST_LOCK

CHANNEL_WORD = "shards"
ROLLUP_LOCK = 0x4667_526F  # "FgRo", and the number of the shard

GET_LAYOUT = """
select coalesce(max(shards), 1) as shards, max(following) as following, coalesce(max(preparation), 0) as preparation,
       max(prepared_at) as prepared_at
  from shard_layout
"""

MAKE_LAYOUT = "insert into shard_layout (shards) values (1) on conflict do nothing"

LOCK_LAYOUT = "select shards, following, preparation, prepared_at from shard_layout for update"

HAS_LISTENED = "select exists (select from listening)"

# Shards of the present layout that have not answered; one that never listened has not.
LIST_UNANSWERED = """
select n::integer as shard from generate_series(0, $1::integer - 1) n
 where not exists (select from listening l where l.shard = n and l.preparation = $2) order by n
"""

# What the prepared sessions do not know of.
COUNT_NEWER = """
select (select count(*) from organizations where created_at > $1 and deleted_at is null)
     + (select count(*) from gateways where created_at > $1 and deleted_at is null and kind <> 'native')
"""

TRY_ROLLUPS = "select coalesce(bool_and(pg_try_advisory_xact_lock($1, n)), true) from generate_series(0, $2 - 1) n"

# One that ended before the others was deaf until the last did.
ADD_ENDS = """
insert into outages (shards, shard, began, drained)
select $1, l.shard, l.until, e.until from listening l, (select max(until) as until from listening) e
 where l.until < e.until and l.shard < $1
on conflict do nothing
"""

SPREAD_LISTENING = """
with before as (delete from listening returning until)
select max(until) from before
"""

ADD_LISTENING = "insert into listening (shard, until) select n, $2 from generate_series(0, $1::integer - 1) n"

TAKE_PROGRESS = """
with before as (delete from rollup_progress returning since, upto)
select max(since) as since, greatest(min(upto), max(since)) as upto from before
"""

ADD_PROGRESS = """
insert into rollup_progress (shard, since, upto) select n, $2, $3 from generate_series(0, $1::integer - 1) n
"""

SPREAD_LATE_HOURS = """
with before as (delete from late_hours returning id, hour, unit_ids)
insert into late_hours (hour, unit_ids, shard)
select b.hour, array_agg(m.unit_id order by m.unit_id), shard_of(u.organization_id, $1)
  from before b cross join unnest(b.unit_ids) m (unit_id) left join units u on u.id = m.unit_id
 group by b.id, b.hour, 3
"""

SAVE_LAYOUT = "update shard_layout set shards = $1, following = null"

SAVE_INTENTION = "update shard_layout set following = $1, prepared_at = null returning now()"

SAVE_PREPARATION = """
update shard_layout set preparation = preparation + 1, prepared_at = $2 where following = $1 returning preparation
"""

NOTIFY = "select pg_notify('config', 'shards')"

ANSWER = "update listening set preparation = $2 where shard = $1"

LIST_SHARDS = """
select n as shard, l.until, l.preparation, p.upto as summed,
       (select count(*) from organizations o where o.deleted_at is null and shard_of(o.id, $1) = n) as organizations,
       (select count(*) from units u where u.deleted_at is null and shard_of(u.organization_id, $1) = n) as units,
       exists (select from pg_locks k
                where k.locktype = 'advisory' and k.classid::bigint = $2 and k.objid::bigint = n and k.objsubid = 2
                  and k.granted
                  and k.database = (select oid from pg_database where datname = current_database())) as held
  from generate_series(0, $1::integer - 1) n
  left join listening l on l.shard = n
  left join rollup_progress p on p.shard = n
 order by n
"""


class NotYetError(LockLostError):
    """The layout cannot change to this number of shards now; the text says what must happen first."""


async def layout(connection: Connection) -> Record:
    """Return `shards`, the `following` number of them (or None), `preparation` and `prepared_at`."""
    with translated():
        row = await connection.fetchrow(GET_LAYOUT)
    assert row is not None
    return row


async def count(connection: Connection) -> int:
    """Return how many shards there are."""
    return int((await layout(connection))["shards"])


async def every(connection: Connection) -> list[Shard]:
    """Return all shards of the present layout."""
    of = await count(connection)
    return [Shard(number, of) for number in range(of)]


async def adopt(connection: Connection, shard: Shard, today: datetime) -> bool:
    """Make the layout that of `shard`, if it is another: once, whoever comes first. Returns whether it was changed.

    The caller holds the layout's lock (`locks.try_layout`), so no daemon of the present one writes. `today` (a
    midnight) is where sums begin where there are none. Raises NotYetError.
    """
    if await count(connection) == shard.of:
        return False
    with translated():
        async with connection.transaction():
            await connection.execute(MAKE_LAYOUT)
            row = await connection.fetchrow(LOCK_LAYOUT)
            if row["shards"] == shard.of:
                return False
            if await connection.fetchval(HAS_LISTENED):
                await _require_prepared(connection, row, shard)
            await _spread(connection, row["shards"], shard.of, today)
    return True


async def _require_prepared(connection: Connection, row: Record, shard: Shard) -> None:
    """Nothing may be left that only the sessions of the present layout hold."""
    shards, wanted = row["shards"], shard.of
    if row["following"] != wanted or row["prepared_at"] is None:
        raise NotYetError(
            f"there are {shards} shards, not {wanted}: start it as one of {shards}, "
            f"or first run `frostguard shards prepare --shards {wanted}` while they run"
        )
    silent = [one["shard"] for one in await connection.fetch(LIST_UNANSWERED, shards, row["preparation"])]
    if silent:
        names = ", ".join(str(Shard(number, shards)) for number in silent)
        raise NotYetError(
            f"shard {names} has not taken everything that was queued before the {wanted} shards were prepared: "
            "start it again until `frostguard shards show` says that it has"
        )
    newer = await connection.fetchval(COUNT_NEWER, row["prepared_at"]) if wanted > 1 else 0  # one hears all
    if newer:
        raise NotYetError(
            f"{newer} organizations or networks were made after the {wanted} shards were prepared: start the "
            f"{shards} shards again, and run `frostguard shards prepare --shards {wanted}` once more"
        )


async def _spread(connection: Connection, before: int, shards: int, today: datetime) -> None:
    """Write anew what is kept for each shard, for so many of them."""
    if not await connection.fetchval(TRY_ROLLUPS, ROLLUP_LOCK, max(before, shards)):
        raise NotYetError("readings are being summed anew (rollups rebuild, or the archive): wait until that is over")
    await connection.execute(ADD_ENDS, before)
    until = await connection.fetchval(SPREAD_LISTENING)
    if until is not None:
        await connection.execute(ADD_LISTENING, shards, until)
    progress = await connection.fetchrow(TAKE_PROGRESS)
    await connection.execute(ADD_PROGRESS, shards, progress["since"] or today, progress["upto"] or today)
    await connection.execute(SPREAD_LATE_HOURS, shards)
    await connection.execute(SAVE_LAYOUT, shards)


async def intend(connection: Connection, shards: int) -> datetime:
    """Say that there will be so many shards: their accounts are made then. Returns the server's clock.

    Call it before their sessions are made: they know nothing of what comes later.
    """
    with translated():
        async with connection.transaction():
            await connection.execute(MAKE_LAYOUT)
            at: datetime = await connection.fetchval(SAVE_INTENTION, shards)
            await connection.execute(NOTIFY)
    return at


async def prepare(connection: Connection, shards: int, at: datetime) -> int:
    """Say that the sessions of so many shards stand at the broker, with the organizations of a moment.

    Returns the number of the preparation, which the running daemons answer. Raises NotYetError where somebody intends
    another number meanwhile.
    """
    with translated():
        async with connection.transaction():
            number: int | None = await connection.fetchval(SAVE_PREPARATION, shards, at)
            await connection.execute(NOTIFY)
    if number is None:
        raise NotYetError(f"somebody else prepares another number of shards than {shards}")
    return number


async def unanswered(connection: Connection, preparation: int) -> list[Shard]:
    """Return the shards of the present layout that have not answered a preparation."""
    shards = await count(connection)
    with translated():
        rows = await connection.fetch(LIST_UNANSWERED, shards, preparation)
    return [Shard(row["shard"], shards) for row in rows]


async def answer(connection: Connection, shard: Shard, preparation: int) -> None:
    """Everything that was queued for this shard before the preparation is in this or an earlier transaction."""
    with translated():
        await connection.execute(ANSWER, shard.number, preparation)


async def overview(connection: Connection, shards: int) -> list[Record]:
    """Return of each of so many shards: organizations, units, until when it listened, whether a daemon holds it."""
    with translated():
        return list(await connection.fetch(LIST_SHARDS, shards, INGEST_LOCK))
