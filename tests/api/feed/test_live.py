"""The feeds as a whole: nothing twice, nothing missing, nothing that somebody must not see, nobody in another's way."""

import asyncio
import random
from typing import Any

import pytest

from api.feed import live, subscriber
from frostguard.domain.access import Role
from tests.api.conftest import Running, serving
from tests.api.feed.clients import Socket, connected, ids_of
from tests.api.feed.source import commit_facts, commit_readings, commit_step
from tests.api.world import Organization, World
from tests.fakes import until

FACTS = 3000


class Follower:
    """A client that keeps, for each topic, the greatest id that it was sent, and comes back with it."""

    def __init__(self, topics: list[str], token: str) -> None:
        self.topics = topics
        self.token = token
        self.positions: dict[str, int] = {}
        self.numbers: list[float] = []
        self.snapshots = 0

    async def follow(self, running: Running, seconds: float) -> None:
        """Connect, go on where it ended, take what comes for a while, and drop the connection without a word."""
        async with connected(running.api.http, running.api.base, self.token) as socket:
            for topic in self.topics:
                after = self.positions.get(topic)
                await socket.send({"type": "subscribe", "topic": topic, **({"after": after} if after else {})})
            try:
                async with asyncio.timeout(seconds):
                    while True:
                        self.take(await socket.next())
            except TimeoutError:
                socket.raw._response.connection.transport.abort()  # type: ignore[union-attr] # as a network does

    def take(self, message: dict[str, Any]) -> None:
        topic = message.get("topic")
        if topic is None:
            return
        assert message["type"] != "snapshot_needed"
        if message["type"] == "snapshot":
            self.snapshots += 1
            self.positions[topic] = message["id"]
        if message["type"] in {"snapshot", "resumed"}:
            return
        assert message["id"] > self.positions[topic]
        self.positions[topic] = message["id"]
        self.numbers += [event["celsius"] for event in message.get("events", [])]


async def write(world: World, org: Organization, dice: random.Random, total: int) -> None:
    """Facts with the numbers from 0, in transactions of any size, some of which are undone."""
    number = 0
    while number < total:
        count = min(dice.randint(1, 40), total - number)
        if dice.random() < 0.2:
            transaction = world.sql.transaction()
            await transaction.start()
            await commit_facts(world, org, *[-1.0] * count)
            await transaction.rollback()
        await commit_facts(world, org, *[float(n) for n in range(number, number + count)])
        number += count
        await asyncio.sleep(dice.choice([0, 0, 0.005]))


async def drops_a_hundred_times(running: Running, facts: int, longest: float) -> None:
    """A client that stays up to `longest` seconds each time, while facts are written, sees each of them once."""
    world, dice = running.world, random.Random(3)
    org = await world.organization(people=False)
    one = Follower([f"unit:{org.unit}:state", f"org:{org.id}:units"], org.owner)
    await one.follow(running, 0.2)
    writing = asyncio.create_task(write(world, org, dice, facts))
    for _ in range(100):
        await one.follow(running, dice.uniform(0.0, longest))
    await writing
    while len(one.numbers) < facts:
        before = len(one.numbers)
        await one.follow(running, 0.5 + longest)
        assert len(one.numbers) > before, "nothing more came"
    assert one.numbers == [float(n) for n in range(facts)]
    assert one.snapshots == 2


async def test_a_client_that_drops_a_hundred_times_sees_everything_once(running: Running) -> None:
    await drops_a_hundred_times(running, FACTS, 0.03)


async def test_two_processes_and_one_that_starts_anew_go_on_from_each_others_ids(database: str) -> None:
    async with serving(database) as first:
        world, org = first.world, await first.world.organization(people=False)
        one = Follower([f"unit:{org.unit}:state"], org.owner)
        await one.follow(first, 0.1)
        async with serving(database) as second:
            await commit_facts(world, org, *range(10))
            await one.follow(second, 0.1)
            await commit_facts(second.world, org, *range(10, 20))
            await one.follow(first, 0.1)
            await commit_facts(world, org, *range(20, 30))
        async with serving(database) as third:
            await one.follow(third, 0.3)
    assert one.numbers == list(range(30))
    assert one.snapshots == 1


