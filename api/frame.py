"""The way of every request: gate, organization, query, body, handler, disk, answer; and of every error.

One middleware stands around everything, so that 404 and 500 look like all other answers. Each route has one endpoint,
which does in order: who asks, for which organization and in which role, with what; then it calls the handler. A change
is answered when it is on disk, a change of access when every process has heard of it.
"""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from aiohttp import hdrs, web

from api import body, problems
from api.answers import Answer
from api.call import Call
from api.problems import Problem
from api.routing import KINDS, Gate, Route
from frostguard.domain.access import Action, Role, may
from frostguard.errors import RowRefusedError, StoreUnavailableError
from frostguard.store.lanes import fence

if TYPE_CHECKING:
    from api.program import Program

REQUEST_ID = "X-Request-Id"
ID, ROUTE, HOME = web.RequestKey("id", str), web.RequestKey("route", str), web.RequestKey("home", UUID)
is_request_id = re.compile(r"[A-Za-z0-9._-]{8,64}").fullmatch
is_uuid = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch

log = logging.getLogger("api")

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "frostguard",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
CORS_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
CORS_HEADERS = "Authorization, Content-Type, If-Match, Idempotency-Key, X-Change-Reason, X-Request-Id, traceparent"
CORS_EXPOSED = "ETag, Link, Location, Retry-After, X-Request-Id, traceresponse"

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def endpoint(route: Route, program: "Program") -> Endpoint:
    """Return what aiohttp calls for this route."""
    seconds = program.metrics.seconds.labels(route.name)
    succeeded = program.metrics.requests.labels(route.name, str(route.status))

    async def serve(request: web.Request) -> web.StreamResponse:
        began = time.perf_counter()
        request[ROUTE] = route.name
        call = Call(request, route, program, request[ID])
        answer = await _answer(call, program)
        succeeded.inc()
        if isinstance(answer, web.StreamResponse):
            return answer  # its time is that of the client, or of what it waits for
        seconds.observe(time.perf_counter() - began)
        response = web.Response(body=answer.body, status=answer.status, headers=answer.headers)
        response.headers[hdrs.CONTENT_TYPE] = answer.content_type
        return response

    return serve


async def _answer(call: Call, program: "Program") -> Answer | web.StreamResponse:
    route, request = call.route, call.request
    if route.limit is not None:
        wait = program.throttle(route).take(call.address)
        if wait:
            raise problems.too_many(wait)
    await _pass_gate(call, program)
    fence(call.home, mutates=route.mutates)
    if route.query is not None:
        call.query = body.parse_query(request.query, route.query)
    if route.body is not None:
        call.body = await body.read_shape(request, route.body)
    answer = await route.handler(call)
    if route.mutates:
        await program.lanes.flushed()
        if route.settles:
            await program.principals.settled()
    return answer


async def _pass_gate(call: Call, program: "Program") -> None:
    gate, request = call.route.gate, call.request
    if gate is Gate.PUBLIC:
        return
    authorization = request.headers.get(hdrs.AUTHORIZATION)
    if gate is Gate.GATEWAY_KEY:
        call.admitted(await program.principals.admit_gateway(authorization))
        return
    call.who = await program.principals.admit(authorization)
    for name, text in request.match_info.items():
        if not is_uuid(text):
            raise problems.not_found()
        call.ids[name] = UUID(text)
    if isinstance(gate, Action):
        await _find_home(call, gate, program)


async def _find_home(call: Call, action: Action, program: "Program") -> None:
    """Find the organization that the path leads to, among the user's own, and judge the role there."""
    name = call.route.parameters[0]
    target, roles = call.ids[name], call.principal.roles
    home: UUID | None
    if name == "orgId":
        home = target if target in roles else None
    elif len(roles) == 1:
        home = next(iter(roles))  # the statement itself will say whether the object is there
    elif roles:
        async with program.lanes.lane() as connection:
            home = await program.home_of(connection, KINDS[name], target, list(roles))
    else:
        home = None
    if home is None:
        raise problems.not_found()
    role: Role = roles[home]
    if not may(role, action):
        raise problems.forbidden()
    call.at_home_in(home, role)
    call.request[HOME] = home


