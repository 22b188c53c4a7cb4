"""The buckets follow from the readings: whatever the order of arrival, the clock, a crash or a rebuild."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frostguard.config import DatabaseSettings
from frostguard.domain.buckets import Span, floor
from frostguard.domain.reading import Reading
from frostguard.domain.shards import WHOLE, Shard
from frostguard.errors import StoreUnavailableError
from frostguard.store import locks, partitions, readings, rollups
from frostguard.store.connection import Connection, connect
from ingest.batch import in_table_order
from ingest.rollups import LAG, Rollups
from tests.factories import SERIAL, Planted, identity, make_reading
from tests.fakes import NOON, Clock, until

DAY = timedelta(days=1)

DIRECT = """
select r.unit_id, date_bin($1, r.recorded_at, 'epoch') as at, r.sensor_id, count(*)::integer as readings,
       min(r.temperature) as lowest, max(r.temperature) as highest, round(sum(r.temperature)::numeric, 6) as total
  from sensor_readings r
 where r.temperature is not null and r.fault is null and r.recorded_at >= $2 and r.recorded_at < $3
 group by 1, 2, 3 order by 1, 2, 3
"""
STORED = """
select unit_id, at, sensor_id, readings, lowest, highest, round(total::numeric, 6) as total
  from reading_buckets where span = $1 and at >= $2 and at < $3 order by 1, 2, 3
