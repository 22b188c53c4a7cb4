"""What pages draw beside readings: the trends of all units at once, and when a door stood open."""

from datetime import UTC, datetime, timedelta

from api import problems
from api.answers import Answer, encode, shown
from api.call import Call
from api.handlers.readings import times_of
from api.shapes.readings import RANGES
from frostguard.domain.buckets import Span, floor, sources
from frostguard.store import charts
from frostguard.store.charts import Times

STEPS = {"6h": Span.FIVE_MINUTES, "24h": Span.HOUR}
PARTS, COLUMNS = 400, 100  # of a chart: openings less than a part apart are one span, within a column
SHORTEST = timedelta(seconds=1)


async def trends(call: Call) -> Answer:
    """Show the last hours of all units of an organization, from the sums."""
    now = datetime.now(UTC)
    span = STEPS[call.query.range]
    begin = floor(now - RANGES[call.query.range], span)
    async with call.program.lanes.lane() as connection:
        stretch = await call.program.rolled_up.stretch(connection)
        found = sources(span, begin, now, stretch)
        units = await charts.trends(connection, call.organization_id, span, begin, found)
    head = encode({"from": begin, "stepSeconds": int(span.length.total_seconds())})
    return Answer(head[:-1] + b',"units":' + units + b"}")


async def openings(call: Call) -> Answer:
    """List when a unit's door stood open, newest first; in a long range those that lie close together as one."""
    begin, end = times_of(call)
    end = max(begin, min(end, datetime.now(UTC)))
    times = Times(begin, end, (end - begin) / PARTS, max(SHORTEST, (end - begin) / COLUMNS))
    async with call.program.lanes.lane() as connection:
        row = await charts.openings(connection, call.organization_id, call.ids["unitId"], times)
    if row["unit"] is None:
        raise problems.not_found()
    spans = zip(row["began"], row["ended"], row["openings"], row["seconds"], strict=True)
    return shown([{"from": b, "to": e, "openings": n, "openSeconds": s} for b, e, n, s in spans])
