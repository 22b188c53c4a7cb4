"""Traces of single requests: a span for the request, one below it for each statement, W3C Trace Context in and out.

Without TRACE_ENDPOINT there is no middleware and no listener on any connection: nothing is asked of a request. A span
says route, status, request id and organization: no address, no query, no body, no parameter of a statement.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any

from aiohttp import web

from api.frame import HOME, ID, ROUTE
from frostguard.tracing import Tracing, TracingSettings, begin, current, traceparent

if TYPE_CHECKING:
    from frostguard.tracing import Span

TRACEPARENT, TRACERESPONSE = "traceparent", "traceresponse"
TRACEPARENT_LENGTH, SAMPLED = 55, "13579bdf"  # the lowest bit of the flags
MAX_STATEMENT = 2000

log = logging.getLogger("api.tracing")

Middleware = Callable[..., Awaitable[web.StreamResponse]]


class Traces:
    """What traces requests. `endless` are the paths of routes whose answers have no end: these are left out."""

    def __init__(self, tracing: Tracing, one_in: int, endless: Collection[str] = ()) -> None:
        self._tracing = tracing
        self._one_in = one_in
        self._endless = frozenset(endless)

    def close(self) -> None:
        """Send what waits."""
        self._tracing.close()

    def middleware(self) -> Middleware:
        """Return the middleware, which stands around all others."""

        @web.middleware
        async def traced(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            caller = request.headers.get(TRACEPARENT, "")
            if not self._wants(request, caller):
                return await handler(request)
            facts = {"http.request.method": request.method}
            span = self._tracing.open(request.method, facts, kind="server", under=caller)
            before = current.set(span)
            try:
                response = await handler(request)
                self._tell(span, request, response)
                return response
            except BaseException:  # the client has gone away
                self._tracing.fail(span)
                raise
            finally:
                current.reset(before)
                span.end()

        return traced

    def statement(self, done: Any) -> None:  # noqa: ANN401 - asyncpg's record of a statement
        """Tell a statement that a traced request has made, when it is done."""
        span = current.get()
        if span is None:
            return
        ended = time.time_ns()
        facts = {"db.system.name": "postgresql", "db.query.text": done.query.strip()[:MAX_STATEMENT]}
        words = done.query.split(maxsplit=1)
        began = ended - int(done.elapsed * 1e9)
        made = self._tracing.open(words[0].lower() if words else "", facts, kind="client", began=began, under=span)
        if done.exception is not None:
            self._tracing.fail(made)
        made.end(ended)

    def _wants(self, request: web.Request, caller: str) -> bool:
        resource = request.match_info.route.resource
        if resource is not None and resource.canonical in self._endless:
            return False
        return (len(caller) == TRACEPARENT_LENGTH and caller[-1] in SAMPLED) or self._tracing.turn(self._one_in)

    def _tell(self, span: "Span", request: web.Request, response: web.StreamResponse) -> None:
        route, home = request.get(ROUTE), request.get(HOME)
        if route is not None:
            span.update_name(route)
            span.set_attribute("http.route", route.partition(" ")[2])
        if home is not None:
            span.set_attribute("frostguard.organization_id", str(home))
        span.set_attribute("frostguard.request_id", request[ID])
        span.set_attribute("http.response.status_code", response.status)
        if response.status >= 500:
            self._tracing.fail(span)
        handed = traceparent(span) or ""
        if not response.prepared:
            response.headers[TRACERESPONSE] = handed
        log.debug("a request was traced", extra={"trace_id": handed.split("-")[1], "request_id": request[ID]})


def begin_traces(settings: TracingSettings, endless: Collection[str]) -> Traces | None:
    """Return what traces requests; None where no collector is named. Raises UsageError without the extra `tracing`."""
    tracing = begin(settings, "frostguard-api")
    return None if tracing is None else Traces(tracing, settings.one_request_in, endless)