"""


class Rig:
    """A writer and the roll-ups of one daemon, which can both be lost and begun anew."""

    def __init__(self, settings: DatabaseSettings, connection: Connection, units: Sequence[object]) -> None:
        self.settings = settings
        self.connection = connection
        self.units = list(units)
        self.clock = Clock(NOON)
        self.rollups = Rollups(settings, now=self.clock)

    async def begin(self) -> None:
        await partitions.ensure(self.connection, [NOON + n * DAY for n in range(-40, 8)])
        assert await locks.try_shard(self.connection, 0)
        await self.rollups.load(self.connection)

    async def restart(self) -> None:
        """Everything in memory is lost."""
        self.rollups = Rollups(self.settings, now=self.clock)
        await self.rollups.load(self.connection)

    def reading(self, minute: float, celsius: float | None = 4.0, unit: int = 0, **more: object) -> Reading:
        return make_reading(minute, celsius, unit_id=self.units[unit], **more)

    async def store(self, *rows: Reading) -> None:
        """As the writer does: rows, then marks, in one transaction."""
        async with self.connection.transaction():
            await readings.copy(self.connection, rows)
            oldest = min(row.recorded_at for row in rows)
            await self.rollups.horizon.mark_late(self.connection, in_table_order(rows), oldest, self.clock())

    async def step(self) -> None:
        """A while later, so that nothing is arriving any more."""
        self.clock.forward(seconds=30)
        await self.rollups.step(self.connection)

    async def differences(self) -> dict[Span, object]:
        """What the buckets say and the readings do not, or the other way round; nothing, if all is well."""
        stretch = await rollups.common_stretch(self.connection)
        assert stretch is not None
        found = {}
        for span in Span:
            bounds = (floor(stretch.since, span), floor(stretch.upto, span))
            direct = await self.connection.fetch(DIRECT, span.length, *bounds)
            stored = await self.connection.fetch(STORED, span, *bounds)
            if list(map(tuple, direct)) != list(map(tuple, stored)):
                found[span] = (direct, stored)
        return found

    async def buckets(self, span: Span) -> list[tuple[int, int, float, float]]:
        """Minutes since noon, readings, lowest, highest."""
        rows = await self.connection.fetch(
            "select at, readings, lowest, highest from reading_buckets where span = $1 order by at, unit_id", span
        )
        return [(int((r["at"] - NOON).total_seconds() // 60), *tuple(r)[1:]) for r in rows]


@pytest.fixture
async def rig(settings: DatabaseSettings, connection: Connection, planted: Planted) -> Rig:
    made = Rig(settings, connection, [planted.units[SERIAL], identity("no unit")])
    await made.begin()
    return made


@pytest.fixture
async def other(settings: DatabaseSettings) -> AsyncIterator[Connection]:
    opened = await connect(settings, "test-other")
    yield opened
    await opened.close()


async def test_a_closed_bucket_is_summed_and_an_open_one_is_not(rig: Rig) -> None:
    await rig.store(rig.reading(0, 4.0), rig.reading(4.9, 6.0), rig.reading(5, 8.0))
    rig.clock.at = NOON + timedelta(minutes=7)
    await rig.step()
    assert await rig.buckets(Span.FIVE_MINUTES) == [(0, 2, 4.0, 6.0)]
    assert await rig.buckets(Span.HOUR) == []
    rig.clock.at = NOON + timedelta(minutes=62)
    await rig.step()
    assert await rig.buckets(Span.FIVE_MINUTES) == [(0, 2, 4.0, 6.0), (5, 1, 8.0, 8.0)]
    assert await rig.buckets(Span.HOUR) == [(0, 3, 4.0, 8.0)]
    assert await rig.buckets(Span.DAY) == []
    rig.clock.at = NOON + timedelta(hours=12, minutes=2)
    await rig.step()
    assert await rig.buckets(Span.DAY) == [(-720, 3, 4.0, 8.0)]


async def test_a_bucket_waits_for_what_is_on_its_way(rig: Rig) -> None:
    await rig.store(rig.reading(1))
    rig.clock.at = NOON + timedelta(minutes=5) + LAG - timedelta(seconds=31)
    await rig.step()
    assert await rig.buckets(Span.FIVE_MINUTES) == []
    await rig.step()
    assert await rig.buckets(Span.FIVE_MINUTES) == [(0, 1, 4.0, 4.0)]


async def test_gaps_stay_gaps(rig: Rig) -> None:
    await rig.store(rig.reading(1), rig.reading(31))
    rig.clock.at = NOON + timedelta(minutes=40)
    await rig.step()
    assert [begin for begin, *_ in await rig.buckets(Span.FIVE_MINUTES)] == [0, 30]


async def test_a_fault_is_no_temperature(rig: Rig) -> None:
    await rig.store(rig.reading(1, 85.0, fault="out_of_range"), rig.reading(2, None, fault="no_probe"), rig.reading(3))
    await rig.store(rig.reading(6, None, door_open=True))
    rig.clock.at = NOON + timedelta(minutes=20)
    await rig.step()
    assert await rig.buckets(Span.FIVE_MINUTES) == [(0, 1, 4.0, 4.0)]


async def test_a_late_reading_is_summed_anew_on_all_levels(rig: Rig) -> None:
    await rig.store(rig.reading(-400), rig.reading(1))
    rig.clock.at = NOON + timedelta(days=1)
    await rig.step()
    await rig.store(rig.reading(3, -9.0), rig.reading(-100, 30.0))
    assert await rig.differences() != {}
    await rig.step()
    assert await rig.differences() == {}
    assert await rig.buckets(Span.DAY) == [(-720, 4, -9.0, 30.0)]
    assert await rig.connection.fetchval("select count(*) from late_hours") == 0


async def test_what_is_in_time_writes_no_mark(rig: Rig) -> None:
    rig.clock.at = NOON + timedelta(minutes=10)
    await rig.step()
    await rig.store(rig.reading(10.1), rig.reading(11))
    assert await rig.connection.fetchval("select count(*) from late_hours") == 0
    await rig.store(rig.reading(2), rig.reading(3), rig.reading(4))
    assert await rig.connection.fetchval("select count(*) from late_hours") == 1


async def test_a_backlog_marks_the_units_of_an_hour_together_and_they_are_summed_in_small_steps(rig: Rig) -> None:
    rig.clock.at = NOON + timedelta(hours=6)
    await rig.step()
    fleet = {identity(f"unit-{n}") for n in range(1298)}
    for _ in range(3):  # batches
        await rollups.mark_late(rig.connection, {NOON: fleet, NOON + timedelta(hours=1): fleet})
    assert await rig.connection.fetchval("select count(*) from late_hours") == 3 * 2 * 6
    last = await rollups.last_mark(rig.connection)
    await rollups.mark_late(rig.connection, {NOON: fleet})  # while the others are settled: for the next time
    steps = []
    async with rig.connection.transaction():
        while settled := await rollups.resum_late(rig.connection, WHOLE, last):
            steps.append(settled)
    assert steps == [6] * 6  # marks: of three batches, for 500 units at a time
    assert await rig.connection.fetchval("select count(*) from late_hours") == 6


async def test_readings_of_many_hours_mark_each_of_them(rig: Rig) -> None:
    rig.clock.at = NOON + timedelta(hours=6)
    await rig.step()
    await rig.store(rig.reading(1, unit=1), rig.reading(59), rig.reading(60), rig.reading(61), rig.reading(290))
    marks = await rig.connection.fetch("select hour, unit_ids from late_hours order by hour")
    assert [((m["hour"] - NOON) // timedelta(hours=1), set(m["unit_ids"])) for m in marks] == [
        (0, {rig.units[0], rig.units[1]}), (1, {rig.units[0]}), (4, {rig.units[0]}),
    ]  # fmt: skip


async def test_a_mark_goes_with_its_transaction(rig: Rig) -> None:
    rig.clock.at = NOON + timedelta(minutes=10)
    await rig.step()
    transaction = rig.connection.transaction()
    await transaction.start()
    row = rig.reading(2)
    await readings.copy(rig.connection, [row])
    await rig.rollups.horizon.mark_late(rig.connection, [row], row.recorded_at, rig.clock())
    await transaction.rollback()
    assert await rig.connection.fetchval("select count(*) from late_hours") == 0


async def test_summing_waits_for_a_batch_that_had_not_heard_of_the_horizon(
    rig: Rig, other: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bool] = []
    ask = rollups.all_ended

    async def listen(connection: Connection, ceiling: str) -> bool:
        answers.append(await ask(connection, ceiling))
        return answers[-1]

    monkeypatch.setattr(rollups, "all_ended", listen)
    rig.clock.at = NOON + timedelta(minutes=10)
    row = rig.reading(2)
    transaction = rig.connection.transaction()
    await transaction.start()
    await readings.copy(rig.connection, [row])
    long_ago = rig.clock() - DAY
    await rig.rollups.horizon.mark_late(rig.connection, [row], row.recorded_at, long_ago)  # in time, as far as it knows
    summing = asyncio.create_task(rig.rollups.step(other))
    await until(lambda: answers, "it has asked")
    assert rig.rollups.horizon.at == NOON + timedelta(minutes=5)
    await transaction.commit()
    await summing
    assert (answers[0], answers[-1]) == (False, True)
    assert await rig.buckets(Span.FIVE_MINUTES) == [(0, 1, 4.0, 4.0)]


async def test_a_batch_that_comes_while_a_stretch_is_summed_is_late_for_it(rig: Rig) -> None:
    rig.rollups.horizon.at = NOON + timedelta(minutes=5)  # announced, and lost before it was summed
    await rig.store(rig.reading(2))
    assert await rig.connection.fetchval("select count(*) from late_hours") == 1
    rig.clock.at = NOON + timedelta(minutes=10)
    await rig.step()
    assert await rig.differences() == {}
    assert await rig.buckets(Span.FIVE_MINUTES) == [(0, 1, 4.0, 4.0)]


async def test_summing_stays_behind_a_backlog(rig: Rig) -> None:
    rig.clock.at = NOON + timedelta(hours=3)
    await rig.store(*[rig.reading(minute) for minute in range(60, 80)])
    await rig.rollups.step(rig.connection)
    assert rig.rollups.horizon.at == NOON + timedelta(minutes=70)
    await rig.step()
    assert rig.rollups.horizon.at == NOON + timedelta(hours=2, minutes=55)
    assert await rig.differences() == {}


async def test_after_days_of_silence_all_is_summed_day_by_day(rig: Rig) -> None:
    await rig.store(*[rig.reading(minute, minute / 100) for minute in range(0, 4000, 7)])
    rig.clock.at = NOON + timedelta(days=4)
    await rig.step()
    assert await rig.differences() == {}
    assert len(await rig.buckets(Span.DAY)) == 4


async def test_before_anything_is_known_every_reading_counts_as_late(rig: Rig) -> None:
    rig.rollups = Rollups(rig.settings, now=rig.clock)
    await rig.store(rig.reading(1))
    assert await rig.connection.fetchval("select count(*) from late_hours") == 1


async def test_nothing_is_summed_while_somebody_else_does(rig: Rig, other: Connection) -> None:
    await rig.store(rig.reading(1))
    rig.clock.at = NOON + timedelta(minutes=10)
    async with rollups.exclusive(other) as ours:
        assert ours
        await rig.step()
        assert await rig.buckets(Span.FIVE_MINUTES) == []
    await rig.step()
    assert await rig.buckets(Span.FIVE_MINUTES) == [(0, 1, 4.0, 4.0)]


async def test_who_does_not_hold_the_shard_sums_nothing(
    rig: Rig, other: Connection, settings: DatabaseSettings
) -> None:
    await rig.store(rig.reading(1))
    rig.clock.at = NOON + timedelta(minutes=10)
    standby = Rollups(settings, now=rig.clock)
    await standby.load(other)  # a daemon never does, before it holds the shard
    await standby.step(other)
    assert await rig.buckets(Span.FIVE_MINUTES) == []
    await rig.step()
    assert await rig.buckets(Span.FIVE_MINUTES) == [(0, 1, 4.0, 4.0)]


async def test_a_new_holder_waits_for_what_is_being_summed(
    rig: Rig, other: Connection, settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the shard while the old holder sums: what it learns must not be less than what comes of that."""
    heir = Rollups(settings, now=rig.clock)
    loading: list[asyncio.Task[None]] = []
    really = rollups._sum

    async def meanwhile(connection: Connection, shard: Shard, begin: datetime, end: datetime) -> None:
        loading.append(asyncio.create_task(heir.load(other)))
        await until(lambda: _waits(rig.connection, other), "it waits for the row")
        await really(connection, shard, begin, end)

    monkeypatch.setattr(rollups, "_sum", meanwhile)
    rig.clock.at = NOON + timedelta(minutes=6)
    await rig.step()
    await asyncio.gather(*loading)
    assert heir.horizon.at == rig.rollups.horizon.at == NOON + timedelta(minutes=5)


