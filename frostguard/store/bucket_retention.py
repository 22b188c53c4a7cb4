"""Sums that are kept no longer: short spans of long ago, removed unit by unit, oldest first; and what is left of them.

Buckets follow from the readings, so none is a record. Where those of a span are gone, the readings answer, or a longer
span does: days are kept for ever. Nothing of an organization on legal hold is removed.
"""

from datetime import datetime
from uuid import UUID

from frostguard.domain.buckets import Span, Stretch, ceiling
from frostguard.store.connection import Connection, translated

LIST_UNITS = """
select u.id from units u join organizations o on o.id = u.organization_id and o.legal_hold_since is null
 where u.id > $1 order by u.id limit $2
"""

REMOVE_BUCKETS = """
delete from reading_buckets b using (
  select unit_id, at, sensor_id from reading_buckets
   where unit_id = $1 and span = $2 and at < $3 order by at limit $4
) old
 where b.unit_id = old.unit_id and b.at = old.at and b.sensor_id = old.sensor_id and b.span = $2
"""

FIRST_BUCKET = "select min(at) from reading_buckets where unit_id = $1 and span = $2"

STEP = 5000
UNITS = 500
NOBODY = UUID(int=0)


async def remove(connection: Connection, span: Span, before: datetime) -> int:
    """Remove the buckets of a span that begin before a moment, some thousands at a time. Returns how many."""
    removed, last = 0, NOBODY
    while True:
        with translated():
            units = [row["id"] for row in await connection.fetch(LIST_UNITS, last, UNITS)]
        for unit in units:
            removed += await _remove_of(connection, unit, span, before)
        if len(units) < UNITS:
            return removed
        last = units[-1]


async def _remove_of(connection: Connection, unit: UUID, span: Span, before: datetime) -> int:
    removed = 0
    while True:
        with translated():
            status: str = await connection.execute(REMOVE_BUCKETS, unit, int(span), before, STEP)
        count = int(status.rpartition(" ")[2])
        removed += count
        if count < STEP:
            return removed


async def left_of(connection: Connection, unit: UUID, span: Span, stretch: Stretch) -> Stretch:
    """Return the part of a stretch in which a unit's buckets of this span are still there: from a midnight (UTC)."""
    with translated():
        first: datetime | None = await connection.fetchval(FIRST_BUCKET, unit, int(span))
    # A day of which some are gone already is no whole day; without any, all is to be read from the readings.
    since = stretch.upto if first is None else ceiling(first, Span.DAY)
    return Stretch(min(max(stretch.since, since), stretch.upto), stretch.upto)
