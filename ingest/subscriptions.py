"""What the broker is asked for: everything by wildcards, or a shard's organizations by name, in step with the fleet."""

import asyncio
from collections.abc import Callable

from frostguard.wire.topics import SUBSCRIPTIONS, subscriptions_of
from ingest.fleet import Fleet
from ingest.mqtt import Session


class Subscriptions:
    """The subscriptions of one daemon's session. `marker` is the topic of its messages to itself."""

    def __init__(self, fleet: Fleet, marker: str) -> None:
        self._fleet = fleet
        self._marker = marker
        self._changed = asyncio.Event()
        # What this process has subscribed to: the broker keeps it from one connection to the next.
        self._known: frozenset[str] = frozenset()

    def wanted(self) -> frozenset[str]:
        """Return what the fleet of now needs."""
        if self._fleet.shard.of == 1:  # strangers too: what they send becomes dead letters
            return frozenset({*SUBSCRIPTIONS, self._marker})
        return frozenset({*subscriptions_of(self._fleet.slugs, self._fleet.networks), self._marker})

    def changed(self) -> None:
        """The fleet may be another now."""
        self._changed.set()

    async def follow(self, session: Session, subscribed: Callable[[], None]) -> None:
        """Subscribe, call `subscribed`, and keep in step until cancelled.

        Raises BrokerUnavailableError or BrokerRefusedError; the session is of no use then.
        """
        self._changed.clear()
        wanted = self.wanted()
        await session.subscribe(sorted(wanted))
        subscribed()
        while True:
            gone, self._known = self._known - wanted, wanted
            if gone:
                await session.unsubscribe(sorted(gone))
            await self._changed.wait()
            self._changed.clear()
            wanted = self.wanted()
            if new := wanted - self._known:
                await session.subscribe(sorted(new))
