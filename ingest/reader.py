"""Take PUBLISH packets out of a byte stream; hand every other packet on as it came. Pure: bytes in, values out.

MQTT 5 on the wire: one byte of type and flags, the length of the rest in 1 to 4 bytes of 7 bits, the rest. A PUBLISH is
topic (2 bytes of length, UTF-8), packet id (QoS 1 and 2 only), length of the properties, properties, payload. This is
the only part of the protocol that is ours, because reading it through the client costs twelve times as much per message
as reading it here; connection, session, keep-alive and everything else stay the client library's.
"""

from typing import NamedTuple

PUBLISH = 0x30
RETAIN = 0x01
DUP = 0x08
MAX_PACKET = 1 << 20
"""A larger PUBLISH is not kept in memory: its head is delivered without the payload, the rest is skipped."""

_HEAD_ROOM = 65_535 + 2 + 2 + 5  # the longest topic, the packet id, and the length of the properties


class Publish(NamedTuple):
    """One message. `packet_id` is 0 for QoS 0; `payload` is None where the packet was too large to keep."""

    topic: bytes
    payload: bytes | None
    packet_id: int
    flags: int  # the low bits of the first byte: RETAIN, QoS, DUP


class Other(NamedTuple):
    """Any other packet: its first byte and its body."""

    command: int
    body: bytes


class ProtocolError(Exception):
    """These bytes are not MQTT 5. The connection cannot be used any more."""


class Reader:
    """Holds what is left of an unfinished packet between two reads."""

    def __init__(self) -> None:
        self._rest = b""
        self._skip = 0

    def feed(self, data: bytes) -> tuple[list[Publish], list[Other]]:  # noqa: PLR0912 - straight: hot
        """Return the messages and the other packets that are complete now, each in order of arrival.

        Raises ProtocolError for a malformed length, an impossible topic length or QoS 3.
        """
        if self._skip:
            data = self._skipped(data)
        if self._rest:
            data = self._rest + data
        published: list[Publish] = []
        others: list[Other] = []
        at, end = 0, len(data)
        new, make = tuple.__new__, published.append
        while end - at > 1:
            command, size, start = data[at], data[at + 1], at + 2
            if size > 127:
                # Nearly every message has 128 bytes to 16 KiB, whose length is two bytes: read in place.
                if end - at > 2 and data[at + 2] < 128:
                    size, start = (size & 127) | data[at + 2] << 7, at + 3
                else:
                    size, start = _length(data, at + 1)
                    if not start:
                        break
            stop = start + size
            if stop > end:
                if size > MAX_PACKET and end - start >= min(size, _HEAD_ROOM):
                    make(_head(command, data, start))
                    self._rest, self._skip = b"", stop - end
                    return published, others
                break
            if command & 0xF0 == PUBLISH:
                body = start + 2 + (data[start] << 8 | data[start + 1]) if size > 1 else stop + 1
                topic, packet_id = data[start + 2 : body], 0
                if command & 0x06:
                    if command & 0x06 == 0x06:
                        raise ProtocolError("QoS 3")
                    packet_id = data[body] << 8 | data[body + 1] if body + 1 < stop else 0
                    body += 2
                # Nearly every message has no properties: one byte that is 0.
                body = body + 1 if body < stop and not data[body] else _after_properties(data, body, stop)
                make(new(Publish, (topic, data[body:stop], packet_id, command & 0x0F)))
            else:
                others.append(Other(command, data[start:stop]))
            at = stop
        self._rest = data[at:]
        return published, others

    def _skipped(self, data: bytes) -> bytes:
        gone = min(self._skip, len(data))
        self._skip -= gone
        return data[gone:]


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable length and where the body starts; (0, 0) while it is incomplete."""
    value, shift = 0, 0
    for position in range(at, min(at + 4, len(data))):
        byte = data[position]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position + 1
        shift += 7
    if len(data) - at >= 4:
        raise ProtocolError("a length of more than four bytes")
    return 0, 0


def _after_properties(data: bytes, at: int, stop: int) -> int:
    if at >= stop:
        raise ProtocolError("a PUBLISH that ends inside its header")
    size, read = _length(data[at : min(at + 4, stop)], 0)  # not data[:stop]: that would copy the chunk each time
    if not read or at + read + size > stop:
        raise ProtocolError("properties longer than their packet")
    return at + read + size


def _head(command: int, data: bytes, start: int) -> Publish:
    """Read topic and packet id of a PUBLISH that is too large to keep."""
    if command & 0xF0 != PUBLISH or command & 0x06 == 0x06:
        raise ProtocolError("a packet of more than a megabyte that is no PUBLISH, or one with QoS 3")
    body = start + 2 + (data[start] << 8 | data[start + 1])
    packet_id = data[body] << 8 | data[body + 1] if command & 0x06 else 0
    return Publish(data[start + 2 : body], None, packet_id, command & 0x0F)
