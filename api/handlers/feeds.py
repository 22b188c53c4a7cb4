"""The feeds' three doors: a socket, a stream, a ticket for either."""

from aiohttp import web

from api.answers import Answer, shown
from api.call import Call
from api.feed import socket as sockets
from api.feed import stream as streams
from api.feed.entrance import TICKET_SECONDS, give_ticket


async def socket(call: Call) -> web.StreamResponse:
    """Serve a WebSocket: docs/feeds.md says what is spoken on it."""
    return await sockets.serve(call)


async def stream(call: Call) -> web.StreamResponse:
    """Send events as they happen."""
    return await streams.serve(call)


async def ticket(call: Call) -> Answer:
    """Give a ticket that opens one socket or stream in place of the token, once and soon."""
    return shown({"ticket": await give_ticket(call), "expiresIn": TICKET_SECONDS}, 201)
