"""Frames: JSON made once, and wrapped once for all sockets and once for all streams."""

import struct
from functools import cached_property
from typing import Any

from api.answers import encode

_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
_MAX_CONTROL = 125


def packet(data: bytes, opcode: int = _TEXT) -> bytes:
    """Return a whole WebSocket frame from the server: not masked, not compressed."""
    size = len(data)
    if size < 126:
        return bytes((opcode, size)) + data
    if size < 65_536:
        return struct.pack("!BBH", opcode, 126, size) + data
    return struct.pack("!BBQ", opcode, 127, size) + data


PING = packet(b"", _PING)


def pong(data: bytes) -> bytes:
    """Return the answer to a ping."""
    return packet(data[:_MAX_CONTROL], _PONG)


def closing(code: int, reason: str) -> bytes:
    """Return a close frame."""
    return packet(struct.pack("!H", code) + reason.encode()[: _MAX_CONTROL - 2], _CLOSE)


def chunk(data: bytes) -> bytes:
    """Return a chunk of a streamed answer (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(kind: str, data: bytes) -> bytes:
    """Return a server-sent event, as a chunk."""
    return chunk(b"event: %b\ndata: %b\n\n" % (kind.encode(), data))


def event_id(position: int) -> bytes:
    """Return the line that moves a client's Last-Event-ID and shows it nothing, as a chunk."""
    return chunk(b"id: %d\n\n" % position)


class Frame:
    """One message. `kind` is its `type`."""

    def __init__(self, kind: str, members: dict[str, Any]) -> None:
        self.kind = kind
        self.data = encode({"type": kind, **members})

    @cached_property
    def for_socket(self) -> bytes:
        """As a WebSocket takes it."""
        return packet(self.data)

    @cached_property
    def for_stream(self) -> bytes:
        """As a stream of events takes it."""
        return event(self.kind, self.data)
