"""A request's span and what is below it: made in memory, and told by a whole program to a collector over HTTP."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from api.frame import HOME, ID, ROUTE
from api.tracing import Traces
from frostguard.store import http_inbox
from frostguard.tracing import Tracing
from tests.api.conftest import Running, serving
from tests.api.deeds_history import gateway_key
from tests.collector import Collector, collecting

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = CALLER.split("-")[1]
UNASKED = CALLER.replace("-01", "-00")


@asynccontextmanager
async def answering(one_in: int, *, fails: bool = False) -> AsyncIterator[tuple[InMemorySpanExporter, str]]:
    """A small server behind the middleware, and what it told."""
    memory = InMemorySpanExporter()
    traces = Traces(Tracing(SimpleSpanProcessor(memory), "frostguard-api"), one_in, ["/endless"])

    async def answer(request: web.Request) -> web.Response:
        request[ID], request[ROUTE], request[HOME] = "0123456789abcdef", "GET /things/{id}", "an-organization"
        if fails:
            return web.Response(status=503)
        return web.Response(text="fine")

    application = web.Application(middlewares=[traces.middleware()])
    application.router.add_get("/things/{id}", answer)
    application.router.add_get("/endless", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield memory, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def ask(url: str, caller: str | None = None) -> str | None:
    headers = {} if caller is None else {"traceparent": caller}
    async with ClientSession() as http, http.get(url, headers=headers) as reply:
        return reply.headers.get("traceresponse")


async def test_a_span_says_which_route_for_whom_and_how_it_ended_and_no_more() -> None:
    async with answering(1) as (memory, url):
        handed = await ask(f"{url}/things/17?secret=hunter2", CALLER)
    [span] = memory.get_finished_spans()
    assert span.name == "GET /things/{id}"
    assert span.attributes == {
        "http.request.method": "GET", "http.route": "/things/{id}", "http.response.status_code": 200,
        "frostguard.request_id": "0123456789abcdef", "frostguard.organization_id": "an-organization",
    }  # fmt: skip
    assert span.parent is not None
    assert handed == f"00-{TRACE}-{span.context.span_id:016x}-01"


async def test_a_refusal_of_ours_is_a_failure() -> None:
    async with answering(1, fails=True) as (memory, url):
        await ask(f"{url}/things/17")
    assert [span.status.status_code for span in memory.get_finished_spans()] == [StatusCode.ERROR]


@pytest.mark.parametrize(
    ("path", "caller", "traced"),
    [("/things/1", None, False), ("/things/1", CALLER, True), ("/things/1", UNASKED, False),
     ("/endless", CALLER, False), ("/things/1", "x" * 54 + "1", True), ("/things/1", "x1", False)],
)  # fmt: skip
async def test_who_asks_for_a_trace_gets_one_except_of_what_has_no_end(
    path: str, caller: str | None, traced: bool
) -> None:
    async with answering(1_000_000) as (memory, url):
        await ask(f"{url}/things/0")  # the first of so many
        memory.clear()
        assert (await ask(url + path, caller) is not None) is traced
    assert len(memory.get_finished_spans()) == traced


@pytest.fixture
def collector():
    with collecting() as found:
        yield found


@pytest.fixture
async def traced(database: str, collector: Collector) -> AsyncIterator[Running]:
    async with serving(database, TRACE_ENDPOINT=collector.url, TRACE_ONE_REQUEST_IN=1_000_000) as found:
        yield found


async def test_a_program_tells_its_statements_but_not_what_was_asked_with_them(
    traced: Running, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    org = await traced.world.organization()
    token = org.token("viewer")
    with caplog.at_level(logging.DEBUG, logger="api.tracing"):
        reply = await traced.api.get(f"/units/{org.unit}", token, headers={"traceparent": CALLER})
    assert reply.headers["traceresponse"].split("-")[1] == TRACE
    assert [record.trace_id for record in caplog.records if record.name == "api.tracing"][-1] == TRACE
    assert traced.program.traces is not None
    traced.program.traces.close()
    whole, *parts = collector.trace(lambda span: span.trace == TRACE)
    assert (whole.name, whole.service, whole.parent) == ("GET /units/{unitId}", "frostguard-api", CALLER.split("-")[2])
    assert whole.facts["frostguard.organization_id"] == str(org.id)
    assert whole.facts["frostguard.request_id"] == reply.headers["X-Request-Id"]
    assert whole.facts["http.response.status_code"] == 200
    assert {part.parent for part in parts} == {whole.span}
    assert any("from units" in part.facts["db.query.text"] for part in parts)
    assert all(whole.began <= part.began <= part.ended for part in parts)
    for secret in (token, str(org.unit)):
        assert secret.encode() not in collector.raw


async def test_a_gateway_s_message_takes_its_trace_along_to_the_daemon(traced: Running) -> None:
    org = await traced.world.organization()
    headers = {"Authorization": f"Basic {await gateway_key(traced.world, org)}", "traceparent": CALLER}
    body = {"readings": [{"sensor": "s-1", "temperature": 4.0}]}
    reply = await traced.api.post("/ingest/readings", body, headers=headers)
    assert reply.status == 202
    [waiting] = await http_inbox.waiting(traced.world.sql, 0, 10)
    assert waiting["traceparent"] == reply.headers["traceresponse"]


async def test_without_a_collector_nothing_is_asked_and_nothing_is_added(running: Running) -> None:
    assert running.program.traces is None
    assert running.program.lanes.listener is None
    reply = await running.api.get("/health", headers={"traceparent": CALLER})
    assert "traceresponse" not in reply.headers
