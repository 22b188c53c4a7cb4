"""Who listens to what, and the one place where rows of the feed become frames for all of them.

Everything here happens between two awaits: a row is taken, sorted and sent in one piece, a change of access holds those
whom it concerns before anything committed after it is sent. No lock is needed, and none would help more.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any
from uuid import UUID

from api.feed.pending import Pending
from api.feed.sorting import Sorter
from api.feed.subscriber import State, Subscriber, Subscription
from api.feed.topics import Topic
from api.feed.window import Window
from api.metrics import FeedMetrics
from frostguard.store.feed import Row
from frostguard.wire import feed

TOO_SLOW = (1013, "too slow")
PIECES_AT_ONCE = 4000  # read on from the window in one step

log = logging.getLogger("api.feed")


class Hub:
    """All subscribers of this process.

    `forget` is told of changes of access that come with the feed (kind, id), and must `hold` those whom they concern.
    """

    def __init__(self, window: Window, metrics: FeedMetrics, forget: Callable[[str, str], None]) -> None:
        self.window = window
        self.subscribers: set[Subscriber] = set()
        self.behind: set[Subscriber] = set()
        self.held: set[Subscriber] = set()
        self.on_work: Callable[[], None] = lambda: None  # somebody is behind or held
        self._sorter = Sorter()
        self._topics: dict[Topic, set[Subscriber]] = {}
        self._metrics = metrics
        self._forget = forget

    # --- rows

    def begin(self, places: Iterable[Any], rows: Iterable[Row], position: int) -> None:
        """Start from a moment: where all units are, the last rows, the newest id."""
        self._sorter.begin(places)
        self.window.begin(rows, position)

    def advance(self, rows: list[Row]) -> None:
        """Take new rows, and send what they say to those who are up to date."""
        collected: dict[Topic, Pending] = {}

        def wanted(topic: Topic) -> Pending | None:
            pending = collected.get(topic)
            if pending is None and topic in self._topics:
                pending = collected[topic] = Pending(topic)
            return pending

        for row in rows:
            if row.kind == feed.ACCESS:
                self._forget(*feed.decode_access(row.body))  # which holds those whom it concerns
                continue
            decoded = self.window.decoded(row)
            self._sorter.sort(row, decoded, wanted)
            if row.kind == feed.UNITS:
                self._end_topics_of(self._sorter.move(decoded))  # type: ignore[arg-type]
        self.window.add(rows)
        self._send(collected.values())
        if rows:
            self._metrics.lag.observe(max(0.0, time.time() - rows[-1].last / 1e6))

    def _send(self, collected: Iterable[Pending]) -> None:
        reached: set[Subscriber] = set()
        for pending in collected:
            live = [s for s in self._topics.get(pending.topic, ()) if s.state is State.LIVE]
            if live:
                self._send_to(live, pending)
                reached.update(live)
        position = self.window.newest
        for subscriber in reached:
            subscriber.complete(position)
            if subscriber.fell_behind():
                self._wait(subscriber, position)

    def _send_to(self, subscribers: Collection[Subscriber], pending: Pending) -> None:
        sent = 0
        for frame in pending.frames():
            for subscriber in subscribers:
                subscriber.send(frame)
            sent += len(subscribers)
        self._metrics.frames.inc(sent)

    def _end_topics_of(self, units: list[str]) -> None:
        """End the topics of units that are gone, or another organization's now."""
        for unit in units:
            for subject in ("state", "readings"):
                topic = Topic("unit", unit, subject)
                for subscriber in list(self._topics.get(topic, ())):
                    self.unsubscribe(subscriber, topic)

    # --- those who are not up to date

    def _wait(self, subscriber: Subscriber, position: int) -> None:
        """Let it read on from the window, from this id, when it can."""
        subscriber.state, subscriber.position = State.BEHIND, position
        self.behind.add(subscriber)
        self.on_work()

    def read_on(self, subscriber: Subscriber) -> bool:
        """Send one who is behind the next piece. Returns whether anything came of it."""
        if not subscriber.open:
            self.behind.discard(subscriber)
            return False
        if subscriber.position < self.window.floor or subscriber.is_stuck(time.monotonic()):
            self.cut(subscriber, *TOO_SLOW)
            return False
        if not subscriber.takes_more():
            return False
        rows = self.window.after(subscriber.position, PIECES_AT_ONCE)
        pending = {t: Pending(t, s.since) for t, s in subscriber.subscriptions.items()}
        for row in rows:
            if row.kind != feed.ACCESS:
                self._sorter.sort(row, self.window.decoded(row), pending.get)
        for each in pending.values():
            self._send_to((subscriber,), each)
        subscriber.position = rows[-1].last if rows else self.window.newest
        if subscriber.position >= self.window.newest:
            subscriber.state = State.LIVE
            self.behind.discard(subscriber)
            subscriber.complete(self.window.newest)
        return True

    def hold(self, kind: str, key: str) -> None:
        """Send nothing more to those whose access may have changed, until it was looked at."""
        position = self.window.newest  # while rows are taken: what all had before them
        for subscriber in self.subscribers:
            if _concerns(subscriber, kind, key) and subscriber.state is not State.CLOSED:
                if subscriber.state is State.LIVE:
                    subscriber.position = position
                subscriber.state = State.HELD
                subscriber.holds += 1
                self.behind.discard(subscriber)
                self.held.add(subscriber)
                self.on_work()

    def let_go(self, subscriber: Subscriber) -> None:
        """Go on with one that was held: with what its roles, as they are now, allow."""
        self.held.discard(subscriber)
        for topic, subscription in list(subscriber.subscriptions.items()):
            if not subscriber.allows(topic, subscription.organization):
                self.unsubscribe(subscriber, topic)
        if subscriber.state is State.HELD:
            self._wait(subscriber, subscriber.position)

    # --- who comes and goes

    def enter(self, subscriber: Subscriber) -> None:
        """Count a subscriber in."""
        self.subscribers.add(subscriber)
        self._metrics.sockets.labels(subscriber.voice.kind).inc()

    def leave(self, subscriber: Subscriber) -> None:
        """Count it out, with all that it subscribed to."""
        if subscriber not in self.subscribers:
            return
        for topic in list(subscriber.subscriptions):
            self._drop(subscriber, topic)
        self.subscribers.discard(subscriber)
        self.behind.discard(subscriber)
        self.held.discard(subscriber)
        subscriber.state = State.CLOSED
        self._metrics.sockets.labels(subscriber.voice.kind).dec()

    def cut(self, subscriber: Subscriber, code: int, reason: str) -> None:
        """End a subscriber."""
        if subscriber.state is not State.CLOSED:
            self._metrics.closed.labels(str(code)).inc()
            subscriber.close(code, reason)
        self.leave(subscriber)

    def subscribe(self, subscriber: Subscriber, topic: Topic, organization: UUID, since: int) -> None:
        """Add a topic that the subscriber has up to an id; what came since then follows."""
        self._topics.setdefault(topic, set()).add(subscriber)
        if topic not in subscriber.subscriptions:
            self._metrics.subscriptions.inc()
        newest = self.window.newest
        if subscriber.state is State.LIVE:
            if since < newest:
                self._rewind(subscriber, newest, since)
        elif since < subscriber.position:
            self._rewind(subscriber, subscriber.position, since)
        subscriber.subscriptions[topic] = Subscription(organization, since)
        self.on_work()

    def _rewind(self, subscriber: Subscriber, position: int, since: int) -> None:
        """Read again from `since` on, for one topic: the others have everything up to `position`."""
        for other, known in subscriber.subscriptions.items():
            subscriber.subscriptions[other] = known._replace(since=max(known.since, position))
        subscriber.position = since
        if subscriber.state is State.LIVE:
            self._wait(subscriber, since)

    def unsubscribe(self, subscriber: Subscriber, topic: Topic) -> None:
        """Take a topic away, and say so."""
        if topic in subscriber.subscriptions:
            self._drop(subscriber, topic)
            subscriber.say("unsubscribed", topic=topic.name)

    def _drop(self, subscriber: Subscriber, topic: Topic) -> None:
        del subscriber.subscriptions[topic]
        listeners = self._topics[topic]
        listeners.discard(subscriber)
        if not listeners:
            del self._topics[topic]
        self._metrics.subscriptions.dec()

    def home_of(self, unit: str) -> UUID | None:
        """Return the organization of a unit, as far as the feed has told."""
        place = self._sorter.places.get(unit)
        return None if place is None else UUID(place.organization)


def _concerns(subscriber: Subscriber, kind: str, key: str) -> bool:
    match kind:
        case "session":
            return str(subscriber.principal.session_id) == key
        case "user":
            return str(subscriber.principal.user_id) == key
        case "organization":
            return UUID(key) in subscriber.principal.roles
        case "gateway":
            return False
        case _:
            return True
