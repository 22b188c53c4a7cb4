"""Server-sent events: the same, for whoever speaks HTTP only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse

from tests.api.conftest import Running, serving
from tests.api.feed.source import commit_facts, commit_step
from tests.api.world import Api, Organization, World


class Stream:
    """A client as a browser's EventSource is one."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.last_id = ""

    async def next(self) -> tuple[str, dict[str, Any]]:
        """The next event: its name and its data. Ids on the way are remembered; comments are passed over."""
        name, data = "message", ""
        while True:
            async with asyncio.timeout(10):
                line = (await self.response.content.readline()).decode()
            if not line:
                raise EOFError
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                self.last_id = value
            elif not line.strip() and data:
                return name, orjson.loads(data)

    async def until(self, wanted: str) -> dict[str, Any]:
        while True:
            name, data = await self.next()
            if name == wanted:
                assert data["type"] == name
                return data


@asynccontextmanager
async def streaming(
    api: Api, *topics: str, token: str | None, last_id: str | None = None, **query: str
) -> AsyncIterator[Stream]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if last_id is not None:
        headers["Last-Event-ID"] = last_id
    parameters = [("topic", topic) for topic in topics] + list(query.items())
    async with api.http.get(f"{api.base}/events", params=parameters, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        yield Stream(response)


def alerts_of(org: Organization) -> str:
    return f"org:{org.id}:alerts"


async def test_a_stream_begins_with_snapshots_and_goes_on_with_frames(api: Api, world: World) -> None:
    org = await world.organization()
    async with streaming(api, alerts_of(org), f"unit:{org.unit}:state", token=org.owner) as stream:
        first, second = await stream.until("snapshot"), await stream.until("snapshot")
        assert [first["topic"], second["topic"]] == [alerts_of(org), f"unit:{org.unit}:state"]
        await commit_step(world, org, "One")
        assert (await stream.until("alerts"))["alerts"][0]["alert"]["title"] == "One"
        assert (await stream.until("state"))["events"][0]["kind"] == "alert"


async def test_a_ticket_opens_one_stream(api: Api, world: World) -> None:
    org = await world.organization()
    ticket = (await api.post("/auth/ticket", token=org.owner)).json["ticket"]
    async with streaming(api, alerts_of(org), token=None, ticket=ticket) as stream:
        await stream.until("snapshot")
    assert (await api.get(f"/events?topic={alerts_of(org)}&ticket={ticket}")).status == 401


async def test_it_resumes_after_the_last_event_id(api: Api, world: World) -> None:
    org = await world.organization()
    topic = f"unit:{org.unit}:state"
    async with streaming(api, topic, token=org.owner) as stream:
        await stream.until("snapshot")
        await commit_facts(world, org, 1.0)
        assert [e["celsius"] for e in (await stream.until("state"))["events"]] == [1.0]
        await commit_facts(world, org, 2.0)
        await stream.until("state")
        last_id = stream.last_id  # complete up to the first
    await commit_facts(world, org, 3.0)
    async with streaming(api, topic, token=org.owner, last_id=last_id) as stream:
        assert (await stream.next())[0] == "resumed"
        events = (await stream.until("state"))["events"]
        if len(events) < 2:
            events += (await stream.until("state"))["events"]
        assert [e["celsius"] for e in events] == [2.0, 3.0]
    async with streaming(api, topic, token=org.owner, after=last_id) as stream:
        assert (await stream.next())[0] == "resumed"


async def test_what_is_too_old_is_said_and_a_snapshot_follows(api: Api, world: World) -> None:
    org = await world.organization()
    async with streaming(api, alerts_of(org), token=org.owner, last_id="17") as stream:
        assert [(await stream.next())[0], (await stream.next())[0]] == ["snapshot_needed", "snapshot"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("topic=x", 404),
        ("topic=org:{other}:alerts", 404),
        ("topic=org:{own}:alerts&topic=org:{other}:alerts", 404),
        ("topic=org:{own}:alerts&after=x", 422),
        ("topic=org:{own}:alerts&after=99999999999999999", 422),
        ("&".join(f"topic=x{n}" for n in range(201)), 422),
    ],
)
async def test_what_cannot_be_is_refused(api: Api, world: World, query: str, status: int) -> None:
    own, other = await world.organization(), await world.organization()
    reply = await api.get("/events?" + query.format(own=own.id, other=other.id), own.owner)
    assert reply.status == status


async def test_nobody_comes_in_without_a_token_or_from_elsewhere(api: Api, world: World) -> None:
    org = await world.organization()
    path = f"/events?topic={alerts_of(org)}"
    assert (await api.get(path)).status == 401
    assert (await api.get(path, "nonsense")).status == 401
    assert (await api.get(path, org.owner, headers={"Origin": "http://evil.example"})).status == 403


async def test_a_session_that_ends_ends_its_stream_and_says_why(api: Api, world: World) -> None:
    org = await world.organization()
    async with streaming(api, alerts_of(org), token=org.owner) as stream:
        await stream.until("snapshot")
        assert (await api.post("/auth/logout", {}, org.owner)).status == 200
        assert (await stream.until("close"))["code"] == 4401
        with pytest.raises(EOFError):
            await stream.next()


async def test_streams_are_counted_like_sockets(database: str) -> None:
    async with serving(database, FEED_SOCKETS_PER_USER=1) as running:
        api, org = running.api, await running.world.organization()
        async with streaming(api, alerts_of(org), token=org.owner):
            assert (await api.get(f"/events?topic={alerts_of(org)}", org.owner)).status == 429


async def test_a_stop_says_goodbye(running: Running) -> None:
    api, org = running.api, await running.world.organization()
    async with streaming(api, alerts_of(org), token=org.owner) as stream:
        await stream.until("snapshot")
        await running.program.live.drain()
        assert (await stream.until("close"))["code"] == 1001


async def test_heartbeats_keep_it_open(database: str) -> None:
    async with serving(database, FEED_HEARTBEAT_SECONDS=1) as running:
        org = await running.world.organization()
        async with streaming(running.api, alerts_of(org), token=org.owner) as stream:
            await stream.until("snapshot")
            async with asyncio.timeout(10):
                while await stream.response.content.readline() != b": heartbeat\n":
                    pass
