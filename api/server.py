"""The listening side: how long a connection may be silent, and how many one address may hold."""

import asyncio
import logging
from ipaddress import ip_address
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from api import frame
from api.problems import Problem
from api.program import Program

KEEPALIVE_SECONDS = 15
LINGER_SECONDS = 2
SHUTDOWN_SECONDS = 3  # with the rest of a stop below the ten seconds that supervisors give us
BACKLOG = 1024

log = logging.getLogger("api.server")


class Door:
    """Counts connections, all and by address. A connection beyond a limit is closed before a byte is read."""

    def __init__(self, program: Program) -> None:
        settings = program.api
        self._most = settings.max_connections
        self._most_per_address = settings.max_connections_per_address
        self._proxies = settings.proxies
        self._metrics = program.metrics
        self._all = 0
        self._by_address: dict[str, int] = {}

    def enter(self, address: str) -> bool:
        """Count a connection in; False if it must not come in."""
        held = self._by_address.get(address, 0)
        if self._all >= self._most or (held >= self._most_per_address and not self._is_proxy(address)):
            self._metrics.connections_refused.inc()
            return False
        self._all += 1
        self._by_address[address] = held + 1
        self._metrics.connections.set(self._all)
        return True

    def leave(self, address: str) -> None:
        """Count a connection out."""
        self._all -= 1
        held = self._by_address.pop(address) - 1
        if held:
            self._by_address[address] = held
        self._metrics.connections.set(self._all)

    def _is_proxy(self, address: str) -> bool:
        return bool(self._proxies) and any(ip_address(address) in network for network in self._proxies)


class _Visitor(RequestHandler):
    """aiohttp's protocol of one connection, behind the door."""

    __slots__ = ("_address", "_door")

    def __init__(self, door: Door, *args: Any, **options: Any) -> None:  # noqa: ANN401 - aiohttp's own
        super().__init__(*args, **options)
        self._door = door
        self._address: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or close it."""
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else "local"
        super().connection_made(transport)
        if self._door.enter(address):
            self._address = address
        else:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or too long a line of it, as everything else is answered; then close."""
        if status >= 500 or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        log.info("what came was no request", extra={"error": type(exc).__name__, "address": request.remote})
        response = frame.answer_to(Problem(status, "This is no HTTP request, or it has too long a line."))
        response.force_close()
        return response

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count it out."""
        if self._address is not None:
            self._door.leave(self._address)
            self._address = None
        super().connection_lost(exc)


class _GuardedServer(Server):
    """aiohttp's server with a door."""

    door: Door

    def __call__(self) -> RequestHandler:
        """Return the protocol for a new connection."""
        return _Visitor(self.door, self, loop=self._loop, **self._kwargs)


class Listening:
    """A started server: where it listens, and how it ends."""

    def __init__(self, runner: web.AppRunner, host: str, port: int) -> None:
        self._runner = runner
        self.host = host
        self.port = port

    @property
    def url(self) -> str:
        """The address to send requests to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def stop(self) -> None:
        """Take no more connections, let running requests finish, close."""
        await self._runner.cleanup()


async def listen(program: Program) -> Listening:
    """Serve the program's routes. Raises OSError where the port is taken."""
    runner = web.AppRunner(
        program.application(),
        access_log=None,
        handle_signals=False,
        keepalive_timeout=KEEPALIVE_SECONDS,
        lingering_time=LINGER_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
        max_line_size=8190,
        max_field_size=8190,
    )
    await runner.setup()
    server = runner.server
    assert server is not None
    server.__class__ = _GuardedServer  # the one way to the protocol's class that needs no copy of aiohttp's runner
    server.door = Door(program)  # type: ignore[attr-defined]
    site = web.TCPSite(runner, program.api.host, program.api.port, backlog=BACKLOG)
    await site.start()
    host, port = runner.addresses[0][:2]
    return Listening(runner, host, port)
