"""Just enough of MQTT 3.1.1 and 5 to check a client's packets on their way to a broker; bytes in, bytes out.

Layouts: both OASIS standards, sections 2.1 (fixed header), 3.1 (CONNECT), 3.3 (PUBLISH), 3.8 (SUBSCRIBE).
"""

from collections.abc import Iterator
from dataclasses import dataclass

CONNECT, PUBLISH, SUBSCRIBE = 1, 3, 8
MAX_PACKET = 70_000  # as max_packet_size of mosquitto.conf


class MalformedError(Exception):
    """Not MQTT, or larger than we take: close the connection."""


class Reader:
    """A cursor over one packet's body."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes. Raises MalformedError where the packet ends before."""
        piece = self.data[self.at : self.at + count]
        if len(piece) != count:
            raise MalformedError("packet ends early")
        self.at += count
        return piece

    def number(self, size: int) -> int:
        """Return a big-endian number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def binary(self) -> bytes:
        """Return a field with two bytes of length before it."""
        return self.take(self.number(2))

    def text(self) -> str:
        """Return such a field as text. Raises MalformedError where it is not UTF-8 or holds a zero."""
        try:
            text = self.binary().decode()
        except UnicodeDecodeError:
            raise MalformedError("text is not UTF-8") from None
        if "\0" in text:
            raise MalformedError("text holds a zero")
        return text

    def length(self) -> int:
        """Return a variable byte integer."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise MalformedError("length has more than four bytes")

    def properties(self, level: int) -> bytes:
        """Return the properties with their length before them, as they stand; nothing below MQTT 5."""
        begin = self.at
        if level >= 5:
            self.take(self.length())
        return self.data[begin : self.at]

    @property
    def ended(self) -> bool:
        """Whether everything has been read."""
        return self.at >= len(self.data)


@dataclass(frozen=True)
class Connect:
    """What a client says first. `rest` is what stands between client id and user name: the will, as it came."""

    level: int
    flags: int
    head: bytes
    client_id: str
    rest: bytes
    will_topic: str | None
    username: str | None
    password: bytes | None

    def rewritten(self, client_id: str, username: str, password: str) -> bytes:
        """Return the packet with another identity, everything else as it was."""
        flags = self.flags | 0xC0
        body = b"".join(
            (_field(b"MQTT"), bytes((self.level, flags)), self.head, _field(client_id.encode()), self.rest,
             _field(username.encode()), _field(password.encode()))
        )  # fmt: skip
        return bytes((CONNECT << 4,)) + _length(len(body)) + body

    def refusal(self) -> bytes:
        """Return the CONNACK that says "not authorized" in the client's version."""
        return b"\x20\x03\x00\x87\x00" if self.level >= 5 else b"\x20\x02\x00\x05"


def parse_connect(body: bytes) -> Connect:
    """Take a CONNECT apart (the bytes after its fixed header). Raises MalformedError."""
    reader = Reader(body)
    if reader.text() != "MQTT":
        raise MalformedError("neither MQTT 3.1.1 nor 5")
    level, flags = reader.number(1), reader.number(1)
    if level not in (4, 5):
        raise MalformedError("neither MQTT 3.1.1 nor 5")
    keep_alive = reader.take(2)
    head = keep_alive + reader.properties(level)
    client_id = reader.text()
    begin, will_topic = reader.at, None
    if flags & 0x04:
        reader.properties(level)
        will_topic = reader.text()
        reader.binary()
    rest = body[begin : reader.at]
    username = reader.text() if flags & 0x80 else None
    password = reader.binary() if flags & 0x40 else None
    if not reader.ended:
        raise MalformedError("bytes after the password")
    return Connect(level, flags, head, client_id, rest, will_topic, username, password)


def publish_topic(body: bytes) -> str:
    """Return the topic of a PUBLISH; empty where it only names an alias."""
    return Reader(body).text()


def subscribe_filters(body: bytes, level: int) -> list[str]:
    """Return the filters of a SUBSCRIBE."""
    reader = Reader(body)
    reader.take(2)
    reader.properties(level)
    filters = []
    while not reader.ended:
        filters.append(reader.text())
        reader.take(1)
    return filters


class Frames:
    """Cuts a stream into packets. Holds at most one incomplete packet, of at most MAX_PACKET bytes."""

    def __init__(self) -> None:
        self.pending = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        """Give (type, body, whole packet) of every packet that is complete. Raises MalformedError."""
        data, begin = self.pending + data, 0
        while (sizes := _sizes(data, begin)) is not None:
            header, length = sizes
            end = begin + header + length
            if header + length > MAX_PACKET:
                raise MalformedError(f"packet of {header + length} bytes")
            if end > len(data):
                break
            yield data[begin] >> 4, data[begin + header : end], data[begin:end]
            begin = end
        self.pending = data[begin:]


def _sizes(data: bytes, begin: int) -> tuple[int, int] | None:
    """Return the sizes of the fixed header and of the body at `begin`; None where the header is incomplete."""
    length = 0
    for size, byte in enumerate(data[begin + 1 : begin + 5], 2):
        length |= (byte & 0x7F) << (7 * (size - 2))
        if byte < 0x80:
            return size, length
    if len(data) - begin >= 5:
        raise MalformedError("length has more than four bytes")
    return None


def _field(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw


def _length(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = divmod(value, 128)
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)
