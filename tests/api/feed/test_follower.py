"""Following the feed: over lost connections, past gaps, as fast as the machine bears it."""

import asyncio

import pytest

from frostguard.errors import StoreUnavailableError
from frostguard.store import feed
from tests.api.conftest import Running
from tests.api.feed.clients import connected
from tests.api.feed.source import commit_facts
from tests.fakes import until

KILL = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'frostguard-api-feed'"


async def test_a_lost_connection_loses_nothing(running: Running) -> None:
    world, org = running.world, await running.world.organization(people=False)
    async with connected(running.api.http, running.api.base, org.owner) as socket:
        await socket.subscribe(f"unit:{org.unit}:state")
        for n in range(3):
            await world.sql.execute(KILL)
            await commit_facts(world, org, float(n))
            assert [e["celsius"] for e in (await socket.until("state"))["events"]] == [float(n)]


async def test_after_a_gap_clients_are_sent_back_for_a_snapshot(running: Running) -> None:
    world, org = running.world, await running.world.organization(people=False)
    topic = f"unit:{org.unit}:state"
    async with connected(running.api.http, running.api.base, org.owner) as socket:
        began = (await socket.subscribe(topic))["id"]
        await world.sql.execute("truncate feed")  # as a crash of the server leaves it
        await world.sql.execute(KILL)
        assert (await socket.end()).code == 1011
    async with connected(running.api.http, running.api.base, org.owner) as socket:
        assert (await socket.subscribe(topic, began))["type"] == "snapshot_needed"
        assert (await socket.subscribe(topic))["type"] == "snapshot"


async def test_a_row_that_nobody_told_of_is_found(running: Running) -> None:
    sql, hub = running.world.sql, running.program.live.hub
    await running.program.live.follower.caught_up(0)
    newest = hub.window.newest
    await sql.execute("insert into feed values ($1, $1, 'begin', '')", newest + 10)
    await until(lambda: hub.window.newest == newest + 10, "the row is found")


async def test_who_waits_for_what_never_comes_is_told(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.feed.follower.CATCH_UP_SECONDS", 0.05)
    with pytest.raises(StoreUnavailableError):
        await running.program.live.follower.caught_up(2**60)


async def test_who_waits_need_not_rest(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.feed.follower.REST", 1e9)
    monkeypatch.setattr("api.feed.follower.LONGEST_REST", 3600.0)
    last = await feed.append(running.world.sql, "begin", 1, b"")
    await running.program.live.follower.caught_up(last)
    async with asyncio.timeout(5):
        await running.program.live.follower.look()
