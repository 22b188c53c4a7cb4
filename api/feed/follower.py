"""Follows the feed over one connection: hears that there is something, reads it, hands it to the hub.

Many sockets make a round of sending long. So that what is being stored keeps its share of the machine, a round is
followed by a pause of a few times its length: frames come less often then, and each carries more.
"""

import asyncio
import contextlib
import logging
import time

from api.feed.hub import Hub
from api.principals import Principals
from frostguard.config import DatabaseSettings
from frostguard.errors import FrostGuardError, StoreUnavailableError
from frostguard.store import feed
from frostguard.store.connection import Connection, abandon, connect, translated
from frostguard.wire.feed import BEGIN

ROWS_AT_ONCE = 64
LOOK_SECONDS = 1.0  # also where no notification came
REST, LONGEST_REST = 3.0, 0.2  # times the length of the round; seconds
CATCH_UP_SECONDS = 5.0
GAP = (1011, "the feed was interrupted")

log = logging.getLogger("api.feed")


class Follower:
    """Keeps the hub up to date. `started` is set as soon as it was once."""

    def __init__(self, settings: DatabaseSettings, hub: Hub, principals: Principals, window_bytes: int) -> None:
        self._settings = settings
        self._hub = hub
        self._principals = principals
        self._window_bytes = window_bytes
        self.started = asyncio.Event()
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()  # somebody waits
        self._advanced = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled; on a lost connection, go on where it ended."""
        while True:
            connection: Connection | None = None
            try:
                connection = await connect(self._settings, "frostguard-api-feed")
                await self._follow(connection)
            except FrostGuardError as error:
                log.warning("no connection for the feed", extra={"error": str(error)})
                await asyncio.sleep(0.3)
            finally:
                abandon(connection)

    async def caught_up(self, position: int) -> None:
        """Wait until everything up to an id was handed on. Raises StoreUnavailableError."""
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await self.started.wait()
                while self._hub.window.newest < position:
                    self._advanced.clear()
                    self._hurry.set()
                    self._wake.set()
                    await self._advanced.wait()
        except TimeoutError:
            raise StoreUnavailableError("the feed is behind") from None

    async def look(self) -> None:
        """Wait until the feed was looked at once more, from now on. Raises StoreUnavailableError."""
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                for _ in range(2):  # the first may have begun before now
                    self._advanced.clear()
                    self._hurry.set()
                    self._wake.set()
                    await self._advanced.wait()
        except TimeoutError:
            raise StoreUnavailableError("the feed is behind") from None

    async def _follow(self, connection: Connection) -> None:
        connection.add_termination_listener(lambda _: self._wake.set())
        with translated():
            await connection.add_listener(feed.CHANNEL, lambda *_: self._wake.set())
        if self.started.is_set() and not await feed.is_continuous(connection, self._hub.window.newest):
            log.warning("more of the feed was missed than is kept")
            self.started.clear()  # whoever comes meanwhile waits for the new beginning
            for subscriber in list(self._hub.subscribers):
                self._hub.cut(subscriber, *GAP)
        if not self.started.is_set():
            await self._begin(connection)
        await feed.look_by_key(connection)
        while not connection.is_closed():
            self._wake.clear()
            self._hurry.clear()
            rows = await feed.after(connection, self._hub.window.newest, ROWS_AT_ONCE)
            took = await self._hand_on(rows)
            self._advanced.set()
            if len(rows) < ROWS_AT_ONCE:
                await self._pause(took)

    async def _begin(self, connection: Connection) -> None:
        """Take in where everything is. Our own row makes sure that there is one to go on from."""
        await feed.sweep(connection)
        await feed.append(connection, BEGIN, 1, b"")
        async with feed.standing_still(connection) as position:
            places = await feed.places(connection)
            rows = await feed.recent(connection, feed.KEPT_SECONDS, self._window_bytes)
        self._hub.begin(places, rows, position)
        self.started.set()

    async def _hand_on(self, rows: list[feed.Row]) -> float:
        """Send rows, as soon as we know that we hear of changes of access. Returns the seconds that it took."""
        if not rows:
            return 0.0
        while not self._principals.trusted:
            with contextlib.suppress(StoreUnavailableError):
                await self._principals.regain_trust()
        began = time.monotonic()
        self._hub.advance(rows)
        return time.monotonic() - began

    async def _pause(self, took: float) -> None:
        rest = min(took * REST, LONGEST_REST)
        if rest > 0.0005:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._hurry.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._wake.wait()
