"""One batch, one transaction, against a real PostgreSQL: all of it or nothing, whatever happens in the middle."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest

from frostguard.config import DatabaseSettings, IngestSettings
from frostguard.domain.reading import Reading
from frostguard.domain.shards import Shard
from frostguard.errors import FrostGuardError, LockLostError, RowRefusedError, StoreUnavailableError
from frostguard.store import dead_letters, held, partitions
from frostguard.store.connection import Connection, translated
from frostguard.store.dead_letters import DeadLetter
from frostguard.store.watermarks import KEPT_BOOTS
from ingest.batch import Batch
from ingest.fleet import Fleet
from ingest.intake import Intake
from ingest.writer import How, Writer
from tests.factories import (
    GATEWAY,
    SERIAL,
    Planted,
    assign,
    make_reading,
    plant_sensor,
    plant_unit,
    topic_of,
)
from tests.fakes import until

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def fleet(connection: Connection, planted: Planted) -> Fleet:
    known = Fleet()
    await known.load(connection)
    return known


@pytest.fixture
async def writer(settings: DatabaseSettings, fleet: Fleet) -> AsyncIterator[Writer]:
    opened = await Writer.open(settings, fleet)
    yield opened
    opened.abandon()


def at(minute: float) -> datetime:
    return NOW - timedelta(hours=3) + timedelta(minutes=minute)


def row(planted: Planted, minute: float = 0, celsius: float | None = 4.0, **changes: Any) -> Reading:
    base = {"unit_id": planted.units[SERIAL], "sensor_id": planted.sensors[SERIAL], "received_at": NOW}
    return make_reading(0, celsius, recorded_at=at(minute), **(base | changes))


def batch(rows: list[Reading] | None = None, **changes: Any) -> Batch:
    made = Batch(messages=1, packet_ids=[1])
    made.rows = rows or []
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def letter(planted: Planted, reason: str = "not_json") -> DeadLetter:
    return DeadLetter(NOW, planted.organization, planted.gateways[GATEWAY], topic_of().decode(), b"x", reason, "")


async def stored(connection: Connection) -> list[Reading]:
    columns = ", ".join(Reading._fields)
    found = await connection.fetch(f"select {columns} from sensor_readings order by recorded_at, sensor_id, seq")
    return [Reading(*record) for record in found]


PAUSE = """
create function pause() returns trigger language plpgsql as $$ begin perform pg_sleep(20); return new; end $$
"""
ASLEEP = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
KILL_SLEEPER = """
select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()
"""

TABLES = (
    "sensor_readings",
    "held_readings",
    "dead_letters",
    "dead_letter_overflows",
    "gateway_watermarks",
    "gateway_states",
)


async def counts(connection: Connection) -> dict[str, int]:
    return {table: await connection.fetchval(f"select count(*) from {table}") for table in TABLES}


def full_batch(planted: Planted) -> Batch:
    """Something for every table."""
    gateway = planted.gateways[GATEWAY]
    sensor = uuid4()
    return batch(
        [row(planted, n, seq=n + 1) for n in range(50)],
        pending={(planted.organization, "new-1"): (sensor, planted.organization, gateway, "new-1", NOW)},
        held=[row(planted, n, unit_id=sensor, sensor_id=sensor) for n in range(5)],
        letters=[letter(planted)],
        overflows=Counter({(GATEWAY, NOW.replace(minute=0, second=0), "not_json"): 7}),
        numbers={(gateway, "k3f9"): list(range(1, 51))},
        statuses={gateway: (True, NOW)},
        heard={gateway: NOW},
    )


FULL = dict(zip(TABLES, (50, 5, 1, 1, 1, 1), strict=True))


async def test_a_batch_writes_all_its_tables(writer: Writer, connection: Connection, planted: Planted) -> None:
    given = full_batch(planted)
    written = await writer.commit(given)
    assert await counts(connection) == FULL
    assert await stored(connection) == given.rows
    assert list(written.new) == given.rows
    assert written.duplicates == 0
    assert {key: progress.upto for key, progress in written.moved.items()} == {(planted.gateways[GATEWAY], "k3f9"): 50}
    (sensor,) = await connection.fetch("select id, unit_id, first_seen_at from sensors where serial = 'new-1'")
    assert tuple(sensor) == (given.held[0].sensor_id, None, NOW)
    assert tuple(await connection.fetchrow("select online, last_heard_at from gateway_states")) == (True, NOW)


@pytest.mark.parametrize("table", TABLES)
async def test_when_one_table_fails_none_has_anything(
    writer: Writer, connection: Connection, planted: Planted, table: str
) -> None:
    """The failure is one of the server (SQLSTATE 53100, disk full): retried as a whole, never sifted."""
    await connection.execute(
        f"""create function fail() returns trigger language plpgsql as $$
              begin raise exception 'no room' using errcode = '53100'; end $$;
            create trigger fail before insert on {table} for each row execute function fail()"""
    )
    given = full_batch(planted)
    with pytest.raises(StoreUnavailableError, match="53100"):
        await writer.commit(given)
    assert await counts(connection) == dict.fromkeys(TABLES, 0)
    assert await connection.fetchval("select count(*) from sensors where serial = 'new-1'") == 0
    await connection.execute(f"drop trigger fail on {table}")
    written = await writer.commit(given)  # on the same connection
    assert await counts(connection) == FULL
    assert len(written.new) == 50


@pytest.mark.parametrize("table", ["sensor_readings", "gateway_states"])
async def test_a_backend_that_dies_in_the_middle_leaves_nothing(
    settings: DatabaseSettings, writer: Writer, connection: Connection, planted: Planted, table: str
) -> None:
    await connection.execute(PAUSE)
    await connection.execute(f"create trigger pause before insert on {table} for each row execute function pause()")
    given = full_batch(planted)
    commit = asyncio.create_task(writer.commit(given))
    await until(lambda: connection.fetchval(KILL_SLEEPER), "the batch is in the middle")
    with pytest.raises(StoreUnavailableError):
        await commit
    assert not writer.usable
    with pytest.raises(StoreUnavailableError):
        await writer.commit(given)
    assert await counts(connection) == dict.fromkeys(TABLES, 0)
    await connection.execute(f"drop trigger pause on {table}")
    second = await _open_again(settings)
    try:
        await second.commit(given)
        assert await counts(connection) == FULL
    finally:
        second.abandon()


async def _open_again(settings: DatabaseSettings) -> Writer:
    """The lock is free as soon as the server has noticed that its holder is gone."""
    opened: list[Writer] = []

    async def attempt() -> bool:
        try:
            opened.append(await Writer.open(settings, Fleet()))
        except LockLostError:
            return False
        return True

    await until(attempt, "the shard is free")
    return opened[0]


async def test_a_cancelled_commit_stores_nothing_and_can_be_repeated(
    writer: Writer, connection: Connection, planted: Planted
) -> None:
    await connection.execute(PAUSE)
    await connection.execute(
        "create trigger pause before insert on gateway_states for each row execute function pause()"
    )
    commit = asyncio.create_task(writer.commit(full_batch(planted)))
    await until(lambda: connection.fetchval(ASLEEP), "the batch is in the middle")
    commit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await commit
    await until(lambda: _none(connection, ASLEEP), "the server has noticed")
    assert await counts(connection) == dict.fromkeys(TABLES, 0)


async def _none(connection: Connection, query: str) -> bool:
    return not await connection.fetchval(query)


# --- what came again


async def test_the_same_batch_again_changes_nothing(writer: Writer, connection: Connection, planted: Planted) -> None:
    await writer.commit(full_batch(planted))
    written = await writer.commit(batch(full_batch(planted).rows))
    assert (list(written.new), written.duplicates) == ([], 50)
    assert await counts(connection) == FULL


async def test_only_what_is_new_is_said_to_be_new(writer: Writer, connection: Connection, planted: Planted) -> None:
    await writer.commit(batch([row(planted, n) for n in range(0, 10, 2)]))
    written = await writer.commit(batch([row(planted, n) for n in range(10)]))
    assert [r.recorded_at for r in written.new] == [at(n) for n in range(1, 10, 2)]
    assert written.duplicates == 5
    assert len(await stored(connection)) == 10


@pytest.mark.parametrize("redelivered", [False, True])
async def test_a_reading_twice_in_one_batch_is_stored_once_and_the_first_one_wins(
    writer: Writer, connection: Connection, planted: Planted, redelivered: bool
) -> None:
    rows = [row(planted, 1, 4.0), row(planted, 2, 5.0), row(planted, 1, 6.0), row(planted, 1, 4.0)]
    written = await writer.commit(batch(rows, redelivered=redelivered))
    assert list(written.new) == rows[:2]
    assert written.duplicates == 2
    assert await stored(connection) == rows[:2]


async def test_one_instant_with_two_numbers_is_two_readings(
    writer: Writer, connection: Connection, planted: Planted
) -> None:
    rows = [row(planted, 1, 4.0, seq=1), row(planted, 1, 5.0, seq=2)]
    await writer.commit(batch(rows))
    assert await stored(connection) == rows


VARIED = [
    {}, {"temperature": None, "fault": "no_probe"}, {"humidity": 51.5}, {"door_open": False}, {"door_open": True},
    {"battery_volts": 3.5, "battery_percent": 88}, {"rssi": -97, "snr": 7.5}, {"temperature": -0.0},
    {"temperature": 149.99999999999997}, {"seq": 2**63 - 1}, {"fault": "ü" * 50, "temperature": None},
    {"humidity": 0.0, "door_open": True, "battery_volts": 0.0, "battery_percent": 0, "rssi": -150, "snr": -50.0},
    {"recorded_at": at(0) + timedelta(microseconds=1)}, {"received_at": NOW + timedelta(microseconds=999_999)},
]  # fmt: skip


@pytest.mark.parametrize("how", list(How), ids=lambda how: how.name)
async def test_every_way_of_storing_stores_the_same(
    writer: Writer, connection: Connection, planted: Planted, how: How
) -> None:
    rows = [row(planted, 10 + n)._replace(**changes) for n, changes in enumerate(VARIED)]
    written = await writer._transaction(batch(rows), how)
    assert list(written.new) == rows
    assert await stored(connection) == sorted(rows, key=lambda r: r.recorded_at)
    assert written.duplicates == 0


async def test_where_one_came_again_the_next_batches_expect_more(
    writer: Writer, connection: Connection, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[How] = []
    original = writer._transaction

    async def noted(given: Batch, how: How) -> Any:
        ways.append(how)
        return await original(given, how)

    monkeypatch.setattr(writer, "_transaction", noted)
    for n in range(3):
        await writer.commit(batch([row(planted, n)]))
    await writer.commit(batch([row(planted, 2), row(planted, 3)]))
    for n in range(4, 30):
        await writer.commit(batch([row(planted, n)]))
    assert ways[:5] == [How.COPY] * 4 + [How.STAGE]
    assert How.STAGE in ways[5:10]
    assert ways[-1] is How.COPY  # and it is forgotten again
    assert len(await stored(connection)) == 30


async def test_screens_are_woken_when_there_is_something_new_and_only_then(
    writer: Writer, connection: Connection, planted: Planted
) -> None:
    woken = []
    with translated():
        await connection.add_listener("feed", lambda *_: woken.append(1))
    await writer.commit(batch([row(planted, 1)]))
    await writer.commit(batch([row(planted, 1)]))
    await writer.commit(batch(letters=[letter(planted)]))
    await writer.commit(batch([row(planted, 2)]))
    await until(lambda: len(woken) >= 2, "two wake-ups")
    await connection.fetchval("select 1")
    assert len(woken) == 2


# --- poison


@pytest.mark.parametrize("bad", [[0], [63], [99], [10, 11, 50, 98], list(range(100))])
async def test_a_refused_row_is_found_and_its_neighbours_are_stored(
    writer: Writer, connection: Connection, planted: Planted, bad: list[int]
) -> None:
    await connection.execute("alter table sensor_readings add constraint poison check (temperature <> 13)")
    rows = [row(planted, n, 13.0 if n in bad else 4.0, seq=n + 1, rssi=-97, door_open=True) for n in range(100)]
    gateway = planted.gateways[GATEWAY]
    await connection.execute("update sensors set gateway_id = $1", gateway)
    written = await writer.commit(batch(rows, numbers={(gateway, "b"): list(range(1, 101))}))
    good = [r for n, r in enumerate(rows) if n not in bad]
    assert list(written.new) == good
    assert await stored(connection) == good
    assert written.moved[gateway, "b"].upto == 100
    letters = await connection.fetch("select * from dead_letters order by id")
    assert len(letters) == len(written.refused) == len(bad)
    assert {(one["reason"], one["topic"], one["gateway_id"]) for one in letters} == {
        ("refused_by_database", topic_of().decode(), gateway)
    }
    assert "poison" in letters[0]["detail"]
    # Once the reason is gone it can be taken again, and is the reading that it was.
    await connection.execute("alter table sensor_readings drop constraint poison")
    await _replay_all(writer, connection)
    assert await stored(connection) == rows
    assert await connection.fetchval("select count(*) from dead_letters where replayed_at is null") == 0


async def _replay_all(writer: Writer, connection: Connection) -> None:
    fleet = Fleet()
    await fleet.load(connection)
    intake = Intake(IngestSettings(), fleet)
    await dead_letters.request_replay(connection)
    for one in await writer.requested_replays(1000):
        intake.replay(one["id"], one["received_at"], one["topic"], one["payload"])
    await writer.commit(intake.cut())


@pytest.mark.parametrize(
    "poison",
    [
        {"temperature": float("nan")}, {"temperature": float("inf")}, {"temperature": 151.0}, {"humidity": 101.0},
        {"battery_volts": -1.0}, {"battery_percent": 101}, {"battery_percent": 40_000}, {"rssi": 1}, {"rssi": 2**40},
        {"snr": 51.0}, {"seq": 2**63}, {"fault": "f" * 51}, {"fault": "a\0b"}, {"humidity": 1e300},
    ],
    ids=str,
)  # fmt: skip
async def test_what_the_intake_would_never_pass_is_refused_by_the_table_and_costs_only_itself(
    writer: Writer, connection: Connection, planted: Planted, poison: dict[str, Any]
) -> None:
    rows = [row(planted, 1), row(planted, 2)._replace(**poison), row(planted, 3)]
    written = await writer.commit(batch(rows))
    assert list(written.new) == [rows[0], rows[2]]
    assert await stored(connection) == [rows[0], rows[2]]
    assert await connection.fetchval("select count(*) from dead_letters") == 1
    await writer.commit(batch([row(planted, 4)]))  # the connection is as good as before


async def test_a_refused_row_of_a_network_is_kept_under_its_sensor(
    writer: Writer, connection: Connection, planted: Planted
) -> None:
    """A single reading cannot be sent again as an uplink, so nothing pretends that it could."""
    await connection.execute("alter table sensor_readings add constraint poison check (temperature <> 13)")
    network = await connection.fetchval(
        "insert into gateways (organization_id, kind, serial, name) values ($1, 'tts', 'a@b', 'n') returning id",
        planted.organization,
    )
    await connection.execute("update sensors set gateway_id = $1", network)
    await writer.commit(batch([row(planted, 1, 13.0)]))
    (one,) = await connection.fetch("select topic, payload, gateway_id from dead_letters")
    assert one["topic"] == f"sensor/{planted.sensors[SERIAL]}"
    assert one["gateway_id"] == network
    assert orjson.loads(one["payload"])["readings"][0]["sensor"] == SERIAL


async def test_a_refused_held_row_costs_only_itself(writer: Writer, connection: Connection, planted: Planted) -> None:
    """The sensor was deleted for good while its reading was on the way."""
    with psycopg.connect(writer_url(connection), autocommit=True) as c:
        waiting = plant_sensor(c, planted.organization, "held-1", None)
    gone = uuid4()
    rows = [row(planted, 1, unit_id=waiting, sensor_id=waiting), row(planted, 2, unit_id=gone, sensor_id=gone)]
    written = await writer.commit(batch([row(planted, 3)], held=rows))
    assert len(written.new) == 1
    assert await connection.fetchval("select count(*) from held_readings") == 1
    (one,) = await connection.fetch("select reason, topic from dead_letters")
    assert tuple(one) == ("refused_by_database", f"sensor/{gone}")


def writer_url(connection: Connection) -> str:
    address, parameters = connection._addr, connection._params
    return f"postgresql://{parameters.user}:{parameters.password}@{address[0]}:{address[1]}/{parameters.database}"


async def test_an_error_of_a_statement_that_is_no_row_leaves_the_connection_usable(
    writer: Writer, connection: Connection, planted: Planted
) -> None:
    bad = DeadLetter(NOW, None, None, "t" * 2000, b"x", "not_json", "")
    with pytest.raises(RowRefusedError):
        await writer.commit(batch([row(planted, 1)], letters=[bad]))
    assert await counts(connection) == dict.fromkeys(TABLES, 0)
    await writer.commit(batch([row(planted, 1)]))


# --- partitions


@pytest.mark.case("B14")
async def test_a_missing_partition_is_made(writer: Writer, connection: Connection, planted: Planted) -> None:
    before = await partitions.existing(connection)
    old = [row(planted)._replace(recorded_at=NOW - timedelta(days=days)) for days in (700, 500, 30)]
    written = await writer.commit(batch([row(planted), *old]))
    assert len(written.new) == 4
    made = await partitions.existing(connection) - before
    assert made == {partitions.name_of(one.recorded_at) for one in old}
    assert len(await stored(connection)) == 4


@pytest.mark.case("B14")
async def test_a_missing_partition_is_made_for_a_redelivery_and_beside_poison_too(
    writer: Writer, connection: Connection, planted: Planted
) -> None:
    old = row(planted)._replace(recorded_at=NOW - timedelta(days=300))
    older = row(planted)._replace(recorded_at=NOW - timedelta(days=400))
    assert len((await writer.commit(batch([old], redelivered=True))).new) == 1
    poison = row(planted, 1, 999.0)
    written = await writer.commit(batch([row(planted, 2), poison, older]))
    assert len(written.new) == 2
    assert len(written.refused) == 1


async def test_no_partition_is_made_ahead_but_those_of_the_next_fortnight(
    writer: Writer, connection: Connection
) -> None:
    names = await partitions.existing(connection)
    assert names >= {partitions.name_of(NOW + timedelta(days=n)) for n in range(-7, 15)}
    assert len(names) == 5
    assert writer.usable


# --- readings that wait for their sensor


async def test_held_readings_move_in_when_their_sensor_is_assigned(
    database: str, writer: Writer, connection: Connection, planted: Planted
) -> None:
    given = full_batch(planted)
    sensor = given.held[0].sensor_id
    await writer.commit(given)
    assert (await writer.commit(batch(assigned={sensor}))).released == 0  # nobody assigned it yet
    with psycopg.connect(database, autocommit=True) as c:
        unit = plant_unit(c, planted.organization, planted.area, "Another")
        assign(c, sensor, unit)
    assert await held.assigned_with_held(connection) == [sensor]
    written = await writer.commit(batch(assigned={sensor}))
    assert written.released == 5
    assert list(written.new) == [one._replace(unit_id=unit) for one in given.held]
    assert await connection.fetchval("select count(*) from held_readings") == 0
    assert await connection.fetchval("select count(*) from sensor_readings where unit_id = $1", unit) == 5


async def test_a_reading_that_was_held_and_came_again_is_new_once(
    database: str, writer: Writer, connection: Connection, planted: Planted
) -> None:
    with psycopg.connect(database, autocommit=True) as c:
        sensor = plant_sensor(c, planted.organization, "held-1", None)
    waiting = [row(planted, n, unit_id=sensor, sensor_id=sensor) for n in range(3)]
    await writer.commit(batch(held=waiting))
    unit = planted.units[SERIAL]
    with psycopg.connect(database, autocommit=True) as c:
        c.execute("update sensors set is_primary = false")
        assign(c, sensor, unit)
    again = [waiting[1]._replace(unit_id=unit)]
    written = await writer.commit(batch(again, assigned={sensor}, redelivered=True))
    assert sorted(one.recorded_at for one in written.new) == [at(0), at(1), at(2)]
    assert len(await stored(connection)) == 3


async def test_a_held_reading_that_the_table_refuses_does_not_stop_the_line(
    database: str, writer: Writer, connection: Connection, planted: Planted
) -> None:
    with psycopg.connect(database, autocommit=True) as c:
        sensor = plant_sensor(c, planted.organization, "held-1", None)
    await writer.commit(
        batch(held=[row(planted, n, c, unit_id=sensor, sensor_id=sensor) for n, c in enumerate((4.0, 13.0, 5.0))])
    )
    await connection.execute("alter table sensor_readings add constraint poison check (temperature <> 13)")
    with psycopg.connect(database, autocommit=True) as c:
        assign(c, sensor, plant_unit(c, planted.organization, planted.area, "Another"))
    written = await writer.commit(batch([row(planted, 9)], assigned={sensor}))
    assert written.released == 2
    assert sorted(one.temperature for one in await stored(connection)) == [4.0, 4.0, 5.0]
    assert await connection.fetchval("select count(*) from held_readings") == 0
    assert await connection.fetchval("select reason from dead_letters") == "refused_by_database"


async def test_held_readings_do_not_move_into_a_deleted_unit(
    database: str, writer: Writer, connection: Connection, planted: Planted
) -> None:
    sensor, unit = planted.sensors[SERIAL], planted.units[SERIAL]
    await connection.execute("update units set deleted_at = now() where id = $1", unit)
    await writer.commit(batch(held=[row(planted, 1, unit_id=sensor, sensor_id=sensor)]))
    assert await held.assigned_with_held(connection) == []
    assert (await writer.commit(batch(assigned={sensor}))).released == 0
    assert await connection.fetchval("select count(*) from held_readings") == 1


async def test_a_sensor_that_somebody_else_registered_first_keeps_that_id(
    database: str, writer: Writer, connection: Connection, planted: Planted
) -> None:
    with psycopg.connect(database, autocommit=True) as c:
        theirs = plant_sensor(c, planted.organization, "new-1", None)
    await writer.commit(full_batch(planted))
    assert await connection.fetchval("select count(*) from sensors where serial = 'new-1'") == 1
    assert {one[0] for one in await connection.fetch("select sensor_id from held_readings")} == {theirs}


async def test_a_sensor_that_was_registered_and_assigned_meanwhile_gets_its_readings(
    database: str, writer: Writer, connection: Connection, planted: Planted
) -> None:
    with psycopg.connect(database, autocommit=True) as c:
        unit = plant_unit(c, planted.organization, planted.area, "Another")
        plant_sensor(c, planted.organization, "new-1", unit)
    given = full_batch(planted)
    await writer._fleet.load(connection)
    writer._fleet.units.pop(unit)  # as long as the fleet does not know of it, nobody would judge them
    assert (await writer.commit(given)).released == 0
    changes = await writer._fleet.load(connection)
    assert unit in changes.units
    sensor = await connection.fetchval("select id from sensors where serial = 'new-1'")
    written = await writer.commit(batch(assigned={sensor}))
    assert written.released == 5
    assert await connection.fetchval("select count(*) from sensor_readings where unit_id = $1", unit) == 5
    assert writer._memory.units[unit].measured_at == max(one.recorded_at for one in given.held)


# --- watermarks


async def test_watermarks_wait_for_the_gap_and_survive_a_restart(
    settings: DatabaseSettings, writer: Writer, connection: Connection, planted: Planted
) -> None:
    key = (planted.gateways[GATEWAY], "b")
    assert (await writer.commit(batch(numbers={key: [1, 2, 4, 5, 9]}))).moved[key].upto == 2
    assert tuple(await connection.fetchrow("select upto, beyond from gateway_watermarks")) == (2, [4, 5, 9, 9])
    writer.abandon()
    second = await _open_again(settings)
    try:
        assert (await second.commit(batch(numbers={key: [3]}))).moved[key].upto == 5
        written = await second.commit(batch(oldest={key: 8}))
        assert (written.given_up, written.moved[key].upto) == (2, 7)
        assert (await second.commit(batch(numbers={key: [8]}))).moved[key].upto == 9
    finally:
        second.abandon()


async def test_a_batch_that_failed_moves_no_watermark(writer: Writer, connection: Connection, planted: Planted) -> None:
    key = (planted.gateways[GATEWAY], "b")
    bad = DeadLetter(NOW, None, None, "t" * 2000, b"x", "not_json", "")
    with pytest.raises(FrostGuardError):
        await writer.commit(batch(numbers={key: [1, 2, 3]}, letters=[bad]))
    written = await writer.commit(batch(numbers={key: [2]}))
    assert (written.moved[key].upto, written.moved[key].beyond()) == (0, [2, 2])


async def test_only_the_newest_boots_are_kept(writer: Writer, connection: Connection, planted: Planted) -> None:
    gateway = planted.gateways[GATEWAY]
    for n in range(KEPT_BOOTS + 3):
        await writer.commit(batch(numbers={(gateway, f"boot-{n}"): [1]}))
    kept = [one[0] for one in await connection.fetch("select boot from gateway_watermarks order by updated_at")]
    assert kept == [f"boot-{n}" for n in range(3, KEPT_BOOTS + 3)]


async def test_what_belongs_to_a_deleted_gateway_is_left_out(
    writer: Writer, connection: Connection, planted: Planted
) -> None:
    given = full_batch(planted)
    given.pending, given.held = {}, []
    await connection.execute("delete from gateways where id = $1", planted.gateways[GATEWAY])
    await writer.commit(given)
    assert await counts(connection) == dict(zip(TABLES, (50, 0, 1, 1, 0, 0), strict=True))


# --- the lock


async def test_a_second_writer_of_the_shard_is_refused_until_the_first_is_gone(
    settings: DatabaseSettings, writer: Writer, connection: Connection
) -> None:
    with pytest.raises(LockLostError, match="another daemon holds shard 0"):
        await Writer.open(settings, Fleet())
    with pytest.raises(LockLostError, match="daemons of another layout are at work: 1 shards; this is shard 1/2"):
        await Writer.open(settings, Fleet(Shard(1, 2)))
    writer.abandon()
    again = await _open_again(settings)
    again.abandon()
    left = """select count(*) from pg_stat_activity
               where application_name like 'frostguard-ingest%' and datname = current_database()"""
    await until(lambda: _none(connection, left), "no connection is left open")


async def test_two_daemons_that_start_at_once_on_a_fresh_database_make_the_partitions_once(
    settings: DatabaseSettings, connection: Connection
) -> None:
    """Shards, and each daemon's own watch, look after the partitions at the same moment."""
    opened = await asyncio.gather(*(Writer.open(settings, Fleet(Shard(n, 8))) for n in range(8)))
    moments = [NOW - timedelta(weeks=n) for n in range(10, 20)]
    made = await asyncio.gather(*(partitions.ensure(one.connection, moments) for one in opened))
    assert len([name for names in made for name in names]) == 10
    for one in opened:
        one.abandon()
    assert len(await partitions.existing(connection)) == 5 + 10


async def test_without_a_database_the_store_is_unavailable() -> None:
    with pytest.raises(StoreUnavailableError):
        await Writer.open(DatabaseSettings(url="postgresql://x:y@127.0.0.1:1/none"), Fleet())
