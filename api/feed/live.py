"""The feeds of one process: follows, serves those who are behind, looks at access again, beats, and ends in order."""

import asyncio
import contextlib
import logging
import time
from typing import Any, NamedTuple
from uuid import UUID

from api.feed.follower import Follower
from api.feed.frames import Frame
from api.feed.hub import Hub
from api.feed.limits import Seats
from api.feed.snapshots import Snapshots
from api.feed.subscriber import State, Subscriber
from api.feed.topics import Topic, parse
from api.feed.window import Window
from api.metrics import FeedMetrics
from api.principals import Principals
from frostguard.config import DatabaseSettings, FeedSettings
from frostguard.errors import FrostGuardError, StoreUnavailableError
from frostguard.store import feed
from frostguard.store.lanes import Lanes

SIGNED_OUT = (4401, "your session has ended")
STOPPING = (1001, "the server is stopping")
TOO_MANY = (1008, "too many subscriptions")
NOTHING = "There is nothing here."
SILENT_BEATS = 3  # heartbeats without an answer
DRAIN_SECONDS = 3.0
WORK_SECONDS = 0.005

log = logging.getLogger("api.feed")


class Beginning(NamedTuple):
    """How a subscription begins: what is said, a snapshot, and up to which id the subscriber has everything then."""

    words: list[tuple[str, dict[str, Any]]]
    snapshot: Frame | None
    since: int | None