async def test_what_is_rolled_back_is_never_shown(running: Running) -> None:
    world, org = running.world, await running.world.organization(people=False)
    async with connected(running.api.http, running.api.base, org.owner) as socket:
        await socket.subscribe(f"unit:{org.unit}:state")
        await socket.subscribe(f"unit:{org.unit}:readings")
        transaction = world.sql.transaction()
        await transaction.start()
        await commit_facts(world, org, 1.0)
        await commit_readings(world, org.unit, 1.0)
        await running.program.live.follower.look()
        await transaction.rollback()
        await commit_facts(world, org, 2.0)
        assert [e["celsius"] for e in (await socket.until("state"))["events"]] == [2.0]
        assert {message["type"] for message in socket.seen} == {"ready", "snapshot", "state"}


# --- those who are slow


async def test_clients_that_never_read_are_cut_and_the_others_miss_nothing(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "STUCK_SECONDS", 1.0)
    async with serving(database) as running:
        world, org = running.world, await running.world.organization(people=False)
        topics = [f"unit:{org.unit}:state", f"org:{org.id}:units"]
        deaf, reader = await deaf_clients(running, 2, topics, org.owner), Follower(topics, org.owner)
        hub = running.program.live.hub
        following = asyncio.create_task(reader.follow(running, 60))
        await until(lambda: len(hub.subscribers) == 3, "all are there")
        ends, sent = [], 0
        cut = hub.cut
        monkeypatch.setattr(hub, "cut", lambda one, *why: (ends.append(why), cut(one, *why)))
        while len(hub.subscribers) > 1 and sent < 60_000:
            await commit_facts(world, org, *range(sent, sent + 500))
            sent += 500
        await until(lambda: len(hub.subscribers) == 1, "the deaf are cut")
        await until(lambda: len(reader.numbers) == sent, "the reader has everything")
        for writer in deaf:
            writer.close()
        assert reader.numbers == list(range(sent))
        assert ends == [(1013, "too slow")] * 2
        await until(lambda: not hub.behind, "nobody is behind")
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def deaf_clients(running: Running, count: int, topics: list[str], token: str) -> list[asyncio.StreamWriter]:
    """Sockets that subscribe and then read nothing more."""
    found = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(running.listening.host, running.listening.port, limit=1000)
        head = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{head}Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        for text in (
            f'{{"type":"auth","token":"{token}"}}',
            *(f'{{"type":"subscribe","topic":"{t}"}}' for t in topics),
        ):
            writer.write(b"\x81\xfe" + len(text).to_bytes(2) + bytes(4) + text.encode())
        writer.transport.pause_reading()
        found.append(writer)
    return found


# --- who may see what, while it happens


async def watching(running: Running, *organizations: Organization, role: str = "viewer") -> tuple[Any, Any]:
    """A user of these organizations, and a token of his."""
    user = await running.world.user()
    for org in organizations:
        await running.world.member(org.id, role, user)
    return user, await running.world.token(user)


def mark_of(org: Organization) -> float:
    """A temperature that only this organization has."""
    return float(org.id.int % 80)


async def storm(world: World, orgs: list[Organization], rounds: int) -> None:
    for _ in range(rounds):
        for org in orgs:
            await commit_facts(world, org, mark_of(org))
            await commit_readings(world, org.unit, mark_of(org))
            await commit_step(world, org, f"{mark_of(org)} of {org.slug}")


def topics_of(org: Organization) -> list[str]:
    return [
        f"org:{org.id}:units", f"org:{org.id}:alerts", f"site:{org.site}:units", f"unit:{org.unit}:state",
        f"unit:{org.unit}:readings",
    ]  # fmt: skip


