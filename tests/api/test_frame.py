"""The way of every request and of every error: headers, origins, ids, times, the last resort."""

import asyncio
import re

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.frame import CORS_HEADERS, SECURITY_HEADERS
from api.program import Program
from api.routing import Gate, Route
from frostguard.errors import StoreUnavailableError
from tests.api.conftest import Running, serving, settings_for
from tests.api.world import Api, World

ORIGIN = "http://localhost:3000"


async def test_every_answer_has_the_security_headers(api: Api) -> None:
    for method, path in (
        ("GET", "/health"),
        ("GET", "/nowhere"),
        ("PUT", "/health"),
        ("GET", "/auth/me"),
        ("OPTIONS", "/x"),
    ):
        reply = await api.call(method, path, check=False)
        for name, value in SECURITY_HEADERS.items():
            assert reply.headers.get(name) == value, (method, path, name)
        assert "aiohttp" not in str(reply.headers).lower()


async def test_a_method_that_is_not_there_names_those_that_are(api: Api) -> None:
    reply = await api.call("DELETE", "/auth/login")
    assert (reply.status, reply.headers["Allow"]) == (405, "POST")


async def test_a_request_keeps_its_id_if_it_is_one(api: Api) -> None:
    reply = await api.get("/nowhere", headers={"X-Request-Id": "frontend-12345"})
    assert (reply.headers["X-Request-Id"], reply.json["requestId"]) == ("frontend-12345", "frontend-12345")
    for bad in ("short", "x" * 65, "a b c d e f", "<script>"):
        assert (await api.get("/nowhere", headers={"X-Request-Id": bad})).headers["X-Request-Id"] != bad


@pytest.mark.parametrize("origin", [
    "null", "http://localhost:3001", "https://localhost:3000", "http://localhost:3000.evil.example", "http://evil.example",
    "http://localhost", "HTTP://LOCALHOST:3000", "http://localhost:3000/", "file://", "", "http://127.0.0.1:3000",
])  # fmt: skip
async def test_other_origins_get_no_permission(api: Api, origin: str) -> None:
    reply = await api.get("/health", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in reply.headers
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    assert (await api.call("OPTIONS", "/units/x", headers=headers, check=False)).status in {403, 405}


async def test_the_frontend_may_call_from_its_own_origin(api: Api) -> None:
    reply = await api.get("/health", headers={"Origin": ORIGIN})
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in reply.headers
    assert "Origin" in reply.headers["Vary"]
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization",
    }
    reply = await api.call("OPTIONS", "/units/x", headers=headers, check=False)
    assert (reply.status, reply.headers["Access-Control-Max-Age"]) == (204, "600")
    assert reply.headers["Access-Control-Allow-Headers"] == CORS_HEADERS
    refused = await api.get("/auth/me", headers={"Origin": ORIGIN})
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN, "also an error can be read"


async def test_what_we_did_not_foresee_is_a_500_that_tells_nothing(database: str, caplog) -> None:
    async def fail(call):
        raise ZeroDivisionError("secret inside")

    async def lose(call):
        raise StoreUnavailableError("secret inside")

    table = [Route("GET", "/fail", fail, Gate.PUBLIC, "x"), Route("GET", "/lose", lose, Gate.PUBLIC, "x")]
    program = Program(settings_for(database), cost=4, table=table)
    async with TestClient(TestServer(program.application())) as client:
        failed, lost = await client.get("/fail"), await client.get("/lose")
        assert (failed.status, lost.status) == (500, 503)
        assert "secret" not in await failed.text() + await lost.text()
        assert failed.headers["X-Request-Id"] in {getattr(record, "request_id", None) for record in caplog.records}
    program.passwords.close()
    await program.lanes.close()


async def test_an_address_may_do_some_things_only_so_often(api: Api) -> None:
    body = {"email": "nobody@example.com"}
    statuses = [(await api.post("/auth/password/forgot", body)).status for _ in range(21)]
    assert statuses == [202] * 20 + [429]


async def test_requests_are_logged_when_asked_for_and_never_their_secrets(database: str, caplog) -> None:
    caplog.set_level("INFO", "api")
    async with serving(database, REQUEST_LOG=True) as running:
        org = await running.world.organization()
        await running.api.get("/auth/me?token=hidden-query", org.owner)
        [record] = [r for r in caplog.records if r.getMessage() == "request"]
        assert (record.method, record.path, record.status) == ("GET", "/auth/me", 200)
        assert "hidden-query" not in str(vars(record))
        assert org.owner not in str(vars(record))


async def raw(running: Running, data: bytes, seconds: float = 5) -> bytes:
    """Send bytes, return everything until the server closes or nothing comes for a while."""
    reader, writer = await asyncio.open_connection(running.listening.host, running.listening.port)
    try:
        writer.write(data)
        await writer.drain()
        found = b""
        try:
            async with asyncio.timeout(seconds):
                while part := await reader.read(65536):
                    found += part
                    if re.search(rb"\r\n\r\n.*\}$", found, re.DOTALL):
                        break
        except TimeoutError:
            pass
        return found
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(("data", "status"), [
    (b"GET /health HTTP/1.0\r\nHost: x\r\n\r\n", b"505"),
    (b"GET /health\r\n\r\n", b"505"),
    (b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", b"400"),
    (b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"400"),
    (b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", b"400"),
    (b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", b"415"),  # noqa: E501
])  # fmt: skip
async def test_the_wire_is_taken_literally(running: Running, data: bytes, status: bytes) -> None:
    assert (await raw(running, data)).split(b" ", 2)[1] == status


async def test_a_client_behind_a_proxy_is_known_by_its_last_foreign_hop(database: str) -> None:
    async with serving(database, TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8") as running:
        for given, expected in (
            ("203.0.113.9", "203.0.113.9"),
            ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
            ("203.0.113.9, 10.1.2.3", "203.0.113.9"),
            ("nonsense", "127.0.0.1"),
        ):
            await running.api.post(
                "/auth/login", {"email": "a@example.com", "password": "wrong one"}, headers={"X-Forwarded-For": given}
            )
            found = await running.world.sql.fetchval(
                "select host(address) from login_failures order by last_at desc limit 1"
            )
            assert found == expected


async def test_without_a_trusted_proxy_nobody_chooses_his_address(api: Api, world: World) -> None:
    await api.post(
        "/auth/login", {"email": "a@example.com", "password": "wrong one"}, headers={"X-Forwarded-For": "6.6.6.6"}
    )
    assert await world.sql.fetchval("select host(address) from login_failures") == "127.0.0.1"
