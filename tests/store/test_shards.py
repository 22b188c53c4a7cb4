"""The layout of the shards: its hash, and how it changes without leaving anything behind."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from frostguard.config import DatabaseSettings
from frostguard.domain.outages import Outage
from frostguard.domain.shards import WHOLE, Shard, shard_of
from frostguard.store import dead_letters, http_inbox, locks, outages, rollups, shards, states, watermarks
from frostguard.store.connection import Connection, abandon, connect
from frostguard.store.dead_letters import DeadLetter
from frostguard.store.shards import NotYetError
from tests.fakes import NOON
from tests.store.tenants import Tenant, tenant

TODAY = datetime(2026, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST, SECOND = Shard(0, 2), Shard(1, 2)


@pytest.fixture
async def other(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "other")
    yield opened
    abandon(opened)


async def test_the_database_and_the_daemon_agree_where_an_organization_belongs(direct: Connection) -> None:
    ids = [uuid4() for _ in range(2000)] + [UUID(int=0), UUID(int=2**128 - 1), UUID(int=2**31), UUID(int=2**32 - 1)]
    for of in (1, 2, 3, 4, 7, 64, 1000, 1024):
        rows = await direct.fetch("select shard_of(id, $2) as n from unnest($1::uuid[]) id", ids, of)
        assert [row["n"] for row in rows] == [shard_of(one, of) for one in ids]
    assert await direct.fetchval("select shard_of(null, 4)") == 0


async def test_there_is_one_shard_until_somebody_begins_with_more(direct: Connection) -> None:
    assert await shards.every(direct) == [WHOLE]
    assert not await shards.adopt(direct, WHOLE, TODAY)
    assert await shards.adopt(direct, SECOND, TODAY)
    assert await shards.every(direct) == [FIRST, SECOND]
    assert not await shards.adopt(direct, FIRST, TODAY)
    rows = await direct.fetch("select shard, since, upto from rollup_progress order by shard")
    assert [tuple(row) for row in rows] == [(0, TODAY, TODAY), (1, TODAY, TODAY)]


async def prepared(direct: Connection, number: int, *answering: Shard) -> None:
    at = await shards.intend(direct, number)
    preparation = await shards.prepare(direct, number, at)
    for shard in answering:
        await shards.answer(direct, shard, preparation)


async def test_the_number_changes_only_when_nothing_is_left_in_the_old_sessions(direct: Connection) -> None:
    await outages.listened(direct, WHOLE, NOON)
    with pytest.raises(NotYetError, match="there are 1 shards, not 2"):
        await shards.adopt(direct, FIRST, TODAY)
    await shards.intend(direct, 2)
    with pytest.raises(NotYetError, match="shards prepare --shards 2"):
        await shards.adopt(direct, FIRST, TODAY)
    await prepared(direct, 2)
    assert await shards.unanswered(direct, 1) == [WHOLE]
    with pytest.raises(NotYetError, match="shard 0/1 has not taken"):
        await shards.adopt(direct, FIRST, TODAY)
    await prepared(direct, 2, WHOLE)
    assert await shards.unanswered(direct, 2) == []
    with pytest.raises(NotYetError, match="not 3"):
        await shards.adopt(direct, Shard(0, 3), TODAY)
    assert await shards.adopt(direct, FIRST, TODAY)


async def test_what_was_made_after_the_preparation_is_noticed(direct: Connection) -> None:
    await outages.listened(direct, WHOLE, NOON)
    await prepared(direct, 2, WHOLE)
    await tenant(direct)
    with pytest.raises(NotYetError, match="1 organizations or networks were made after"):
        await shards.adopt(direct, FIRST, TODAY)
    await prepared(direct, 2, WHOLE)
    assert await shards.adopt(direct, FIRST, TODAY)


async def test_who_prepares_another_number_meanwhile_is_told(direct: Connection) -> None:
    at = await shards.intend(direct, 2)
    await shards.intend(direct, 3)
    with pytest.raises(NotYetError, match="somebody else"):
        await shards.prepare(direct, 2, at)


async def test_what_is_kept_for_each_shard_is_spread_over_the_new_ones(direct: Connection) -> None:
    await shards.adopt(direct, FIRST, TODAY)
    for shard, until, upto in ((FIRST, NOON, NOON - HOUR), (SECOND, NOON + HOUR, NOON)):
        await outages.listened(direct, shard, until)
        await direct.execute("update rollup_progress set upto = $2 where shard = $1", shard.number, upto)
    await outages.add(direct, FIRST, Outage(NOON - 2 * HOUR, NOON - HOUR))
    own, foreign = await tenant(direct), await tenant(direct)
    units = [one.unit for one in (own, foreign)]
    await rollups.mark_late(direct, {NOON: set(units)}, FIRST)
    await prepared(direct, 3, FIRST, SECOND)
    assert await shards.adopt(direct, Shard(2, 3), TODAY)
    rows = await direct.fetch("select shard, until from listening order by shard")
    assert [tuple(row) for row in rows] == [(n, NOON + HOUR) for n in range(3)]
    rows = await direct.fetch("select shard, since, upto from rollup_progress order by shard")
    assert [tuple(row) for row in rows] == [(n, TODAY, NOON - HOUR) for n in range(3)]
    marks = await direct.fetch("select shard, unit_ids from late_hours")
    found = {unit: row["shard"] for row in marks for unit in row["unit_ids"]}
    assert found == {unit: shard_of(one.id, 3) for unit, one in zip(units, (own, foreign), strict=True)}
    _, silences = await outages.load(direct, Shard(0, 3))
    assert silences.of(UUID(int=6)) == (Outage(NOON - 2 * HOUR, NOON - HOUR), Outage(NOON, NOON + HOUR))
    assert silences.of(UUID(int=3)) == ()


async def test_nothing_changes_while_readings_are_summed_anew(direct: Connection, other: Connection) -> None:
    async with rollups.exclusive(other, WHOLE) as ours:
        assert ours
        with pytest.raises(NotYetError, match="rollups rebuild"):
            await shards.adopt(direct, FIRST, TODAY)
    assert await shards.adopt(direct, FIRST, TODAY)
    with pytest.raises(NotYetError, match="has changed"):
        async with rollups.exclusive(other, WHOLE):
            await rollups.rebuild_day(other, WHOLE, TODAY)


async def topic_of(direct: Connection, one: Tenant) -> str:
    slug = await direct.fetchval("select slug from organizations where id = $1", one.id)
    return f"frostguard/v1/{slug}/gw/readings"


async def test_everything_that_is_read_or_taken_is_of_one_shard(direct: Connection) -> None:
    """Each of an organization's rows comes to one of two daemons, and all of them to one of them."""
    tenants = [await tenant(direct) for _ in range(8)]
    for one in tenants:
        await http_inbox.insert(direct, one.gateway, [(f"topic/{one.id}", b"{}")])
        await watermarks.save(direct, [watermarks.Watermark(one.gateway, "boot", 1, [])])
        letter = DeadLetter(NOON, None, None, await topic_of(direct, one), b"", "unknown_gateway", "")
        await dead_letters.insert(direct, [letter])
    await dead_letters.insert(direct, [DeadLetter(NOON, None, None, "nobody/knows", b"", "topic_unknown", "")])
    await dead_letters.request_replay(direct)
    for shard in (FIRST, SECOND):
        ours = [one for one in tenants if shard.has(one.id)]
        messages = await http_inbox.waiting(direct, 0, 100, shard)
        assert {row["topic"] for row in messages} == {f"topic/{one.id}" for one in ours}
        letters = {row["topic"] for row in await dead_letters.requested(direct, 0, 100, shard)}
        strangers = {"nobody/knows"} if shard == FIRST else set()
        assert letters == {await topic_of(direct, one) for one in ours} | strangers
        assert len(await watermarks.load(direct, shard)) == len(ours)
        assert await states.load(direct, shard) == {}
    assert len(await http_inbox.waiting(direct, 0, 100)) == len(tenants)


async def test_daemons_of_two_layouts_are_never_at_work_together(direct: Connection, other: Connection) -> None:
    assert await locks.try_layout(direct, FIRST) is None
    assert await locks.try_layout(other, SECOND) is None
    assert await locks.try_layout(other, Shard(0, 3)) == 2


async def test_an_overview_says_who_runs_and_what_it_serves(direct: Connection) -> None:
    one = await tenant(direct)
    await shards.adopt(direct, FIRST, TODAY)
    await locks.try_shard(direct, 1)
    seen = await shards.overview(direct, 2)
    assert [(row["shard"], row["held"]) for row in seen] == [(0, False), (1, True)]
    assert [row["organizations"] for row in seen] == [int(shard.has(one.id)) for shard in (FIRST, SECOND)]
