"""One who listens: what it has subscribed to, up to where it has everything, and how bytes get to it.

A subscriber is `live` (it gets each frame when it is made), `behind` (it reads on from the window when its connection
takes more) or `held` (its access is being looked at: nothing is sent). It never has a queue of its own.
"""

import asyncio
import time
from enum import Enum
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from api.feed.frames import Frame
from api.feed.topics import Topic
from api.principals import Principal
from frostguard.domain.access import may

HIGH_BYTES, LOW_BYTES = 256 * 1024, 32 * 1024
STUCK_SECONDS = 10.0
LINGER_SECONDS = 2.0


class State(Enum):
    """See the module."""

    LIVE = "live"
    BEHIND = "behind"
    HELD = "held"
    CLOSED = "closed"


class Subscription(NamedTuple):
    """One topic of one subscriber: in whose organization it is, and up to which id the subscriber has it."""

    organization: UUID
    since: int


class Voice(Protocol):
    """How what is said becomes bytes: as a socket's packets, or as a stream's chunks."""

    kind: str

    def frame(self, frame: Frame) -> bytes:
        """Return a frame's bytes."""

    def complete(self, position: int) -> bytes:
        """Return what says that all topics are complete up to here; may be nothing."""

    def beat(self, position: int) -> bytes:
        """Return what says the same where nothing else is said."""

    def close(self, code: int, reason: str) -> bytes:
        """Return the last bytes."""


class Subscriber:
    """One socket or stream. `position`: everything up to it was sent, while it is not live."""

    # There are thousands of these, so they are small.
    __slots__ = (
        "_left", "_moved_at", "ended", "expires", "heard_at", "holds", "position", "principal", "state",
        "subscriptions", "told_at", "transport", "voice",
    )  # fmt: skip

    def __init__(self, transport: asyncio.Transport, voice: Voice, principal: Principal, expires: float) -> None:
        self.transport = transport
        self.voice = voice
        self.principal = principal
        self.expires = expires
        self.subscriptions: dict[Topic, Subscription] = {}
        self.state = State.LIVE
        self.position = 0
        self.holds = 0  # how often its access was looked at
        self.heard_at = self.told_at = time.monotonic()
        self.ended: asyncio.Event | None = None  # whoever waits for the end makes one
        self._moved_at = 0.0
        self._left = 0

    @property
    def open(self) -> bool:
        """Whether it can be sent anything at all."""
        return self.state is not State.CLOSED and not self.transport.is_closing()

    def allows(self, topic: Topic, organization: UUID) -> bool:
        """Whether its roles allow it this topic of this organization."""
        role = self.principal.roles.get(organization)
        return role is not None and may(role, topic.action)

    def fell_behind(self) -> bool:
        """Whether more waits in its connection than should."""
        return self.transport.get_write_buffer_size() > HIGH_BYTES

    def takes_more(self) -> bool:
        """Whether its connection has taken nearly all that was sent."""
        return self.transport.get_write_buffer_size() <= LOW_BYTES

    def is_stuck(self, now: float) -> bool:
        """Whether nothing has moved for long. `now` is monotonic."""
        left = self.transport.get_write_buffer_size()
        if left <= LOW_BYTES or left < self._left or not self._moved_at:
            self._moved_at = now
        self._left = left
        return now - self._moved_at > STUCK_SECONDS

    def send(self, frame: Frame) -> None:
        """Send a frame."""
        self.transport.write(self.voice.frame(frame))

    def complete(self, position: int) -> None:
        """Say that all topics are complete up to here, where that takes words."""
        if said := self.voice.complete(position):
            self.transport.write(said)

    def beat(self, position: int) -> None:
        """Say that the connection lives, and all topics are complete up to here."""
        self.told_at = time.monotonic()
        self.transport.write(self.voice.beat(position))

    def say(self, kind: str, **members: Any) -> None:  # noqa: ANN401 - JSON
        """Send what is for this subscriber alone."""
        self.send(Frame(kind, members))

    def close(self, code: int, reason: str) -> None:
        """End it and say why. What does not take even that is cut off a moment later."""
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        if not self.transport.is_closing():
            self.transport.write(self.voice.close(code, reason))
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self.transport.abort)
        self.end()

    def end(self) -> None:
        """Tell whoever waits that this is over."""
        if self.ended is not None:
            self.ended.set()