async def _waits(connection: Connection, other: Connection) -> bool:
    blocked: bool = await connection.fetchval("select cardinality(pg_blocking_pids($1)) > 0", other.get_server_pid())
    return blocked


async def test_the_task_goes_on_after_a_lost_connection(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.rollups.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("ingest.rollups.EVERY_SECONDS", 0.01)
    await rig.store(rig.reading(1))
    rig.clock.at = NOON + timedelta(minutes=10)
    running = asyncio.create_task(rig.rollups.run())
    try:
        await until(lambda: _summed(rig, 1), "the first bucket")
        await rig.connection.execute(
            """select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and application_name = 'frostguard-rollups-0'"""
        )
        rig.clock.at = NOON + timedelta(minutes=20)
        await rig.store(rig.reading(11))
        rig.clock.at = NOON + timedelta(minutes=30)
        await until(lambda: _summed(rig, 2), "the second bucket")
    finally:
        running.cancel()
        await asyncio.wait([running])


async def _summed(rig: Rig, count: int) -> bool:
    return len(await rig.buckets(Span.FIVE_MINUTES)) == count


async def test_a_lock_that_dies_with_its_connection_is_free(rig: Rig, settings: DatabaseSettings) -> None:
    doomed = await connect(settings, "doomed")

    async def lose() -> None:
        async with rollups.exclusive(doomed):
            doomed.terminate()
            await rollups.ceiling(doomed)

    with pytest.raises(StoreUnavailableError):
        await lose()
    await until(lambda: _free(rig.connection), "the server has noticed")


async def _free(connection: Connection) -> bool:
    async with rollups.exclusive(connection) as ours:
        return ours


# --- rebuilding


async def test_history_that_went_in_by_copy_is_summed_on_request(rig: Rig) -> None:
    rows = [rig.reading(minute, minute % 50) for minute in range(-3 * 1440, 0, 17)]
    await readings.copy(rig.connection, rows)
    rig.clock.at = NOON + timedelta(minutes=10)
    await rig.step()
    for day in range(4):
        async with rollups.exclusive(rig.connection):
            await rollups.rebuild_day(rig.connection, WHOLE, floor(NOON, Span.DAY) - day * DAY)
    stretch = await rollups.common_stretch(rig.connection)
    assert stretch is not None
    assert stretch.since == floor(NOON, Span.DAY) - 3 * DAY
    assert await rig.differences() == {}


async def test_a_day_beyond_a_gap_is_summed_and_not_counted_on(rig: Rig) -> None:
    before = await rollups.common_stretch(rig.connection)
    async with rollups.exclusive(rig.connection):
        await rollups.rebuild_day(rig.connection, WHOLE, floor(NOON, Span.DAY) - 2 * DAY)
    assert await rollups.common_stretch(rig.connection) == before


async def test_a_rebuild_removes_what_no_reading_says_any_more(rig: Rig) -> None:
    await rig.store(rig.reading(1), rig.reading(7))
    rig.clock.at = NOON + DAY
    await rig.step()
    await rig.connection.execute("delete from sensor_readings where recorded_at = $1", NOON + timedelta(minutes=1))
    async with rollups.exclusive(rig.connection):
        await rollups.rebuild_day(rig.connection, WHOLE, floor(NOON, Span.DAY))
    assert await rig.differences() == {}
    assert await rig.buckets(Span.FIVE_MINUTES) == [(5, 1, 4.0, 4.0)]


# --- the property

minutes = st.floats(-3000, 3000).map(lambda minute: round(minute, 2))
batches = st.lists(
    st.tuples(minutes, st.floats(-40, 40).map(lambda c: round(c, 2)) | st.none()), min_size=1, max_size=8
)
deeds = st.one_of(
    st.tuples(st.just("store"), batches),
    st.tuples(st.just("forward"), st.integers(1, 1500)),
    st.just(("step", None)),
    st.just(("crash", None)),
    st.tuples(st.just("rebuild"), st.integers(-3, 1)),
)


async def _live(rig: Rig, story: list[tuple[str, object]]) -> None:
    await rig.connection.execute("truncate sensor_readings, reading_buckets, rollup_progress, late_hours")
    await rig.restart()
    number = 0
    for deed, what in [*story, ("forward", 3000), ("step", None), ("step", None)]:
        if deed == "store":
            number += 1
            await rig.store(*[rig.reading(m, c, seq=100 * number + n) for n, (m, c) in enumerate(what)])
        elif deed == "forward":
            rig.clock.forward(minutes=what)
        elif deed == "step":
            await rig.step()
        elif deed == "crash":
            await rig.restart()
        else:
            async with rollups.exclusive(rig.connection):
                await rollups.rebuild_day(rig.connection, WHOLE, floor(NOON, Span.DAY) + what * DAY)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(deeds, max_size=12))
def test_buckets_equal_the_readings_after_any_history(
    database: str, planted: Planted, story: list[tuple[str, object]]
) -> None:
    async def tell() -> None:
        where = DatabaseSettings(url=database, command_timeout=10)
        connection = await connect(where, "test")
        try:
            rig = Rig(where, connection, [planted.units[SERIAL]])
            await rig.begin()
            await _live(rig, story)
            assert await rig.differences() == {}
        finally:
            await connection.close()

    asyncio.run(tell())
