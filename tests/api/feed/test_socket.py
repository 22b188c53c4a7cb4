"""The protocol of a socket: who comes in, what is answered, what ends it."""

import asyncio
import base64
import os
from typing import Any

import orjson
import pytest
from aiohttp import WSServerHandshakeError

from api.feed import socket as module
from api.feed.limits import MESSAGES_AT_ONCE
from api.feed.live import NOTHING
from tests.api.conftest import Running, serving
from tests.api.feed.clients import Ended, connected
from tests.api.feed.source import commit_facts, commit_readings, commit_step
from tests.api.world import Api, World
from tests.fakes import until


async def ending(running: Running, *messages: Any, raw: bytes | None = None, token: str | None = None) -> Ended:
    """How a socket ends to which this is said."""
    async with connected(running.api.http, running.api.base, token) as socket:
        for message in messages:
            await socket.send(message)
        if raw is not None:
            await socket.raw.send_bytes(raw)
        return await socket.end()


# --- who comes in


async def test_a_token_opens_it(api: Api, world: World) -> None:
    org = await world.organization()
    async with connected(api.http, api.base) as socket:
        ready = await socket.auth(org.token("viewer"))
        assert ready.keys() == {"type", "id", "heartbeatSeconds"}


@pytest.mark.parametrize(
    "message",
    [
        {"type": "auth", "token": "nonsense"},
        {"type": "auth", "token": ""},
        {"type": "auth", "ticket": "nonsense"},
        {"type": "auth", "token": 1},
        {"type": "auth"},
        {"type": "subscribe", "topic": "x"},
        {},
    ],
)
async def test_without_one_it_ends_at_once(running: Running, message: dict[str, Any]) -> None:
    assert (await ending(running, message)).code == 4401


async def test_without_a_word_it_ends_in_time(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AUTH_SECONDS", 0.05)
    assert (await ending(running)).code == 4401


async def test_neither_a_refresh_token_nor_that_of_a_session_that_ended_opens_it(running: Running) -> None:
    org = await running.world.organization()
    token = org.token("viewer")
    await running.world.sql.execute("update sessions set revoked_at = now()")
    assert (await ending(running, {"type": "auth", "token": token})).code == 4401


async def test_a_ticket_opens_one_socket(running: Running) -> None:
    api, org = running.api, await running.world.organization()
    answer = (await api.post("/auth/ticket", token=org.token("viewer"))).json
    assert answer["expiresIn"] == 30
    message = {"type": "auth", "ticket": answer["ticket"]}
    async with connected(api.http, api.base) as socket:
        await socket.send(message)
        assert (await socket.next())["type"] == "ready"
        assert (await socket.subscribe(f"org:{org.id}:units"))["type"] == "snapshot"
    assert (await ending(running, message)).code == 4401


async def test_a_ticket_is_no_token_and_no_token_a_ticket(running: Running) -> None:
    org = await running.world.organization()
    ticket = (await running.api.post("/auth/ticket", token=org.owner)).json["ticket"]
    assert (await running.api.get("/auth/me", ticket)).status == 401
    assert (await ending(running, {"type": "auth", "token": ticket})).code == 4401
    assert (await ending(running, {"type": "auth", "ticket": org.owner})).code == 4401


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:3000", True),
        ("OWN", True),
        ("null", False),
        ("http://localhost:3001", False),
        ("https://localhost:3000", False),
        ("http://localhost:3000.evil.example", False),
        ("http://evil.example", False),
        ("", False),
    ],
)
async def test_only_pages_from_known_origins_come_in(running: Running, origin: str, allowed: bool) -> None:
    shown = running.listening.url if origin == "OWN" else origin
    headers = {"Origin": shown}
    if allowed:
        async with connected(running.api.http, running.api.base, headers=headers):
            return
    with pytest.raises(WSServerHandshakeError) as refused:
        async with connected(running.api.http, running.api.base, headers=headers):
            pass
    assert refused.value.status == 403


async def test_what_is_no_websocket_is_told_so(api: Api) -> None:
    assert (await api.get("/ws")).status == 426


async def test_one_user_has_so_many_sockets(database: str) -> None:
    async with serving(database, FEED_SOCKETS_PER_USER=1) as running:
        api, org = running.api, await running.world.organization()
        async with connected(api.http, api.base, org.owner):
            assert (await ending(running, {"type": "auth", "token": org.owner})).code == 4429
            async with connected(api.http, api.base, org.token("viewer")):
                pass
        async with connected(api.http, api.base, org.owner):
            pass


