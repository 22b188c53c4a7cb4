"""A WebSocket from its first message to its last."""

import asyncio
import logging
import time
from typing import Any

import orjson
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from api.call import Call
from api.feed import frames
from api.feed.entrance import Guest, by_ticket, by_token, check_origin, keep_small
from api.feed.limits import Allowance
from api.feed.live import NOTHING, SIGNED_OUT, STOPPING
from api.feed.subscriber import LINGER_SECONDS, State, Subscriber
from api.feed.topics import parse
from api.feed.voices import SOCKET
from api.frame import stream_headers
from api.problems import Problem
from frostguard.errors import FrostGuardError, StoreUnavailableError

MESSAGE_BYTES = 4096
AUTH_SECONDS = 10.0
MAX_TOPIC = 200
NOT_SIGNED_IN = (4401, "sign in first")
NO_SEAT = (4429, "too many sockets")
NOT_UNDERSTOOD = (1003, "this message means nothing here")
TOO_OFTEN = (1008, "too many messages")
BROKEN = (1011, "something went wrong on our side")
BUSY = (1013, "the database does not answer")
ENDS = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})

log = logging.getLogger("api.feed")


class EndError(Exception):
    """The socket ends, with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def serve(call: Call) -> web.StreamResponse:
    """Serve one socket until it ends."""
    check_origin(call)
    request = call.request
    socket = web.WebSocketResponse(autoping=False, autoclose=False, compress=False, max_msg_size=MESSAGE_BYTES)
    if not socket.can_prepare(request).ok:
        raise Problem(426, "This is a WebSocket.", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    socket.headers.update(stream_headers(call))
    await socket.prepare(request)
    _let_go_of_the_request(request, socket)
    transport = request.transport
    if transport is None:
        return socket
    keep_small(request)
    try:
        await _Conversation(call, socket, transport).run()
    finally:
        transport.close()  # before aiohttp would say goodbye a second time
    return socket


def _let_go_of_the_request(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Keep nothing of the handshake that an idle socket has no use for: there are thousands of them."""
    socket.headers.clear()  # they are sent
    # No HTTP comes any more; aiohttp does the same when a connection is lost, and names no other way.
    request.protocol._parser = None  # noqa: SLF001 - see above


