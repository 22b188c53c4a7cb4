"""Who may open a socket or a stream: from where a page comes, and who is behind a token or a ticket."""

import secrets
from socket import SO_SNDBUF, SOL_SOCKET
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import hdrs, web

from api import problems
from api.call import Call
from api.principals import Principal
from frostguard.security import TokenError, hash_token
from frostguard.store import feed

TICKET_SECONDS = 30
SEND_BUFFER_BYTES = 128 * 1024  # in the kernel, for each: what is beyond shows that the client is slow


class Guest(NamedTuple):
    """Who came in, and until when the token, or the session of the ticket, counts (seconds since 1970)."""

    principal: Principal
    expires: float


def check_origin(call: Call) -> None:
    """Raise a 403 Problem for a page from elsewhere. Who sends no Origin is no browser."""
    origin = call.request.headers.get(hdrs.ORIGIN)
    if origin is None or origin in call.program.api.origins:
        return
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or parts.netloc.lower() != call.request.host.lower():
        raise problems.forbidden("This origin may not call the API from a browser.")


async def by_token(call: Call, token: str) -> Guest:
    """Return who shows an access token. Raises a 401 Problem, or StoreUnavailableError."""
    principal = await call.program.principals.admit(f"Bearer {token}")
    try:
        claims = call.program.signer.verify(token)
    except TokenError:
        raise problems.unauthorized("Your access token is not valid.") from None
    return Guest(principal, claims.expires)


async def by_ticket(call: Call, ticket: str) -> Guest:
    """Return for whom a ticket was given, and use it up. Raises a 401 Problem, or StoreUnavailableError."""
    async with call.program.lanes.lane() as connection:
        session: UUID | None = await feed.take_ticket(connection, hash_token(ticket))
    principal = None if session is None else await call.program.principals.recall(session)
    if principal is None:
        raise problems.unauthorized("Your ticket counts no more.")
    return Guest(principal, principal.expires)


async def give_ticket(call: Call) -> str:
    """Return a ticket for the session of this request."""
    ticket = secrets.token_urlsafe(32)
    async with call.program.lanes.lane() as connection:
        await feed.give_ticket(connection, hash_token(ticket), call.principal.session_id, TICKET_SECONDS)
    return ticket


def keep_small(request: web.Request) -> None:
    """Let the kernel hold only so much for a client that does not read."""
    transport = request.transport
    socket = None if transport is None else transport.get_extra_info("socket")
    if socket is not None:
        socket.setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES)
