"""Lanes: lent and given back, lost and opened again, flushed once for all who wait."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from frostguard.config import DatabaseSettings, load
from frostguard.errors import RowRefusedError, StoreUnavailableError
from frostguard.store import lanes as module
from frostguard.store.connection import translated
from frostguard.store.lanes import Lanes


@pytest.fixture
async def lanes(database: str) -> AsyncIterator[Lanes]:
    opened = Lanes(load(DatabaseSettings, {"DATABASE_URL": database}), 2, "lanes-under-test")
    yield opened
    await opened.close()


async def connections_of(lanes: Lanes) -> int:
    async with lanes.lane() as connection:
        return await connection.fetchval(
            "select count(*) from pg_stat_activity where application_name = 'lanes-under-test'"
        )


async def test_a_lane_is_used_again_and_no_more_are_opened_than_allowed(lanes: Lanes) -> None:
    await lanes.open()
    assert await connections_of(lanes) == 1
    await asyncio.gather(*(lanes.ping() for _ in range(50)))
    assert await connections_of(lanes) == 2


async def test_who_waits_gets_the_next_one_that_is_free(lanes: Lanes) -> None:
    first, second = await lanes.take(), await lanes.take()
    waiting = asyncio.ensure_future(lanes.take())
    await asyncio.sleep(0)
    lanes.give_back(second)
    assert await waiting is second
    lanes.give_back(first)
    lanes.give_back(second)


async def test_waiting_has_an_end_and_the_line_a_length(lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    held = [await lanes.take(), await lanes.take()]
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.02)
    with pytest.raises(StoreUnavailableError, match="busy"):
        await lanes.take()
    monkeypatch.setattr(module, "MAX_WAITING", 0)
    with pytest.raises(StoreUnavailableError, match="too many"):
        await lanes.take()
    for connection in held:
        lanes.give_back(connection)
    await lanes.ping()


async def test_who_stops_waiting_leaves_nothing_behind(lanes: Lanes) -> None:
    held = [await lanes.take(), await lanes.take()]
    waiting = asyncio.ensure_future(lanes.take())
    await asyncio.sleep(0)
    lanes.give_back(held[0])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    lanes.give_back(held[1])
    await asyncio.gather(*(lanes.ping() for _ in range(10)))
    assert await connections_of(lanes) == 2


async def test_a_lost_connection_is_replaced(lanes: Lanes) -> None:
    async with lanes.lane() as connection:
        mine = await connection.fetchval("select pg_backend_pid()")
        connection.terminate()
    async with lanes.lane() as connection:
        assert await connection.fetchval("select pg_backend_pid()") != mine


async def test_a_statement_that_is_cancelled_takes_its_connection_with_it(lanes: Lanes) -> None:
    async def sleep() -> None:
        async with lanes.lane() as connection:
            await connection.execute("select pg_sleep(30)")

    task = asyncio.ensure_future(sleep())
    while not await sleeping(lanes):
        pass
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.gather(lanes.ping(), lanes.ping())


async def sleeping(lanes: Lanes) -> bool:
    async with lanes.lane() as connection:
        return await connection.fetchval(
            "select exists (select from pg_stat_activity where query like '%pg_sleep(30)%' and state = 'active'"
            " and pid <> pg_backend_pid())"
        )


async def make_two(lanes: Lanes, first: str, second: str, *, cancelled: bool = False) -> None:
    async with lanes.transaction() as connection:
        for slug in (first, second):
            with translated():
                await connection.execute("insert into organizations (name, slug) values ('x', $1)", slug)
        if cancelled:
            raise asyncio.CancelledError


async def test_a_transaction_commits_as_one_or_not_at_all(lanes: Lanes) -> None:
    await make_two(lanes, "aa", "bb")
    with pytest.raises(RowRefusedError):
        await make_two(lanes, "cc", "!")
    with pytest.raises(asyncio.CancelledError):
        await make_two(lanes, "dd", "ee", cancelled=True)
    async with lanes.lane() as connection:
        assert await connection.fetchval("select array_agg(slug order by slug) from organizations") == ["aa", "bb"]


async def test_lanes_commit_early_and_the_flush_waits_for_the_disk(lanes: Lanes) -> None:
    async with lanes.lane() as connection:
        assert await connection.fetchval("show synchronous_commit") == "off"
        assert await connection.fetchval("show plan_cache_mode") == "force_generic_plan"
        await connection.execute("insert into organizations (name, slug) values ('a', 'aa')")
        written = await connection.fetchval("select pg_current_wal_insert_lsn()")
        await lanes.flushed()
        assert await connection.fetchval("select pg_current_wal_flush_lsn() >= $1::pg_lsn", written)


async def test_one_flush_serves_all_who_wait(lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    flushes: list[int] = []
    flush = lanes._flush

    async def counted() -> None:
        flushes.append(1)
        await flush()

    monkeypatch.setattr(lanes, "_flush", counted)
    await asyncio.gather(*(lanes.flushed() for _ in range(100)))
    assert len(flushes) <= 2


async def test_a_flush_that_fails_fails_for_all_who_wait_and_the_next_works(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lanes.flushed()
    monkeypatch.setattr(module, "SELECT_FLUSH", "select pg_terminate_backend(pg_backend_pid())")
    answers = await asyncio.gather(*(lanes.flushed() for _ in range(5)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreUnavailableError}
    monkeypatch.undo()
    await lanes.flushed()


async def test_without_a_database_it_says_so(database: str) -> None:
    lanes = Lanes(load(DatabaseSettings, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}), 2)
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            await lanes.ping()
        with pytest.raises(StoreUnavailableError):
            await lanes.flushed()
    await lanes.close()