class _Conversation:
    """What is said on one socket."""

    __slots__ = ("_allowance", "_call", "_live", "_socket", "_transport")

    def __init__(self, call: Call, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._call = call
        self._live = call.program.live
        self._socket = socket
        self._transport = transport
        self._allowance = Allowance()

    async def run(self) -> None:
        """Let somebody in, and listen until one of us ends it."""
        if self._live.stopping:
            await self._farewell(*STOPPING)
            return
        try:
            guest = await self._authenticate()
        except EndError as end:
            await self._farewell(end.code, end.reason)
            return
        if guest is None:
            return
        seat = self._live.seats.take(guest.principal)
        if seat is None:
            await self._farewell(*NO_SEAT)
            return
        try:
            await self._serve(Subscriber(self._transport, SOCKET, guest.principal, guest.expires))
        finally:
            self._live.seats.give_back(seat)

    async def _serve(self, subscriber: Subscriber) -> None:
        hub = self._live.hub
        hub.enter(subscriber)
        try:
            await self._live.follower.caught_up(0)
            every = self._live.settings.heartbeat_seconds
            subscriber.say("ready", id=hub.window.newest, heartbeatSeconds=every)
            while (message := await self._next(subscriber)) is not None:
                await self._take(subscriber, message)
                message = None  # not kept until the next one comes, which may be never
        except (EndError, FrostGuardError) as error:
            hub.cut(subscriber, *_code_of(error))
            await self._answer()
        finally:
            hub.leave(subscriber)

    # --- messages

    async def _authenticate(self) -> Guest | None:
        """Return who it is; None if the client left. Raises EndError."""
        try:
            async with asyncio.timeout(AUTH_SECONDS):
                message = await self._next(None)
            return None if message is None else await self._guest(message)
        except TimeoutError:
            raise EndError(*NOT_SIGNED_IN) from None
        except StoreUnavailableError:
            raise EndError(*BUSY) from None

    async def _guest(self, message: dict[str, Any]) -> Guest:
        try:
            match message:
                case {"type": "auth", "token": str(token)}:
                    return await by_token(self._call, token)
                case {"type": "auth", "ticket": str(ticket)}:
                    return await by_ticket(self._call, ticket)
            raise EndError(*NOT_SIGNED_IN)
        except Problem as problem:
            raise EndError(SIGNED_OUT[0], problem.detail) from None

    async def _next(self, subscriber: Subscriber | None) -> dict[str, Any] | None:
        """Return the next message that is one of ours; None at the end. Raises EndError."""
        while True:
            message = await self._socket.receive()
            ended = subscriber is not None and subscriber.state is State.CLOSED
            if message.type in ENDS:
                if message.type is WSMsgType.CLOSE and not ended:
                    self._echo(message)
                return None
            if ended:
                continue  # until it has heard our farewell
            if subscriber is not None:
                subscriber.heard_at = time.monotonic()
            if not self._allowance.take():
                raise EndError(*TOO_OFTEN)
            if message.type is WSMsgType.TEXT:
                return _parsed(message.data)
            if message.type is WSMsgType.PING:
                self._transport.write(frames.pong(message.data))
            elif message.type is not WSMsgType.PONG:
                raise EndError(*NOT_UNDERSTOOD)

    def _echo(self, message: WSMessage) -> None:
        code = message.data if isinstance(message.data, int) and message.data else WSCloseCode.OK
        self._transport.write(frames.closing(code, ""))

    async def _take(self, subscriber: Subscriber, message: dict[str, Any]) -> None:
        match message:
            case {"type": "ping"}:
                subscriber.say("pong")
            case {"type": "subscribe", "topic": str(topic)} if len(topic) <= MAX_TOPIC:
                after = message.get("after")
                if after is not None and (isinstance(after, bool) or not isinstance(after, int)):
                    raise EndError(*NOT_UNDERSTOOD)
                await self._not_too_fast(subscriber)
                await self._live.subscribe(subscriber, topic, after)
            case {"type": "unsubscribe", "topic": str(topic)} if len(topic) <= MAX_TOPIC:
                known = parse(topic)
                if known in subscriber.subscriptions and known is not None:
                    self._live.hub.unsubscribe(subscriber, known)
                else:
                    subscriber.say("refused", topic=topic, detail=NOTHING)
            case _:
                raise EndError(*NOT_UNDERSTOOD)

    @staticmethod
    async def _not_too_fast(subscriber: Subscriber) -> None:
        """Let a client take what it asked for before it asks for more."""
        while subscriber.fell_behind() and subscriber.open:  # noqa: ASYNC110 - no event of the transport tells
            await asyncio.sleep(0.02)

    # --- the end

    async def _farewell(self, code: int, reason: str) -> None:
        if not self._transport.is_closing():
            self._transport.write(frames.closing(code, reason))
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.abort)
            await self._answer()

    async def _answer(self) -> None:
        """Wait until the client has heard our farewell: closing at once could cut it off."""
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while (await self._socket.receive()).type not in ENDS:
                    pass
        except (TimeoutError, RuntimeError):
            self._transport.abort()


def _code_of(error: EndError | FrostGuardError) -> tuple[int, str]:
    match error:
        case EndError():
            return error.code, error.reason
        case StoreUnavailableError():
            return BUSY
        case _:
            log.error("a socket failed", exc_info=error)
            return BROKEN


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise EndError(*NOT_UNDERSTOOD) from None
    if not isinstance(found, dict):
        raise EndError(*NOT_UNDERSTOOD)
    return found
