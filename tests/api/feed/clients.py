"""Clients of the feeds for tests: a socket that keeps what it was sent, and a stream."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

SECONDS = 15


class Ended(Exception):  # noqa: N818 - nothing went wrong
    """The other side closed, with this code."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Socket:
    """One socket. Heartbeats are passed over."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.raw = socket
        self.seen: list[dict[str, Any]] = []

    async def send(self, message: Any) -> None:
        await self.raw.send_str(orjson.dumps(message).decode())

    async def next(self) -> dict[str, Any]:
        """The next message; raises Ended."""
        while True:
            async with asyncio.timeout(SECONDS):
                message = await self.raw.receive()
            if message.type is not WSMsgType.TEXT:
                raise Ended(self.raw.close_code, str(message.extra or ""))
            found: dict[str, Any] = orjson.loads(message.data)
            if found["type"] != "heartbeat":
                self.seen.append(found)
                return found

    async def until(self, kind: str, condition: Callable[[dict[str, Any]], Any] = lambda _: True) -> dict[str, Any]:
        """The next message of this type for which the condition holds; what comes before is kept in `seen`."""
        while True:
            message = await self.next()
            if message["type"] == kind and condition(message):
                return message

    async def once(self, kind: str, condition: Callable[[dict[str, Any]], Any] = lambda _: True) -> dict[str, Any]:
        """A message of this type for which the condition holds, if it has come already; else the next."""
        came = next((message for message in self.seen if message["type"] == kind and condition(message)), None)
        return came or await self.until(kind, condition)

    async def end(self) -> Ended:
        """How it ends; what comes before is kept in `seen`."""
        while True:
            try:
                await self.next()
            except Ended as ended:
                return ended

    async def quiet(self) -> list[dict[str, Any]]:
        """What had been sent before now: a ping is answered behind it."""
        await self.send({"type": "ping"})
        before = len(self.seen)
        await self.until("pong")
        return self.seen[before:-1]

    async def auth(self, token: str) -> dict[str, Any]:
        await self.send({"type": "auth", "token": token})
        return await self.until("ready")

    async def subscribe(self, topic: str, after: int | None = None) -> dict[str, Any]:
        """The answer."""
        await self.send({"type": "subscribe", "topic": topic, **({} if after is None else {"after": after})})
        answers = {"snapshot", "resumed", "snapshot_needed", "refused"}
        while True:
            message = await self.next()
            if message.get("topic") == topic and message["type"] in answers:
                return message


@asynccontextmanager
async def connected(http: ClientSession, base: str, token: str | None = None, **more: Any) -> AsyncIterator[Socket]:
    async with http.ws_connect(f"{base}/ws", autoping=True, max_msg_size=0, **more) as raw:
        socket = Socket(raw)
        if token is not None:
            await socket.auth(token)
        yield socket


def ids_of(frames: list[dict[str, Any]]) -> list[int]:
    """The ids of all entries that are never merged, in order."""
    return [entry["id"] for frame in frames for entry in frame.get("alerts", []) + frame.get("events", [])]
