"""MQTT 5 frames of the hot path: PUBLISH made by hand, PUBACK taken off the stream; everything else is left alone.

The library sends and settles one message at a time. A simulator that is to load a server joins them: `publish` makes
the bytes, `AckFilter` picks the answers out of what the socket delivers and hands the rest on untouched.
"""

from typing import NamedTuple

FIRST_ID = 1024
"""Packet ids from here on are ours; those below belong to the library (it counts from 1 on each connection)."""

LAST_ID = 65_535
_PUBACK = 0x40


class Ack(NamedTuple):
    """A PUBACK: the packet id and its reason code (0 = success)."""

    packet_id: int
    reason: int


def length_bytes(length: int) -> bytes:
    """MQTT's variable byte integer."""
    out = bytearray()
    while length > 127:
        out.append(length & 127 | 128)
        length >>= 7
    out.append(length)
    return bytes(out)


def publish(topic: bytes, payload: bytes, packet_id: int, *, retain: bool = False) -> bytes:
    """A PUBLISH at QoS 1 without properties. `topic` comes with its length in front (`topic_field`)."""
    body = len(topic) + 3 + len(payload)
    first = b"\x33" if retain else b"\x32"
    return b"".join((first, length_bytes(body), topic, packet_id.to_bytes(2), b"\0", payload))


def topic_field(topic: str) -> bytes:
    """The topic as it stands in a PUBLISH: two bytes of length, then UTF-8."""
    raw = topic.encode()
    return len(raw).to_bytes(2) + raw


class AckFilter:
    """Splits a stream into our PUBACKs and the bytes that are for the library. Holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> tuple[list[Ack], bytes]:
        """The PUBACKs that are complete now, and the other complete frames as they came."""
        if self._rest:
            data = self._rest + data
        acks: list[Ack] = []
        others: list[bytes] = []
        at = 0
        while (end := _frame_end(data, at)) is not None:
            ack = _own_ack(data, at, end)
            if ack:
                acks.append(ack)
            else:
                others.append(data[at:end])
            at = end
        self._rest = data[at:]
        return acks, b"".join(others)


def _frame_end(data: bytes, at: int) -> int | None:
    """Where the frame that begins at `at` ends; None when it is not all there."""
    length = shift = 0
    for place in range(at + 1, at + 5):
        if place >= len(data):
            return None
        length |= (data[place] & 127) << shift
        if data[place] < 128:
            end = place + 1 + length
            return end if end <= len(data) else None
        shift += 7
    return len(data)  # a length of more than four bytes is malformed: the library finds out and hangs up


def _own_ack(data: bytes, at: int, end: int) -> Ack | None:
    if data[at] != _PUBACK:
        return None
    body = at + 2
    while body < at + 6 and data[body - 1] > 127:
        body += 1
    if body > at + 5 or end - body < 2:
        return None
    packet_id = data[body] << 8 | data[body + 1]
    if packet_id < FIRST_ID:
        return None
    return Ack(packet_id, data[body + 2] if end - body > 2 else 0)
