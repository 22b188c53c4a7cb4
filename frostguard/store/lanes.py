"""Connections for short statements: a few, always open, handed out without a round trip; and one shared flush to disk.

asyncpg's own pool resets a connection at each return, which costs as much as the statement itself. A lane is never left
with state: statements are single, or inside `transaction`.

Lanes commit without waiting for the disk, so that what is serialised (an organization's audit chain, NOTIFY) never
waits for it either; `flushed` then waits until everything committed so far is safe, once for all who wait. Who answers
for a change awaits it first. What was lost in a crash between the two was never answered.

Statements of lanes are planned once for each connection: planning a small one costs more than running it. That is wrong
for partitioned tables with the time in a parameter, where every partition would be locked: `plan_once=False`.

Who changes an organization's rows says so first (`fence`): where the API has a role of its own, the server then lets it
change rows of that organization only. A lane remembers what it was told; reading needs no fence and pays for none.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from frostguard.config import DatabaseSettings
from frostguard.errors import StoreUnavailableError
from frostguard.store.connection import Connection, abandon, connect, translated

MAX_WAITING = 2000
WAIT_SECONDS = 10

SELECT_ALIVE = "select 1"
COMMIT_EARLY = "set synchronous_commit = off"
PLAN_ONCE = "set plan_cache_mode = force_generic_plan"
# Where the server waits for standbys too, it goes on doing so.
COMMIT_SAFELY = """
select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'
"""
TELL_FENCE = "select set_config('frostguard.organization', $1, false)"
TELL_FENCE_ONCE = "select set_config('frostguard.organization', $1, true)"
SELECT_FLUSH = "select pg_logical_emit_message(true, 'frostguard', '')"

NOBODY = ""

log = logging.getLogger("frostguard.store.lanes")

_fence: ContextVar[str | None] = ContextVar("fence", default=None)


def fence(organization: UUID | None, *, mutates: bool) -> None:
    """Say whose rows this task is going to change on its lanes (None: no organization's), or that it only reads."""
    _fence.set((str(organization) if organization else NOBODY) if mutates else None)


async def fence_once(connection: Connection, organization: UUID) -> None:
    """Say whose rows the transaction changes next, where it changes rows of several organizations."""
    with translated():
        await connection.execute(TELL_FENCE_ONCE, str(organization))


class _Lent:
    """What `lane()` returns: takes a connection at the door and gives it back at the exit."""

    __slots__ = ("_connection", "_lanes")

    def __init__(self, lanes: "Lanes") -> None:
        self._lanes = lanes
        self._connection: Connection | None = None

    async def __aenter__(self) -> Connection:
        self._connection = connection = await self._lanes.take()
        wanted = _fence.get()
        if wanted is not None:
            await self._lanes.tell(connection, wanted)
        return connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._connection = self._connection, None
        # A statement that was cancelled or timed out may still run: its connection must not serve the next request.
        broken = kind is not None and issubclass(kind, StoreUnavailableError | asyncio.CancelledError | TimeoutError)
        if broken:
            abandon(connection)
        self._lanes.give_back(connection)


class Lanes:
    """At most `size` connections. A lost one is opened again by the next who needs it."""

    def __init__(
        self, settings: DatabaseSettings, size: int, name: str = "frostguard-api", *, plan_once: bool = True
    ) -> None:
        self._settings = settings
        self._session = f"{COMMIT_EARLY}; {PLAN_ONCE}" if plan_once else COMMIT_EARLY
        self._name = name
        self._free: list[Connection] = []
        self._spare = size  # how many more may be opened
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._fences: WeakKeyDictionary[Connection, str] = WeakKeyDictionary()  # what each was told last
        self._flush_connection: Connection | None = None
        self._flush_due: asyncio.Future[None] | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False
        # Told of every statement when it is done, on lanes that are opened from then on.
        self.listener: Callable[[Any], None] | None = None

    async def open(self) -> None:
        """Open one lane, to see that the database is there. Raises StoreUnavailableError or UsageError."""
        async with self.lane():
            pass

    async def close(self) -> None:
        """Close all lanes that are free; whoever still holds one closes it by giving it back."""
        self._closed = True
        if self._flushing is not None:
            await asyncio.wait({self._flushing}, timeout=WAIT_SECONDS)
        for connection in (*self._free, self._flush_connection):
            if connection is not None and not connection.is_closed():
                with translated():
                    await connection.close(timeout=2)
        self._free.clear()

    def lane(self) -> _Lent:
        """Return a context manager that lends a connection: `async with lanes.lane() as connection`."""
        return _Lent(self)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction, which commits at the end of the block or is undone by an error."""
        async with self.lane() as connection:
            with translated():
                transaction = connection.transaction()
                await transaction.start()
            try:
                yield connection
            except (StoreUnavailableError, asyncio.CancelledError):
                raise  # the connection is dropped, and the transaction with it
            except BaseException:
                with translated():
                    await transaction.rollback()
                raise
            with translated():
                await transaction.commit()

    async def take(self) -> Connection:
        """Return a connection of our own until `give_back`. Raises StoreUnavailableError."""
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed():
                return connection
            self._spare += 1
        if self._spare > 0:
            return await self._open_one()
        if len(self._waiting) >= MAX_WAITING:
            raise StoreUnavailableError("too many requests wait for the database")
        future: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                connection = await future
        except TimeoutError:
            raise StoreUnavailableError("the database is busy") from None
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.give_back(future.result())
            raise
        return connection if connection is not None else await self._open_one(reserved=True)

    async def tell(self, connection: Connection, organization: str) -> None:
        """Let the server know whose rows are changed on this lane; a lane that cannot be told is dropped."""
        if self._fences.get(connection, NOBODY) == organization:
            return
        try:
            with translated():
                await connection.execute(TELL_FENCE, organization)
        except BaseException:
            abandon(connection)
            self.give_back(connection)
            raise
        self._fences[connection] = organization

    def give_back(self, connection: Connection | None) -> None:
        """Hand the connection to the next who waits, or keep it. A closed one leaves room for a new one."""
        usable = connection is not None and not connection.is_closed()
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(connection if usable else None)
                return
        if usable and not self._closed:
            self._free.append(connection)
            return
        self._spare += 1
        if usable:
            abandon(connection)

    async def _open_one(self, *, reserved: bool = False) -> Connection:
        if not reserved:
            self._spare -= 1
        connection: Connection | None = None
        try:
            connection = await connect(self._settings, self._name)
            with translated():
                await connection.execute(self._session)
            if self.listener is not None:
                connection.add_query_logger(self.listener)
        except BaseException:
            abandon(connection)
            self.give_back(None)
            raise
        return connection

    async def ping(self) -> None:
        """Ask the database for a sign of life. Raises StoreUnavailableError."""
        async with self.lane() as connection:
            with translated():
                await connection.fetchval(SELECT_ALIVE)

    async def flushed(self) -> None:
        """Wait until everything that was committed before this call is on disk. Raises StoreUnavailableError."""
        if self._flush_due is None:
            self._flush_due = asyncio.get_running_loop().create_future()
        due = self._flush_due
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_while_due(), name="flush")
        await asyncio.shield(due)

    async def _flush_while_due(self) -> None:
        try:
            while (due := self._flush_due) is not None:
                self._flush_due = None
                try:
                    await self._flush()
                except Exception as error:  # noqa: BLE001 - handed to those who wait
                    due.set_exception(error)
                    due.exception()  # they may all have gone away
                else:
                    due.set_result(None)
        finally:
            self._flushing = None

    async def _flush(self) -> None:
        try:
            if self._flush_connection is None or self._flush_connection.is_closed():
                self._flush_connection = await connect(self._settings, f"{self._name}-flush")
                with translated():
                    await self._flush_connection.execute(COMMIT_SAFELY)
            with translated():
                await self._flush_connection.fetchval(SELECT_FLUSH)
        except StoreUnavailableError:
            abandon(self._flush_connection)
            raise