def leaks(socket: Socket, org: Organization, since: int = 0) -> list[dict[str, Any]]:
    """What was sent of this organization, in any form, from the n-th message on."""
    marks = (str(org.id), str(org.unit), str(org.site), str(org.alert), org.slug)
    return [message for message in socket.seen[since:] if any(mark in str(message) for mark in marks)]


async def test_nobody_is_sent_what_is_anothers(running: Running) -> None:
    world = running.world
    ours, theirs = await world.organization(), await world.organization()
    async with connected(running.api.http, running.api.base, ours.owner) as socket:
        for topic in topics_of(ours):
            await socket.subscribe(topic)
        await storm(world, [ours, theirs], 20)
        await running.program.live.follower.look()
        await socket.quiet()
        assert leaks(socket, theirs) == []
        frames = [m for m in socket.seen if m["type"] in {"alerts", "state"}]
        assert len(ids_of(frames)) == 20 * 3  # each fact, and each step twice
        assert {e["celsius"] for m in socket.seen for e in m.get("events", []) if "celsius" in e} == {mark_of(ours)}


async def test_who_loses_a_role_in_the_midst_of_it_is_sent_nothing_after(running: Running) -> None:
    world, api = running.world, running.api
    kept, lost = await world.organization(), await world.organization()
    user, token = await watching(running, kept, lost)
    async with connected(api.http, api.base, token) as socket:
        for topic in (*topics_of(kept), *topics_of(lost)):
            assert (await socket.subscribe(topic))["type"] == "snapshot"
        writing = asyncio.create_task(storm(world, [kept, lost], 30))
        await socket.until("alerts", lambda m: str(lost.id) in m["topic"])
        assert (await api.delete(f"/organizations/{lost.id}/members/{user}", token=lost.owner)).status == 200
        await socket.quiet()  # what had left us before the answer did
        before = len(socket.seen)
        await writing
        await running.program.live.follower.look()
        await socket.until("alerts", lambda m: str(kept.id) in m["topic"])
        await until(lambda: not running.program.live.hub.behind and not running.program.live.hub.held, "all went on")
        await socket.quiet()
        ended = {m["topic"] for m in socket.seen if m["type"] == "unsubscribed"}
        assert ended == set(topics_of(lost))
        assert [m for m in leaks(socket, lost, before) if m["type"] != "unsubscribed"] == []
        steps = [a for m in socket.seen if m["type"] == "alerts" and str(kept.id) in m["topic"] for a in m["alerts"]]
        assert len(steps) == 30  # and nothing of the others is missing
        for topic in topics_of(lost):
            assert (await socket.subscribe(topic))["type"] == "refused"


@pytest.mark.parametrize("how", ["logout", "all sessions", "disabled", "deleted", "by hand"])
async def test_a_session_that_ends_ends_its_sockets(running: Running, how: str) -> None:
    world, api, org = running.world, running.api, await running.world.organization()
    user = org.users[Role.STAFF]
    async with connected(api.http, api.base, org.token("staff")) as socket:
        await socket.subscribe(f"org:{org.id}:alerts")
        match how:
            case "logout":
                assert (await api.post("/auth/logout", {}, org.token("staff"))).status == 200
            case "all sessions":
                await api.delete("/auth/sessions", {}, await world.token(user))
            case "disabled":
                await world.sql.execute("update users set disabled_at = now() where id = $1", user)
            case "deleted":
                await world.sql.execute("delete from users where id = $1", user)
            case _:
                await world.sql.execute("update sessions set revoked_at = now() where user_id = $1", user)
        await commit_step(world, org, "after")
        assert (await socket.end()).code == 4401
        assert not any(m["type"] == "alerts" for m in socket.seen)


async def test_an_organization_that_is_deleted_is_silent_at_once(running: Running) -> None:
    world, api, org = running.world, running.api, await running.world.organization()
    async with connected(api.http, api.base, org.owner) as socket:
        await socket.subscribe(f"org:{org.id}:alerts")
        await world.sql.execute("update organizations set deleted_at = now() where id = $1", org.id)
        await commit_step(world, org, "after")
        assert (await socket.until("unsubscribed"))["topic"] == f"org:{org.id}:alerts"
        assert not any(m["type"] == "alerts" for m in socket.seen)


