"""A network that can fail: passes TCP both ways, until it is told to let nothing through any more, one way or both.

What is held back is not lost but late, as on a network whose packets are sent again: it goes on its way when the
network heals. The end of a connection is held back too, so whoever waits at the other side does not hear of it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

CHUNK = 65_536


class Proxy:
    """Listens on `port` and passes everything to the port `target`, by way of the address `source`; in a thread."""

    def __init__(self, target: int, source: str = "127.0.0.1") -> None:
        self.target = target
        self.source = source
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._to_server, self._to_client = asyncio.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    def __enter__(self) -> "Proxy":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.heal()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def swallow(self, *, to_server: bool = True, to_client: bool = True) -> None:
        """From now on, let nothing through that goes there."""
        self._set(self._to_server, held=to_server)
        self._set(self._to_client, held=to_client)

    def heal(self) -> None:
        """Let everything through, what was held back first."""
        self.swallow(to_server=False, to_client=False)

    @contextmanager
    def swallowing(self, *, to_server: bool = True, to_client: bool = True) -> Iterator[None]:
        """Swallow for a while; heal in any case."""
        self.swallow(to_server=to_server, to_client=to_client)
        try:
            yield
        finally:
            self.heal()

    def _set(self, way: asyncio.Event, *, held: bool) -> None:
        async def change() -> None:
            way.clear() if held else way.set()

        asyncio.run_coroutine_threadsafe(change(), self._loop).result(10)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):  # cancelled: we stop
                await self._join(reader, writer)
        finally:
            self._serving.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._to_server.wait()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target, local_addr=(self.source, 0))
        ways = (
            asyncio.create_task(_pass(reader, far_writer, self._to_server)),
            asyncio.create_task(_pass(far_reader, writer, self._to_client)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, through: asyncio.Event) -> None:
    """Pass bytes, and at last their end, while they are let through."""
    data = b"."
    while data:
        try:
            data = await reader.read(CHUNK)
        except OSError:
            data = b""
        await through.wait()
        with contextlib.suppress(OSError):
            writer.write(data)
            await writer.drain()
