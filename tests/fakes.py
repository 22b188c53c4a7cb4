"""What stands at the rim in tests: a clock, MQTT packets built by hand, and a broker that says what it is told to."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


async def until(condition: Callable[[], Awaitable[object] | object], what: str, seconds: float = 20) -> None:
    """Wait for something that no event tells us; fail by name."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                found = condition()
                if found is not None and not isinstance(found, bool | int | float | str | list | dict):
                    found = await found
                if found:
                    return
                await asyncio.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


# --- MQTT 5 on the wire, built by hand


def length(value: int) -> bytes:
    """A variable byte integer."""
    out = bytearray()
    while True:
        value, low = divmod(value, 128)
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def packet(first: int, body: bytes = b"") -> bytes:
    return bytes([first]) + length(len(body)) + body


def publish(
    topic: bytes, payload: bytes, packet_id: int = 0, flags: int | None = None, properties: bytes = b""
) -> bytes:
    """A PUBLISH; with a packet id it has QoS 1. `flags` are DUP (8) and RETAIN (1), or any low bits in a broken one."""
    flags = flags or 0
    if packet_id and not flags & 6:
        flags |= 2
    identifier = packet_id.to_bytes(2, "big") if flags & 6 else b""
    head = len(topic).to_bytes(2, "big") + topic + identifier + length(len(properties)) + properties
    return packet(0x30 | flags, head + payload)


CONNACK = packet(0x20, b"\x00\x00\x00")  # no session, success, no properties
PINGRESP = packet(0xD0)


def suback(packet_id: int, code: int = 1) -> bytes:
    return packet(0x90, packet_id.to_bytes(2, "big") + b"\x00" + bytes([code]))


class FakeBroker:
    """Listens on a port of this machine; answers CONNECT with `greeting`, PINGREQ and SUBSCRIBE in order.

    What clients send is kept in `received`: (first byte, body).
    """

    def __init__(self, greeting: bytes = CONNACK) -> None:
        self.greeting = greeting
        self.received: list[tuple[int, bytes]] = []
        self.port = 0
        self.writer: asyncio.StreamWriter | None = None
        self.connected = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "FakeBroker":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        if self.writer is not None:
            self.writer.close()
        await self._server.wait_closed()

    async def send(self, data: bytes) -> None:
        assert self.writer is not None
        with contextlib.suppress(OSError):
            self.writer.write(data)
            await self.writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                first, body = await _read_packet(reader)
                self.received.append((first, body))
                if first == 0x10:
                    await self.send(self.greeting)
                    self.connected.set()
                elif first == 0x82:
                    await self.send(suback(int.from_bytes(body[:2], "big")))
                elif first == 0xC0:
                    await self.send(PINGRESP)
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()

    def acknowledged(self) -> list[int]:
        """Packet ids of the PUBACKs so far, in order."""
        return [int.from_bytes(body[:2], "big") for first, body in self.received if first == 0x40]


async def _read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    size = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return first, await reader.readexactly(size)