# --- topics


async def test_a_topic_of_others_and_one_that_does_not_exist_are_refused_with_the_same_bytes(running: Running) -> None:
    api, org, other = running.api, await running.world.organization(), await running.world.organization()
    await running.world.sql.execute("update units set deleted_at = now() where id = $1", other.unit)
    unknown = "00000000-0000-4000-8000-000000000000"
    gone = await running.world.unit(org.id, org.area, deleted=True)
    topics = [
        f"org:{other.id}:units", f"org:{unknown}:units", f"site:{other.site}:units", f"site:{unknown}:units",
        f"unit:{other.unit}:state", f"unit:{unknown}:state", f"unit:{gone}:state", f"unit:{other.unit}:readings",
        f"org:{org.id}:nothing", "", "x" * 200, f"org:{str(org.id).upper()}:units", f"org:{org.id}:units ",
    ]  # fmt: skip
    async with connected(api.http, api.base, org.owner) as socket:
        for topic in topics:
            await socket.send({"type": "subscribe", "topic": topic})
            assert await socket.next() == {"type": "refused", "topic": topic, "detail": NOTHING}
            await socket.send({"type": "unsubscribe", "topic": topic})
            assert await socket.next() == {"type": "refused", "topic": topic, "detail": NOTHING}


async def test_snapshots_look_as_promised(running: Running) -> None:
    api, org = running.api, await running.world.organization()
    async with connected(api.http, api.base, org.owner) as socket:
        units = await socket.subscribe(f"org:{org.id}:units")
        alerts = await socket.subscribe(f"org:{org.id}:alerts")
        state = await socket.subscribe(f"unit:{org.unit}:state")
        readings = await socket.subscribe(f"unit:{org.unit}:readings")
    assert [unit["id"] for unit in units["units"]] == [str(org.unit)]
    assert [alert["id"] for alert in alerts["alerts"]] == [str(org.alert)]
    assert alerts["more"] is False
    assert (state["unit"], state["alerts"]) == (units["units"][0], alerts["alerts"])
    assert readings["readings"] == []
    listed = (await api.get(f"/organizations/{org.id}/alerts", org.owner)).json
    assert alerts["alerts"] == listed


async def test_a_unit_in_a_snapshot_is_as_the_http_api_shows_it(running: Running) -> None:
    api, org = running.api, await running.world.organization()
    shown = (await api.get(f"/units/{org.unit}", org.owner)).json
    async with connected(api.http, api.base, org.owner) as socket:
        (unit,) = (await socket.subscribe(f"site:{org.site}:units"))["units"]
    assert unit == {name: shown[name] for name in unit}


async def test_frames_follow_the_snapshot(running: Running) -> None:
    api, world = running.api, running.world
    org = await world.organization()
    async with connected(api.http, api.base, org.owner) as socket:
        began = (await socket.subscribe(f"org:{org.id}:alerts"))["id"]
        await socket.subscribe(f"unit:{org.unit}:readings")
        await socket.subscribe(f"site:{org.site}:units")
        await commit_step(world, org, "One")
        alerts = await socket.until("alerts")
        last = await commit_readings(world, org.unit, 4.0, 5.0)
        readings, units = await socket.until("readings"), await socket.until("units")
    assert began < alerts["id"] < readings["id"] == units["id"] == last
    assert alerts["alerts"][0]["alert"]["title"] == "One"
    assert [each["temperature"] for each in readings["readings"]] == [4.0, 5.0]
    assert units["units"][0]["lastTemperature"] == 5.0


async def test_an_alert_in_a_frame_is_as_the_http_api_shows_it(running: Running) -> None:
    api, org = running.api, await running.world.organization()
    async with connected(api.http, api.base, org.owner) as socket:
        await socket.subscribe(f"org:{org.id}:alerts")
        answer = (await api.put(f"/alerts/{org.alert}/acknowledge", {"note": "Seen"}, org.owner)).json
        (step,) = (await socket.until("alerts"))["alerts"]
    assert step["action"] == "acknowledged"
    assert step["alert"] == answer
    assert answer["acknowledgmentNotes"] == "Seen"


async def test_after_unsubscribe_nothing_of_it_comes(running: Running) -> None:
    api, org = running.api, await running.world.organization()
    topic = f"unit:{org.unit}:state"
    async with connected(api.http, api.base, org.owner) as socket:
        await socket.subscribe(topic)
        await socket.send({"type": "unsubscribe", "topic": topic})
        assert await socket.next() == {"type": "unsubscribed", "topic": topic}
        await commit_facts(running.world, org, 1.0)
        await running.program.live.follower.look()
        assert await socket.quiet() == []


