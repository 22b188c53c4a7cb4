"""Old sums go, unit by unit; what is left of them is known, and whoever is on legal hold keeps all."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from frostguard.domain.buckets import Span, Stretch
from frostguard.store import bucket_retention
from frostguard.store.connection import Connection
from tests.store.tenants import Tenant

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)
WHOLE = Stretch(MIDNIGHT - 1000 * DAY, MIDNIGHT)
ADD = """
insert into reading_buckets (unit_id, at, sensor_id, total, lowest, highest, readings, span)
select $1, at, $2, 1, 1, 1, 1, $3 from unnest($4::timestamptz[]) at
"""


async def add(connection: Connection, unit: UUID, *days: float, span: Span = Span.FIVE_MINUTES) -> None:
    moments = [MIDNIGHT - day * DAY for day in days]
    await connection.execute(ADD, unit, uuid4(), int(span), moments)


async def ages(connection: Connection, unit: UUID) -> list[int]:
    rows = await connection.fetch("select at from reading_buckets where unit_id = $1 order by at", unit)
    return [(MIDNIGHT - row["at"]).days for row in rows]


async def test_old_ones_of_the_span_go_in_steps(
    direct: Connection, own: Tenant, foreign: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_retention, "STEP", 2)
    monkeypatch.setattr(bucket_retention, "UNITS", 1)
    for unit in (own.unit, foreign.unit):
        await add(direct, unit, 1, 731, 732, 733, 740, 800)
        await add(direct, unit, 900, span=Span.DAY)
    await direct.execute(
        "update organizations set legal_hold_since = now(), legal_hold_reason = 'court' where id = $1", foreign.id
    )
    assert await bucket_retention.remove(direct, Span.FIVE_MINUTES, MIDNIGHT - 731 * DAY) == 4
    assert await ages(direct, own.unit) == [900, 731, 1]
    assert len(await ages(direct, foreign.unit)) == 7


async def test_what_is_left_begins_with_a_whole_day(direct: Connection, own: Tenant) -> None:
    left = bucket_retention.left_of
    assert await left(direct, own.unit, Span.FIVE_MINUTES, WHOLE) == Stretch(MIDNIGHT, MIDNIGHT)
    await add(direct, own.unit, 2.5, 1)
    assert await left(direct, own.unit, Span.FIVE_MINUTES, WHOLE) == Stretch(MIDNIGHT - 2 * DAY, MIDNIGHT)
    await add(direct, own.unit, 3)
    assert await left(direct, own.unit, Span.FIVE_MINUTES, WHOLE) == Stretch(MIDNIGHT - 3 * DAY, MIDNIGHT)
    await add(direct, own.unit, 2000)
    assert await left(direct, own.unit, Span.FIVE_MINUTES, WHOLE) == WHOLE
