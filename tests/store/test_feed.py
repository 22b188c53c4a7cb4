"""The feed: ids in the order of the commits, rows that go with time, one moment for all that a snapshot reads."""

import asyncio
import random
from itertools import count

import asyncpg
import pytest

from frostguard.domain.event import Event, EventKind
from frostguard.store import events, feed
from frostguard.store.connection import Connection
from frostguard.store.events import UnitEvent
from frostguard.wire.feed import ACCESS, EVENTS, UNITS, decode_access, decode_events, decode_units
from tests.fakes import NOON
from tests.store.tenants import Tenant

FACT = Event(EventKind.DOOR_OPENED, NOON)


async def everything(connection: Connection) -> list[feed.Row]:
    return await feed.after(connection, 0, 1000)


async def test_ids_grow_leave_room_for_pieces_and_tell_the_time(direct: Connection) -> None:
    before = await direct.fetchval("select (extract(epoch from clock_timestamp()) * 1000000)::bigint")
    firsts = [await feed.append(direct, "begin", pieces, b"x") for pieces in (1, 5000, 1)]
    rows = await everything(direct)
    assert [row.first for row in rows] == firsts
    assert [row.last - row.first + 1 for row in rows] == [1, 5000, 1]
    assert before < firsts[0] < firsts[1] < firsts[2] == rows[1].last + 1
    assert await feed.position(direct) == rows[2].last


async def test_who_looks_often_never_reads_all_of_it(direct: Connection) -> None:
    """The feed is empty when the plan is made, and has tens of thousands of rows a few minutes later."""
    await feed.look_by_key(direct)
    await direct.execute("set plan_cache_mode = force_generic_plan")
    await direct.execute(f"prepare looking (bigint, bigint) as {feed.LIST_AFTER}")
    plan = "\n".join(row[0] for row in await direct.fetch("explain execute looking (0, 64)"))
    assert "Index Scan using feed_pkey" in plan
    assert await feed.after(direct, 0, 64) == []


async def test_what_stands_at_the_end_is_the_position(direct: Connection) -> None:
    assert (await feed.position(direct), await feed.is_continuous(direct, 5)) == (0, False)
    first = await feed.append(direct, "begin", 10, b"x")
    second = await feed.append(direct, "begin", 1, b"y")
    assert await feed.position(direct) == second
    answers = [await feed.is_continuous(direct, last) for last in (first + 8, first + 9, first + 10)]
    assert answers == [False, True, True]


async def test_what_appends_first_is_waited_for_so_no_id_becomes_visible_late(
    direct: Connection, database: str
) -> None:
    one, two = await asyncpg.connect(database), await asyncpg.connect(database)
    try:
        begun = one.transaction()
        await begun.start()
        first = await feed.append(one, "begin", 1, b"one")
        later = asyncio.create_task(feed.append(two, "begin", 1, b"two"))
        await asyncio.wait([later], timeout=0.05)
        assert not later.done()
        assert await everything(direct) == []
        await begun.commit()
        assert await later > first
    finally:
        await one.close()
        await two.close()


async def test_a_reader_sees_every_commit_once_and_in_order_whoever_writes(direct: Connection, database: str) -> None:
    dice, writers, each = random.Random(7), 6, 25
    numbers = count()

    async def write() -> set[int]:
        connection = await asyncpg.connect(database)
        kept = set()
        for _ in range(each):
            number = next(numbers)
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("insert into feed_drafts (access) values ($1)", str(number))
            await asyncio.sleep(dice.choice([0, 0, 0.001, 0.005]))
            if dice.random() < 0.2:
                await transaction.rollback()
            else:
                await transaction.commit()
                kept.add(number)
        await connection.close()
        return kept

    tasks = [asyncio.create_task(write()) for _ in range(writers)]
    seen: list[feed.Row] = []
    while not all(task.done() for task in tasks):
        seen += await feed.after(direct, seen[-1].last if seen else 0, 7)
        await asyncio.sleep(0)
    while more := await feed.after(direct, seen[-1].last, 7):
        seen += more
    kept = set[int]().union(*(task.result() for task in tasks))
    assert [row.first for row in seen] == sorted(row.first for row in seen)
    assert sorted(int(row.body) for row in seen) == sorted(kept)


