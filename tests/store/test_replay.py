"""What a replay reads: in the order of the daemon's transactions, from one snapshot, writing nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.domain.reading import Reading
from frostguard.domain.shards import WHOLE, Shard
from frostguard.errors import StoreUnavailableError
from frostguard.store import outages, partitions, readings, replay
from frostguard.store.connection import Connection, connect
from frostguard.store.replay import Arrivals
from tests.factories import SERIAL, Planted, make_reading, plant
from tests.fakes import NOON


@pytest.fixture
def planted(database: str) -> Planted:
    return plant(database, sensors=[SERIAL, "other"])


@pytest.fixture
async def connection(database: str, planted: Planted) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database, command_timeout=10), "test")
    await partitions.ensure(opened, [NOON])
    yield opened
    await opened.close()


def row(planted: Planted, minute: float, received: float, seq: int = 0, serial: str = SERIAL) -> Reading:
    moment = NOON + timedelta(minutes=received)
    return make_reading(
        minute, 4.0, unit_id=planted.units[serial], sensor_id=planted.sensors[serial], received_at=moment, seq=seq
    )


async def arrived(
    connection: Connection, planted: Planted, *, restored: bool = False, **span: datetime
) -> list[list[int]]:
    """The minutes of each batch."""
    async with replay.snapshot(connection):
        arrivals = Arrivals(connection, planted.units[SERIAL], restored=restored)
        found = [batch async for batch in arrivals.batches(**span)]
    assert [number for number, _ in found] == sorted({number for number, _ in found})
    return [[round((r.recorded_at - NOON) / timedelta(minutes=1)) for r in rows] for _, rows in found]


async def store(connection: Connection, *batches: list[Reading]) -> None:
    for rows in batches:
        await readings.copy(connection, rows)


async def test_batches_come_as_they_were_committed_and_are_sorted_inside(
    connection: Connection, planted: Planted
) -> None:
    other = row(planted, 2, 9, serial="other")
    await store(
        connection,
        [row(planted, 5, 6), row(planted, 3, 6), other],
        [row(planted, 1, 7)],
        [row(planted, 9, 9), row(planted, 7, 9)],
    )
    assert await arrived(connection, planted) == [[3, 5], [1], [7, 9]]


async def test_readings_of_one_moment_come_as_they_came(connection: Connection, planted: Planted) -> None:
    rows = [row(planted, 1, 2, seq) for seq in (5, 4, 9, 1)]
    await store(connection, rows)
    async with replay.snapshot(connection):
        arrivals = Arrivals(connection, planted.units[SERIAL], restored=False)
        [(_, found)] = [batch async for batch in arrivals.batches()]
    assert found == rows


async def test_a_span_is_of_device_time(connection: Connection, planted: Planted) -> None:
    await store(connection, [row(planted, n, n) for n in range(10)])
    span = {"since": NOON + timedelta(minutes=2), "upto": NOON + timedelta(minutes=4)}
    assert await arrived(connection, planted, **span) == [[2, 3]]


async def test_a_large_batch_crosses_the_pieces_of_the_cursor(connection: Connection, planted: Planted) -> None:
    count = replay.PIECE + 10
    await store(connection, [row(planted, n / 1000, 9, n) for n in range(count)])
    assert [len(minutes) for minutes in await arrived(connection, planted)] == [count]


async def test_what_was_stored_when_a_batch_was_judged(connection: Connection, planted: Planted) -> None:
    await store(connection, [row(planted, 5, 5)], [row(planted, 1, 6)], [row(planted, 3, 7)])
    async with replay.snapshot(connection):
        arrivals = Arrivals(connection, planted.units[SERIAL], restored=False)
        numbers = [number async for number, _ in arrivals.batches()]
        found = [await arrivals.stored_by(n, NOON, NOON + timedelta(minutes=4)) for n in numbers]
    minutes = [[(r.recorded_at - NOON) // timedelta(minutes=1) for r in rows] for rows in found]
    assert minutes == [[], [1], [1, 3]]


async def test_after_a_restore_the_clock_of_their_receipt_stands_in(connection: Connection, planted: Planted) -> None:
    await store(connection, [row(planted, 5, 5)], [row(planted, 1, 6)], [row(planted, 3, 7), row(planted, 2, 7)])
    await connection.execute("update sensor_readings set rssi = -50")  # one transaction for all, as a restore
    assert await arrived(connection, planted) == [[1, 2, 3, 5]]
    assert await arrived(connection, planted, restored=True) == [[5], [1], [2, 3]]


async def test_a_restore_is_noticed_by_events_that_no_one_transaction_can_have_written(
    connection: Connection, planted: Planted
) -> None:
    add = "insert into events (organization_id, kind, at) values ($1, 'x', now())"
    assert not await replay.is_restored(connection)
    for _ in range(3):
        await connection.execute(add, planted.organization)
    assert not await replay.is_restored(connection)
    await connection.execute("update events set kind = 'y'")
    assert await replay.is_restored(connection)


async def test_a_snapshot_can_write_nothing_and_sees_nothing_new(
    connection: Connection, planted: Planted, database: str
) -> None:
    async with replay.snapshot(connection):
        before = await replay.scope(connection)
        with psycopg.connect(database) as c:
            c.execute("update units set name = 'other name' where name like '%other'")
        assert await replay.scope(connection) == before
    with pytest.raises(StoreUnavailableError, match="read-only"):
        async with replay.snapshot(connection):
            await connection.execute("delete from units")


@pytest.mark.parametrize(
    ("narrowed", "count"),
    [
        ({}, 2), ({"organization": "acme"}, 2), ({"organization": "none"}, 0), ({"site": "SITE"}, 2),
        ({"site": "none"}, 0), ({"unit": "unit of other"}, 1), ({"unit": "id"}, 1), ({"site": "site", "unit": "x"}, 0),
    ],
)  # fmt: skip
async def test_a_scope_is_narrowed_by_name_or_id(
    connection: Connection, planted: Planted, narrowed: dict[str, str], count: int
) -> None:
    if narrowed.get("unit") == "id":
        narrowed = {"unit": str(planted.units[SERIAL])}
    assert len(await replay.scope(connection, **narrowed)) == count


async def test_rules_are_as_old_as_the_newest_of_their_parts(connection: Connection, planted: Planted) -> None:
    arrivals = Arrivals(connection, planted.units[SERIAL], restored=False)
    by_clock = Arrivals(connection, planted.units[SERIAL], restored=True)
    last = datetime(2030, 1, 1, tzinfo=UTC)
    for table, key in (
        ("organizations", planted.organization),
        ("units", planted.units[SERIAL]),
        ("sensors", planted.sensors[SERIAL]),
    ):
        await connection.execute("update units set notes = 'x' where name like '%other'")  # another transaction
        async with replay.snapshot(connection):
            before, _ = await arrivals.rules_changed()
            now = -await connection.fetchval("select age(xmin) from units where name like '%other'")
            assert before < now
        last += timedelta(days=1)
        await connection.execute(f"update {table} set updated_at = $1 where id = $2", last, key)
        async with replay.snapshot(connection):
            assert (await arrivals.rules_changed())[1] == last
            assert (await arrivals.rules_changed())[0] == -await connection.fetchval(
                f"select age(xmin) from {table} where id = $1", key
            )
            assert (await by_clock.rules_changed())[0] == round(last.timestamp() * 1e6)


async def test_outages_come_with_the_batch_that_ended_them(connection: Connection) -> None:
    ours, two = UUID(int=2), Shard(0, 2)
    assert await replay.ears(connection, ours, restored=False) == (None, [])
    assert await replay.listened_since(connection, ours) is None
    spans = [(NOON, NOON + timedelta(minutes=1)), (NOON + timedelta(minutes=5), NOON + timedelta(minutes=9))]
    for began, drained in spans:
        await outages.add(connection, two, outages.Outage(began, drained))
    await outages.add(connection, Shard(1, 2), outages.Outage(NOON - timedelta(days=1), NOON))
    await outages.listened(connection, WHOLE, NOON + timedelta(minutes=10))
    async with replay.snapshot(connection):
        until, found = await replay.ears(connection, ours, restored=False)
        by_clock = (await replay.ears(connection, ours, restored=True))[1]
    assert until == NOON + timedelta(minutes=10)
    assert [tuple(outage) for _, outage in found] == spans
    assert found[0][0] < found[1][0]
    assert [number for number, _ in by_clock] == [round(drained.timestamp() * 1e6) for _, drained in spans]
    assert await replay.listened_since(connection, ours) == spans[0][1]


async def test_facts_of_a_unit_come_in_the_order_of_their_batches(connection: Connection, planted: Planted) -> None:
    unit, organization = planted.units[SERIAL], planted.organization
    event = "insert into events (organization_id, unit_id, kind, at, data) values ($1, $2, $3, $4, $5::text::jsonb)"
    for kind, data in (
        ("data_late", "{}"), ("alarm_raised", '{"reason": "silence"}'), ("alarm_raised", '{"reason": "reading"}'),
        ("door_opened", "{}"),
    ):  # fmt: skip
        await connection.execute(event, organization, unit, kind, NOON, data)
    log = """insert into manual_logs (organization_id, unit_id, logged_at, created_at, celsius, judged_at)
             values ($1, $2, $3, $3, $4, $5)"""
    await connection.execute(log, organization, unit, NOON, 4.0, NOON)
    await connection.execute(log, organization, unit, NOON - timedelta(minutes=1), 5.0, NOON)
    await connection.execute(log, organization, unit, NOON, 6.0, None)
    arrivals = Arrivals(connection, unit, restored=False)
    async with replay.snapshot(connection):
        looks, logs = await arrivals.looks(), await arrivals.logs()
        assert await arrivals.resolved_by_people() == []
    assert [at for _, _, at in looks] == [NOON, NOON]
    assert [log.celsius for _, _, log in logs] == [4.0, 5.0]
    assert [number for number, *_ in (*looks, *logs)] == sorted(number for number, *_ in (*looks, *logs))


async def test_a_unit_without_a_state_has_none_on_record(connection: Connection, planted: Planted) -> None:
    assert await replay.recorded_state(connection, planted.units[SERIAL]) == (None, {})
    assert await replay.recorded_alerts(connection, planted.units[SERIAL]) == []
