"""Connections: silent ones are closed, and one address holds only so many."""

import asyncio

import pytest

from api import server
from api.frame import SECURITY_HEADERS
from api.shapes.common import Problem
from tests.api.conftest import Running, serving


async def opened(running: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(running.listening.host, running.listening.port)


async def ended(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def test_one_address_holds_only_so_many_connections(database: str) -> None:
    async with serving(database, API_MAX_CONNECTIONS_PER_ADDRESS=5) as running:
        held = [await opened(running) for _ in range(5)]
        await asyncio.sleep(0)
        beyond, writer = await opened(running)
        assert await ended(beyond) == b""
        writer.close()
        for _, each in held:
            each.close()
            await each.wait_closed()
        while running.program.metrics.connections._value.get():  # noqa: ASYNC110 - the loop has to hear of it
            await asyncio.sleep(0)
        assert (await running.api.get("/health")).status == 200
        assert running.program.metrics.connections_refused._value.get() == 1


async def test_proxies_are_exempt(database: str) -> None:
    async with serving(database, API_MAX_CONNECTIONS_PER_ADDRESS=1, TRUSTED_PROXIES="127.0.0.1") as running:
        held = [await opened(running) for _ in range(3)]
        assert (await running.api.get("/health")).status == 200
        for _, each in held:
            each.close()


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHos", b"GET /health HTTP/1.1\r\nHost: x\r\nX: y\r\n"])
async def test_a_silent_connection_is_closed(database: str, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "KEEPALIVE_SECONDS", 0.3)
    async with serving(database) as running:
        reader, writer = await opened(running)
        writer.write(sent)
        assert b"200" not in await ended(reader)
        writer.close()


async def test_a_running_request_is_finished_before_the_end(running: Running) -> None:
    asked = asyncio.ensure_future(running.api.get("/health"))
    await asyncio.sleep(0.01)
    await running.listening.stop()
    assert (await asked).status == 200
    assert running.listening.url.startswith("http://127.0.0.1:")


TOO_LONG = b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("sent", [TOO_LONG, b"\x16\x03\x01 hello\r\n\r\n"])
async def test_what_is_no_request_is_answered_as_everything_else_and_the_connection_closed(
    running: Running, sent: bytes
) -> None:
    reader, writer = await opened(running)
    writer.write(sent)
    head, _, body = (await ended(reader)).partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] == b"400"
    assert b"application/problem+json" in head
    for name in SECURITY_HEADERS:
        assert name.encode() in head
    assert Problem.model_validate_json(body).status == 400
    writer.close()