async def test_a_unit_that_moves_is_followed_and_one_that_goes_is_not(running: Running) -> None:
    world, api, org = running.world, running.api, await running.world.organization()
    site = await world.site(org.id)
    area = await world.area(org.id, site)
    async with connected(api.http, api.base, org.owner) as old, connected(api.http, api.base, org.owner) as new:
        await old.subscribe(f"site:{org.site}:units")
        await new.subscribe(f"site:{site}:units")
        await new.subscribe(f"unit:{org.unit}:state")
        await api.post(f"/units/{org.unit}/move", {"areaId": str(area)}, org.owner)
        assert (await old.until("units"))["gone"] == [str(org.unit)]
        assert (await new.until("units"))["units"][0]["siteId"] == str(site)
        await commit_readings(world, org.unit, 7.0)
        assert (await new.until("units"))["units"][0]["lastTemperature"] == 7.0
        await api.delete(f"/units/{org.unit}", {}, org.owner)
        assert (await new.until("units"))["gone"] == [str(org.unit)]
        assert {"type": "unsubscribed", "topic": f"unit:{org.unit}:state"} in new.seen
        await commit_readings(world, org.unit, 8.0)
        await running.program.live.follower.look()
        assert await old.quiet() == await new.quiet() == []


async def test_a_unit_made_a_moment_ago_can_be_followed(running: Running) -> None:
    api, org = running.api, await running.world.organization()
    async with connected(api.http, api.base, org.owner) as socket:
        await socket.subscribe(f"org:{org.id}:units")
        made = (await api.post(f"/areas/{org.area}/units", {"name": "New"}, org.owner)).json
        assert (await socket.subscribe(f"unit:{made['id']}:readings"))["type"] == "snapshot"
        patches = [u for m in socket.seen if m["type"] == "units" for u in m["units"]]
        if not patches:
            patches = (await socket.until("units"))["units"]
        assert patches[0]["name"] == "New"
        await commit_readings(running.world, made["id"], 3.0)
        assert (await socket.until("readings"))["readings"][0]["temperature"] == 3.0


# --- time


async def test_heartbeats_come_and_tell_how_far_everything_is_complete(database: str) -> None:
    async with serving(database, FEED_HEARTBEAT_SECONDS=1) as running:
        org = await running.world.organization(people=False)
        async with connected(running.api.http, running.api.base, org.owner) as socket:
            async with asyncio.timeout(10):
                beat = await socket.raw.receive_json()
            assert beat["type"] == "heartbeat"
            assert (await socket.subscribe(f"org:{org.id}:alerts", beat["id"]))["type"] == "resumed"


async def test_a_token_that_runs_out_ends_its_sockets(running: Running) -> None:
    org = await running.world.organization(people=False)
    async with connected(running.api.http, running.api.base, org.owner) as socket:
        (one,) = running.program.live.hub.subscribers
        one.expires = 0.0
        assert (await socket.end()).code == 4401


async def test_a_client_that_answers_no_ping_is_let_go(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SILENT_BEATS", 0)
    org = await running.world.organization(people=False)
    async with connected(running.api.http, running.api.base, org.owner) as socket:
        assert (await socket.end()).code == 1006


async def test_a_stop_says_goodbye_and_lets_nobody_in(running: Running) -> None:
    org = await running.world.organization(people=False)
    async with connected(running.api.http, running.api.base, org.owner) as socket:
        _, ended = await asyncio.gather(running.program.live.drain(), socket.end())
        assert (ended.code, ended.reason) == (1001, "the server is stopping")
    async with connected(running.api.http, running.api.base) as socket:
        await socket.send({"type": "auth", "token": org.owner})
        assert (await socket.end()).code == 1001
