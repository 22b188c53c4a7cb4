"""Server-sent events: the same topics and frames for whoever speaks HTTP only."""

import asyncio
import contextlib

from aiohttp import hdrs, web

from api import problems
from api.call import Call
from api.feed.entrance import Guest, by_ticket, by_token, check_origin, keep_small
from api.feed.subscriber import LINGER_SECONDS, Subscriber
from api.feed.topics import parse
from api.feed.voices import STREAM
from api.frame import stream_headers
from api.problems import FieldError
from frostguard.errors import StoreUnavailableError

BUSY = (1013, "the database does not answer")


async def serve(call: Call) -> web.StreamResponse:
    """Serve one stream until it ends."""
    check_origin(call)
    topics, after = _topics(call), _after(call)
    guest = await _guest(call)
    live = call.program.live
    if live.stopping:
        raise StoreUnavailableError("the server is stopping")
    seat = live.seats.take(guest.principal)
    if seat is None:
        raise problems.Problem(429, "Too many streams of this user or organization.", headers={"Retry-After": "60"})
    try:
        return await _serve(call, guest, topics, after)
    finally:
        live.seats.give_back(seat)


async def _serve(call: Call, guest: Guest, topics: list[str], after: int | None) -> web.StreamResponse:
    live, transport = call.program.live, call.request.transport
    assert transport is not None
    subscriber = Subscriber(transport, STREAM, guest.principal, guest.expires)
    await _check(call, subscriber, topics)
    response = web.StreamResponse(headers=stream_headers(call))
    response.content_type, response.charset = "text/event-stream", "utf-8"
    response.headers["X-Accel-Buffering"] = "no"
    response.force_close()
    await response.prepare(call.request)
    await response.write(b": connected\n\n")  # headers and all, before anybody else writes
    keep_small(call.request)
    live.hub.enter(subscriber)
    try:
        for topic in topics:
            await live.subscribe(subscriber, topic, after, insist=True)
        subscriber.complete(live.hub.window.newest if after is None else after)
        if subscriber.open:
            subscriber.ended = asyncio.Event()
            await subscriber.ended.wait()
    except StoreUnavailableError:
        live.hub.cut(subscriber, *BUSY)
    finally:
        live.hub.leave(subscriber)
    with contextlib.suppress(TimeoutError, ConnectionResetError):  # the client may be gone
        async with asyncio.timeout(LINGER_SECONDS):
            await response.write_eof()
    return response


async def _guest(call: Call) -> Guest:
    authorization = call.request.headers.get(hdrs.AUTHORIZATION)
    if authorization is not None and authorization[:7].lower() == "bearer ":
        return await by_token(call, authorization[7:].strip())
    ticket = call.request.query.get("ticket")
    if ticket is None:
        raise problems.unauthorized()
    return await by_ticket(call, ticket)


def _topics(call: Call) -> list[str]:
    topics = list(dict.fromkeys(call.request.query.getall("topic", [])))
    most = call.program.live.settings.subscriptions
    if not 0 < len(topics) <= most:
        raise problems.invalid(FieldError("topic", f"must be there, up to {most} times"))
    return topics


def _after(call: Call) -> int | None:
    given = call.request.headers.get("Last-Event-ID") or call.request.query.get("after")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) <= 16):
        raise problems.invalid(FieldError("after", "must be the id of an event"))
    return int(given)


async def _check(call: Call, subscriber: Subscriber, topics: list[str]) -> None:
    """Raise a 404 Problem if any topic is not theirs."""
    await call.program.live.follower.caught_up(0)
    for name in topics:
        topic = parse(name)
        if topic is None or await call.program.live.home_of(subscriber, topic) is None:
            raise problems.not_found()