def guard(program: "Program") -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware around everything."""
    origins = program.api.origins
    request_log = program.api.request_log

    @web.middleware
    async def around(request: web.Request, handler: Endpoint) -> web.StreamResponse:
        given = request.headers.get(REQUEST_ID)
        request_id = given if given is not None and is_request_id(given) else secrets.token_hex(8)
        request[ID] = request_id
        origin = request.headers.get(hdrs.ORIGIN)
        try:
            _refuse_old_http(request)
            if origin is not None and request.method == hdrs.METH_OPTIONS:
                response: web.StreamResponse = _preflight(request, origins)
            else:
                response = await handler(request)
        except Exception as error:  # noqa: BLE001 - the last resort: every error is answered, none ends the server
            response = _refuse(program, request, error, request_id)
        headers = response.headers
        if not response.prepared:  # a stream has sent its headers, with those of `stream_headers`
            headers[REQUEST_ID] = request_id
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if origins:
                headers.add(hdrs.VARY, hdrs.ORIGIN)
                if origin in origins:
                    headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
                    headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = CORS_EXPOSED
        if request_log:
            log.info("request", extra=_facts(request, response, program))
        return response

    return around


def stream_headers(call: Call) -> dict[str, str]:
    """Return the headers for a handler that prepares a stream of its own, which `guard` cannot add any more."""
    origin = call.request.headers.get(hdrs.ORIGIN)
    allowed: dict[str, str] = (
        {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: origin} if origin in call.program.api.origins and origin else {}
    )
    return {**SECURITY_HEADERS, REQUEST_ID: call.request_id, hdrs.VARY: hdrs.ORIGIN, **allowed}


def _refuse_old_http(request: web.Request) -> None:
    if request.version < (1, 1):
        raise Problem(505, "Speak HTTP/1.1.", headers={"Connection": "close"})


def _preflight(request: web.Request, origins: frozenset[str]) -> web.Response:
    if request.headers.get(hdrs.ORIGIN) not in origins:
        raise problems.forbidden("This origin may not call the API from a browser.")
    return web.Response(
        status=204,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: CORS_METHODS,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: CORS_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: "600",
        },
    )


def _refuse(program: "Program", request: web.Request, error: Exception, request_id: str) -> web.Response:
    problem = _problem_of(error)
    if problem.status == 500:
        log.error("a request failed", exc_info=error, extra={"request_id": request_id, "path": request.path[:200]})
    elif isinstance(error, StoreUnavailableError | RowRefusedError):
        log.warning("a request was refused", extra={"request_id": request_id, "error": str(error)[:300]})
    program.metrics.requests.labels(request.get(ROUTE, "none"), str(problem.status)).inc()
    response = _response_of(problem, request_id)
    if problem.headers.get("Connection") == "close":
        response.force_close()
    return response


def _response_of(problem: Problem, request_id: str) -> web.Response:
    response = web.Response(body=problems.body_of(problem, request_id), status=problem.status, headers=problem.headers)
    response.headers[hdrs.CONTENT_TYPE] = problems.CONTENT_TYPE
    return response


def answer_to(problem: Problem) -> web.Response:
    """Return the answer to what never became a request, with the headers that `guard` gives to all others."""
    request_id = secrets.token_hex(8)
    response = _response_of(problem, request_id)
    response.headers.update({REQUEST_ID: request_id, **SECURITY_HEADERS})
    return response


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(405, "This path does not take that method.", headers={hdrs.ALLOW: allowed})
    if isinstance(error, web.HTTPNotFound):
        return problems.not_found()
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Problem(413, "The request is too large.", headers={"Connection": "close"})
    if isinstance(error, web.HTTPException) and error.status >= 400:
        return Problem(error.status, "The request cannot be served as it is.")
    return problems.of_error(error)


def _facts(request: web.Request, response: web.StreamResponse, program: "Program") -> dict[str, object]:
    return {
        "request_id": request[ID],
        "method": request.method,
        "path": request.path[:200],  # never the query: it may hold what must not be logged
        "status": response.status,
        "address": program.address_of(request),
    }
