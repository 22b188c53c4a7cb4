"""The daemon's side port, as it answers in each state."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from frostguard.config import IngestSettings
from frostguard.doctor import daemon
from frostguard.doctor.figures import AWAY
from frostguard.doctor.finding import Level
from frostguard.local.ports import free_port
from ingest import metrics
from ingest.health import Health

Serve = Callable[[int, str], IngestSettings]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that lets a port answer everything with a status and a text."""
    servers = []

    def start(status: int, text: str) -> IngestSettings:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))
        return IngestSettings(port=server.server_port)

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def sample(connections: int, lost: int) -> str:
    return f"frostguard_broker_connections_total {connections}.0\nfrostguard_broker_sessions_lost_total {lost}.0\n"


async def test_what_a_daemon_waits_for_is_said_as_it_says_it() -> None:
    health = Health(IngestSettings(port=0))
    await health.start()
    settings = IngestSettings(port=int(health.address.rpartition(":")[2]))
    try:
        health.database(ready=True)
        health.broker(ready=False, detail="refused: not authorised")
        assert await daemon.ready(settings) == (
            Level.FAIL, "not ready: database ok, broker refused: not authorised", "its log; the other lines here",
        )  # fmt: skip
        health.broker(ready=True)
        assert (await daemon.ready(settings))[0] is Level.OK
        status, text = await daemon.ask(settings, "/metrics")
        assert status == 200
        assert {"frostguard_broker_connections_total", "frostguard_broker_sessions_lost_total"} <= {
            name for name, _ in daemon.SAMPLE.findall(text)
        }
    finally:
        metrics.CONNECTED.set(0)
        metrics.DATABASE.set(0)
        await health.stop()


async def test_a_daemon_that_is_not_here_is_a_warning() -> None:
    assert (await daemon.ready(IngestSettings(port=free_port())))[0] is Level.WARN


@pytest.mark.parametrize("text", ["<html>", "{}", "[]", "5"])
async def test_whatever_else_listens_there_is_no_daemon(serve: Serve, text: str) -> None:
    assert (await daemon.ready(serve(503, text)))[0] is Level.WARN
    assert (await daemon.session(serve(404, text), {}))[0] is Level.WARN


async def test_what_speaks_no_http_is_no_daemon_either() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        settings = IngestSettings(port=server.sockets[0].getsockname()[1])
        assert (await daemon.ready(settings))[0] is Level.WARN


async def test_a_second_daemon_of_a_machine_is_asked_on_its_own_port() -> None:
    assert daemon.address(IngestSettings(port=4001, shard="2/4")) == "http://127.0.0.1:4003"


@pytest.mark.parametrize(
    ("connections", "lost", "level", "says"),
    [
        (3, 0, Level.OK, "kept our session over 3"),
        (3, 1, Level.WARN, "no session of ours at 1 of 3"),
        (0, 0, Level.WARN, "has not reached the broker"),
    ],
)
async def test_a_session_that_was_lost_is_seen(
    serve: Serve, connections: int, lost: int, level: Level, says: str
) -> None:
    found = await daemon.session(serve(200, sample(connections, lost)), {})
    assert found[0] is level
    assert says in found[1]


@pytest.mark.parametrize(
    ("heard", "level"), [({AWAY: 0.0}, Level.WARN), ({AWAY: 2.0}, Level.OK), ({}, Level.WARN)], ids=json.dumps
)
async def test_without_the_daemon_the_broker_says_whether_a_session_waits(heard: dict, level: Level) -> None:
    assert (await daemon.session(IngestSettings(port=free_port()), heard))[0] is level