async def test_events_come_by_themselves_with_the_alert_as_the_transaction_leaves_it(
    direct: Connection, own: Tenant
) -> None:
    before = await feed.position(direct)
    async with direct.transaction():
        await events.add(direct, [UnitEvent(own.id, own.site, own.unit, FACT)] * 2)
        assert await feed.after(direct, before, 10) == []
    (row,) = await feed.after(direct, before, 10)
    assert (row.kind, row.last - row.first) == (EVENTS, 1)
    happened = decode_events(row.body)[0]
    assert happened == (str(own.id), str(own.unit), "door_opened", "2026-11-22T12:00:00.000000Z", {}, None)


async def test_what_is_rolled_back_is_in_no_feed(direct: Connection, own: Tenant) -> None:
    before = await feed.position(direct)
    transaction = direct.transaction()
    await transaction.start()
    await events.add(direct, [UnitEvent(own.id, own.site, own.unit, FACT)])
    await direct.execute("update units set name = 'Other' where id = $1", own.unit)
    await transaction.rollback()
    assert await feed.after(direct, before, 10) == []


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("update units set name = 'Other' where id = $1", ("Other", "fridge", 0)),
        ("update units set deleted_at = now() where id = $1", (None, None, None)),
        ("delete from units where id = $1", (None, None, None)),
    ],
    ids=["renamed", "deleted", "purged"],
)
async def test_units_that_people_change_are_in_the_feed(
    direct: Connection, own: Tenant, statement: str, place: tuple[object, ...]
) -> None:
    before = await feed.position(direct)
    await direct.execute(statement, own.unit)
    (row,) = await feed.after(direct, before, 10)
    assert row.kind == UNITS
    (placed,) = decode_units(row.body)
    assert placed.unit_id == str(own.unit)
    assert (placed.name, placed.unit_type, placed.sort_order) == place


async def test_an_update_that_changes_nothing_of_a_unit_is_not(direct: Connection, own: Tenant) -> None:
    before = await feed.position(direct)
    await direct.execute("update units set notes = 'x' where id = $1", own.unit)
    assert await feed.after(direct, before, 10) == []


async def test_changes_of_access_are_in_the_feed(direct: Connection, own: Tenant) -> None:
    user = await direct.fetchval("insert into users (email, password_hash) values ('a@example.com', 'x') returning id")
    before = await feed.position(direct)
    role = "insert into user_roles (user_id, organization_id, role) values ($1, $2, 'viewer')"
    await direct.execute(role, user, own.id)
    await direct.execute("delete from user_roles where user_id = $1", user)
    rows = await feed.after(direct, before, 10)
    assert [(row.kind, decode_access(row.body)) for row in rows] == [(ACCESS, ("user", str(user)))] * 2


async def test_drafts_leave_nothing_behind(direct: Connection, own: Tenant) -> None:
    await direct.execute("update units set name = 'Other' where id = $1", own.unit)
    assert await direct.fetchval("select count(*) from feed_drafts") == 0


async def test_old_rows_go_three_with_each_append_oldest_first(direct: Connection, own: Tenant) -> None:
    assert own
    last = await feed.position(direct)
    await direct.execute("delete from feed")
    old = "insert into feed select n, n, 'begin', '' from generate_series(2::bigint, 11) n"
    await direct.execute(old)
    await feed.append(direct, "begin", 1, b"")
    assert [row.first for row in await everything(direct)][:7] == [5, 6, 7, 8, 9, 10, 11]
    for _ in range(3):
        await feed.append(direct, "begin", 1, b"")
    assert [row.first > last for row in await everything(direct)] == [True] * 4
    assert not await feed.is_continuous(direct, last)
    assert await feed.is_continuous(direct, await feed.position(direct))