async def test_an_id_of_ours_resumes_and_any_other_needs_a_snapshot(running: Running) -> None:
    api, org = running.api, await running.world.organization()
    topic = f"unit:{org.unit}:state"
    async with connected(api.http, api.base, org.owner) as socket:
        ready = (await socket.subscribe(topic))["id"]
        await commit_facts(running.world, org, 1.0, 2.0, 3.0)
        first = (await socket.until("state"))["events"][0]["id"]
    async with connected(api.http, api.base, org.owner) as socket:
        for after in (0, 1, -1, ready * 2, 2**62):
            assert await socket.subscribe(topic, after) == {"type": "snapshot_needed", "topic": topic}
        assert await socket.subscribe(topic, ready) == {"type": "resumed", "topic": topic, "id": ready}
        assert [e["celsius"] for e in (await socket.until("state"))["events"]] == [1.0, 2.0, 3.0]
        assert (await socket.subscribe(topic, first))["type"] == "resumed"
        assert [e["celsius"] for e in (await socket.until("state"))["events"]] == [2.0, 3.0]


# --- what ends it


@pytest.mark.parametrize(
    "message",
    [
        "no json", "[]", "null", "{}", '{"type":"nonsense"}', '{"type":"subscribe"}', '{"type":"subscribe","topic":1}',
        '{"type":"subscribe","topic":"x","after":"1"}', '{"type":"subscribe","topic":"x","after":1.5}',
        '{"type":"subscribe","topic":"x","after":true}', '{"type":"auth","token":"x"}', '{"type":"ping"} x',
        '{"type":"subscribe","topic":"' + "x" * 201 + '"}',
    ],
)  # fmt: skip
async def test_what_means_nothing_ends_it(running: Running, message: str) -> None:
    org = await running.world.organization(people=False)
    async with connected(running.api.http, running.api.base, org.owner) as socket:
        await socket.raw.send_str(message)
        assert (await socket.end()).code == 1003


async def test_bytes_end_it(running: Running) -> None:
    org = await running.world.organization(people=False)
    assert (await ending(running, raw=b'{"type":"ping"}', token=org.owner)).code == 1003


async def test_a_long_message_ends_it(running: Running) -> None:
    org = await running.world.organization(people=False)
    assert (await ending(running, {"type": "ping", "x": "x" * 5000}, token=org.owner)).code == 1009


@pytest.mark.parametrize("kind", ["messages", "pings"])
async def test_a_flood_ends_it(running: Running, kind: str) -> None:
    org = await running.world.organization(people=False)
    async with connected(running.api.http, running.api.base, org.owner) as socket:
        for _ in range(int(MESSAGES_AT_ONCE) + 5):
            await (socket.send({"type": "ping"}) if kind == "messages" else socket.raw.ping())
        assert (await socket.end()).code == 1008


async def test_too_many_subscriptions_end_it(database: str) -> None:
    async with serving(database, FEED_SUBSCRIPTIONS=2) as running:
        org = await running.world.organization()
        async with connected(running.api.http, running.api.base, org.owner) as socket:
            for subject in ("units", "alerts", "units"):
                assert (await socket.subscribe(f"org:{org.id}:{subject}"))["type"] == "snapshot"
            await socket.send({"type": "subscribe", "topic": f"unit:{org.unit}:state"})
            assert (await socket.end()).code == 1008


async def test_pings_of_the_protocol_are_answered_and_a_farewell_too(running: Running) -> None:
    org = await running.world.organization(people=False)
    async with connected(running.api.http, running.api.base, org.owner) as socket:
        await socket.raw.ping(b"hello")
        await socket.quiet()
        await socket.raw.close(code=1000)
        assert socket.raw.close_code == 1000


async def test_nothing_is_left_of_a_client_that_just_vanished(running: Running) -> None:
    org, hub = await running.world.organization(people=False), running.program.live.hub
    reader, writer = await asyncio.open_connection(running.listening.host, running.listening.port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    text = orjson.dumps({"type": "auth", "token": org.owner})
    writer.write(b"\x81\xfe" + len(text).to_bytes(2) + bytes(4) + text)
    await reader.readuntil(b"ready")
    assert len(hub.subscribers) == 1
    writer.transport.abort()
    seats = running.program.live.seats
    await until(lambda: not hub.subscribers and not seats.taken, "nobody is counted")