class Live:
    """Everything that sockets and streams need."""

    def __init__(
        self, database: DatabaseSettings, settings: FeedSettings, lanes: Lanes, principals: Principals,
        metrics: FeedMetrics,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.metrics = metrics
        self.principals = principals
        self.hub = Hub(Window(settings.window_bytes), metrics, principals.forget)
        self.follower = Follower(database, self.hub, principals, settings.window_bytes)
        self.seats = Seats(settings.sockets_per_user, settings.sockets_per_organization)
        self.stopping = False
        self._snapshots = Snapshots(lanes)
        self._lanes = lanes
        self._work = asyncio.Event()
        self.hub.on_work = self._work.set
        principals.on_change = self.hub.hold

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.follower.run(), name="feed-follow")
            tasks.create_task(self._serve_others(), name="feed-others")
            tasks.create_task(self._beat(), name="feed-beat")

    async def drain(self) -> None:
        """End all subscribers because the program stops, and wait a moment for their farewells."""
        self.stopping = True
        for subscriber in list(self.hub.subscribers):
            self.hub.cut(subscriber, *STOPPING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while self.seats.taken:  # noqa: ASYNC110 - once in the life of a program
                    await asyncio.sleep(0.02)

    # --- subscribing

    async def subscribe(self, subscriber: Subscriber, name: str, after: int | None, *, insist: bool = False) -> None:
        """Subscribe to a topic from a position, or from a snapshot on. Raises StoreUnavailableError.

        `insist`: where the position is too old, say so and go on with a snapshot.
        """
        topic = parse(name)
        if len(subscriber.subscriptions) >= self.settings.subscriptions and topic not in subscriber.subscriptions:
            self.hub.cut(subscriber, *TOO_MANY)
            return
        while True:
            await self._looked_at(subscriber)
            holds = subscriber.holds
            home = None if topic is None else await self.home_of(subscriber, topic)
            if topic is None or home is None:
                subscriber.say("refused", topic=name, detail=NOTHING)
                return
            said = await self._beginning(topic, home, after, insist=insist)
            if subscriber.holds != holds or not self.principals.trusted:
                continue  # its access was looked at meanwhile: all over again
            if not subscriber.open:
                return
            for kind, members in said.words:
                subscriber.say(kind, **members)
            if said.snapshot is not None:
                subscriber.send(said.snapshot)
            if said.since is not None:
                self.hub.subscribe(subscriber, topic, home, said.since)
            return

    async def _beginning(self, topic: Topic, home: UUID, after: int | None, *, insist: bool) -> Beginning:
        """Return what to say first."""
        window, words = self.hub.window, []
        if after is not None:
            with contextlib.suppress(StoreUnavailableError):
                if after > window.newest:  # another process may have been ahead of us
                    await self.follower.look()
            if window.covers(after):
                return Beginning([("resumed", {"topic": topic.name, "id": after})], None, after)
            words.append(("snapshot_needed", {"topic": topic.name}))
            if not insist:
                return Beginning(words, None, None)
        snapshot = await self._snapshots.get(topic, home)
        await self.follower.caught_up(snapshot.position)
        return Beginning(words, snapshot.frame, snapshot.position)

    async def home_of(self, subscriber: Subscriber, topic: Topic) -> UUID | None:
        """Return the organization of a topic that is allowed to this subscriber."""
        roles = subscriber.principal.roles
        home: UUID | None
        if topic.scope == "org":
            home = topic.target
        else:
            home = self.hub.home_of(topic.id) if topic.scope == "unit" else None
            if home not in roles:
                async with self._lanes.lane() as connection:
                    home = await feed.home_of(connection, topic.scope, topic.target, list(roles))
        return home if home is not None and subscriber.allows(topic, home) else None

    async def _looked_at(self, subscriber: Subscriber) -> None:
        """Wait until nobody doubts its access."""
        await self.follower.caught_up(0)
        if not self.principals.trusted:
            await self.principals.regain_trust()
        while subscriber.state is State.HELD:  # noqa: ASYNC110 - an event each costs more than this ever will
            await asyncio.sleep(0.005)

    # --- beside it

    async def _serve_others(self) -> None:
        """Serve those who are behind or held, a few milliseconds at a time."""
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                if self.hub.held:
                    await self._look_at_held()
                if self.hub.behind:
                    if not self.principals.trusted:
                        await self.principals.regain_trust()
                    moved = self._read_on()
                    self._work.set()
                    await asyncio.sleep(WORK_SECONDS if moved else 0.02)
            except FrostGuardError as error:
                log.warning("access cannot be looked at", extra={"error": str(error)})
                self._work.set()
                await asyncio.sleep(0.3)

    def _read_on(self) -> bool:
        until, moved = time.monotonic() + WORK_SECONDS, False
        for subscriber in list(self.hub.behind):
            moved = self.hub.read_on(subscriber) or moved
            if time.monotonic() > until:
                return True
        return moved

    async def _look_at_held(self) -> None:
        for subscriber in list(self.hub.held):
            holds = subscriber.holds
            principal = await self.principals.recall(subscriber.principal.session_id)
            if subscriber.holds != holds or subscriber.state is not State.HELD:
                self._work.set()
            elif principal is None:
                self.hub.cut(subscriber, *SIGNED_OUT)
            else:
                subscriber.principal = principal
                self.hub.let_go(subscriber)

    async def _beat(self) -> None:
        """Once a second: tell those who heard nothing for long, end those who are gone or whose time is up."""
        while True:
            await asyncio.sleep(1.0)
            now, wall = time.monotonic(), time.time()
            every = self.settings.heartbeat_seconds
            for subscriber in list(self.hub.subscribers):
                if not subscriber.open:
                    subscriber.end()
                    self.hub.leave(subscriber)
                elif subscriber.expires < wall or subscriber.principal.expires < wall:
                    self.hub.cut(subscriber, *SIGNED_OUT)
                elif subscriber.voice.kind == "socket" and now - subscriber.heard_at > every * SILENT_BEATS:
                    subscriber.transport.abort()
                elif now - subscriber.told_at >= every and subscriber.state is State.LIVE:
                    subscriber.beat(self.hub.window.newest)
            self._snapshots.forget_old()
            self.metrics.behind.set(len(self.hub.behind))
            self.metrics.window_bytes.set(self.hub.window.size)