async def test_what_an_undone_transaction_left_is_swept(direct: Connection) -> None:
    await direct.execute("insert into feed values (5, 5, 'begin', '')")
    await direct.execute("select setval('feed_swept', 6)")
    kept = await feed.append(direct, "begin", 1, b"")
    await feed.sweep(direct)
    assert [row.first for row in await everything(direct)] == [kept]


async def test_the_newest_rows_that_fit_are_recent(direct: Connection) -> None:
    firsts = [await feed.append(direct, "begin", 1, b"x" * 900) for _ in range(5)]
    assert [row.first for row in await feed.recent(direct, 60, 2500)] == firsts[3:]
    assert await feed.recent(direct, 0.0, 2500) == []


async def test_standing_still_sees_one_moment(direct: Connection, own: Tenant, database: str) -> None:
    other = await asyncpg.connect(database)
    try:
        async with feed.standing_still(direct) as position:
            await other.execute("update units set name = 'Other' where id = $1", own.unit)
            (unit,) = await feed.standings(direct, own.id)
            assert unit["name"] == "Unit"
            assert await feed.position(direct) == position
        assert await feed.position(direct) > position
    finally:
        await other.close()


async def test_places_and_standings_know_only_living_units_of_this_organization(
    direct: Connection, own: Tenant, foreign: Tenant
) -> None:
    assert {row["unit"] for row in await feed.places(direct)} == {str(own.unit), str(foreign.unit)}
    assert [row["id"] for row in await feed.standings(direct, own.id, own.site)] == [own.unit]
    assert await feed.standings(direct, own.id, foreign.site) == []
    assert await feed.standing(direct, own.id, foreign.unit) is None
    await direct.execute("update units set deleted_at = now() where id = $1", own.unit)
    assert await feed.standing(direct, own.id, own.unit) is None
    assert await feed.standings(direct, own.id) == []


async def test_last_readings_are_the_newest_of_a_day_and_of_ones_own_unit(
    direct: Connection, own: Tenant, foreign: Tenant
) -> None:
    week = "create table w partition of sensor_readings for values from ('2000-01-01') to ('2100-01-01')"
    await direct.execute(week)
    insert = """insert into sensor_readings (unit_id, sensor_id, recorded_at, temperature)
                select $1, $2, now() - n * interval '1 minute', n from generate_series(1, 5) n"""
    await direct.execute(insert, own.unit, own.sensor)
    assert [row["temperature"] for row in await feed.last_readings(direct, own.id, own.unit, 3)] == [1, 2, 3]
    assert await feed.last_readings(direct, foreign.id, own.unit, 3) == []


async def session_of(connection: Connection) -> object:
    user = await connection.fetchval(
        "insert into users (email, password_hash) values ('a@example.com', '') returning id"
    )
    return await connection.fetchval(
        "insert into sessions (user_id, expires_at) values ($1, now() + interval '1 day') returning id", user
    )


async def test_a_ticket_counts_once(direct: Connection) -> None:
    session = await session_of(direct)
    await feed.give_ticket(direct, b"t" * 32, session, 30)
    assert await feed.take_ticket(direct, b"u" * 32) is None
    assert await feed.take_ticket(direct, b"t" * 32) == session
    assert await feed.take_ticket(direct, b"t" * 32) is None


async def test_a_ticket_that_has_run_out_counts_no_more_and_goes(direct: Connection) -> None:
    session = await session_of(direct)
    for ticket in (b"t" * 32, b"u" * 32):
        await feed.give_ticket(direct, ticket, session, -1)
    assert await feed.take_ticket(direct, b"u" * 32) is None
    await feed.give_ticket(direct, b"v" * 32, session, 30)
    assert await direct.fetchval("select count(*) from feed_tickets") == 1
