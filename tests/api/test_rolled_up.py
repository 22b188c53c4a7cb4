"""Sums that are gone: the readings answer in their place, with the same answer."""

from datetime import UTC, datetime, timedelta

import pytest

from frostguard.domain.buckets import Span
from frostguard.store import bucket_retention, partitions, readings
from tests.api.conftest import Running
from tests.factories import make_reading

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)
SUM = """
insert into reading_buckets (unit_id, at, sensor_id, total, lowest, highest, readings, span)
select unit_id, date_bin($2, recorded_at, 'epoch'), sensor_id, sum(temperature), min(temperature), max(temperature),
       count(*), $1
  from sensor_readings group by 1, 2, 3
"""
OLD = MIDNIGHT - 800 * DAY


@pytest.mark.parametrize("question", ["statistics?", "readings?resolution=5m&", "readings?resolution=1h&"])
async def test_an_old_time_is_answered_the_same_with_sums_and_without(running: Running, question: str) -> None:
    world, api = running.world, running.api
    org = await world.organization(people=False)
    await partitions.ensure(world.sql, [OLD + n * DAY for n in range(4)])
    rows = [make_reading(0, n % 10, unit_id=org.unit, recorded_at=OLD + n * timedelta(minutes=7)) for n in range(600)]
    await readings.copy(world.sql, rows)
    await world.sql.execute("insert into rollup_progress (shard, since, upto) values (0, $1, $2)", OLD, MIDNIGHT)
    for span in Span:
        await world.sql.execute(SUM, int(span), span.length)
    begin, end = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (OLD, OLD + 3 * DAY))
    path = f"/units/{org.unit}/{question}from={begin}&to={end}"
    before = await api.get(path, org.owner)
    assert before.status == 200
    assert len(before.body) > 200
    for span, until in ((Span.FIVE_MINUTES, OLD + DAY), (Span.HOUR, OLD + DAY), (Span.FIVE_MINUTES, MIDNIGHT)):
        assert await bucket_retention.remove(world.sql, span, until) > 0
        assert (await api.get(path, org.owner)).body == before.body, (span, until)
