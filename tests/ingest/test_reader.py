"""The reader against an independent, slow parser of the same protocol; and against bytes that are no protocol."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest import reader
from ingest.reader import DUP, MAX_PACKET, RETAIN, Other, ProtocolError, Publish, Reader
from tests.fakes import length, packet, publish

CHUNK = 1 << 18  # what one read of the socket gives at most
TOPIC = b"frostguard/v1/acme/gw-1/readings"


def slow(data: bytes) -> tuple[list[Publish], list[Other]]:
    """The oracle: one whole stream, one field after the other, no cleverness."""
    published, others, at = [], [], 0
    while at < len(data):
        first = data[at]
        size = multiplier = 0
        at += 1
        while True:
            byte = data[at]
            size += (byte % 128) * 128**multiplier
            multiplier += 1
            at += 1
            if byte < 128:
                break
        body, at = list(data[at : at + size]), at + size
        if first // 16 != 3:
            others.append(Other(first, bytes(body)))
            continue
        topic_size = body.pop(0) * 256 + body.pop(0)
        topic, body = bytes(body[:topic_size]), body[topic_size:]
        packet_id = 0
        if first & 6:
            packet_id = body.pop(0) * 256 + body.pop(0)
        size = multiplier = 0
        while True:
            byte = body.pop(0)
            size += (byte % 128) * 128**multiplier
            multiplier += 1
            if byte < 128:
                break
        published.append(Publish(topic, bytes(body[size:]), packet_id, first % 16))
    return published, others


USER_PROPERTY = b"\x26\x00\x03key\x00\x05value"

PACKETS = {
    "QoS 0": (publish(TOPIC, b"{}"), Publish(TOPIC, b"{}", 0, 0)),
    "QoS 1": (publish(TOPIC, b"{}", 7), Publish(TOPIC, b"{}", 7, 2)),
    "QoS 1, highest packet id": (publish(TOPIC, b"{}", 65535), Publish(TOPIC, b"{}", 65535, 2)),
    "sent again": (publish(TOPIC, b"{}", 7, DUP), Publish(TOPIC, b"{}", 7, 2 | DUP)),
    "retained": (publish(TOPIC, b"online", 7, RETAIN), Publish(TOPIC, b"online", 7, 2 | RETAIN)),
    "empty payload": (publish(TOPIC, b"", 7), Publish(TOPIC, b"", 7, 2)),
    "empty topic": (publish(b"", b"x", 7), Publish(b"", b"x", 7, 2)),
    "payload that looks like a packet": (
        publish(TOPIC, publish(TOPIC, b"x", 1), 7),
        Publish(TOPIC, publish(TOPIC, b"x", 1), 7, 2),
    ),
    "properties": (publish(TOPIC, b"{}", 7, properties=USER_PROPERTY), Publish(TOPIC, b"{}", 7, 2)),
    "properties of 200 bytes": (publish(TOPIC, b"{}", 7, properties=bytes(200)), Publish(TOPIC, b"{}", 7, 2)),
    "properties, QoS 0, no payload": (publish(TOPIC, b"", properties=USER_PROPERTY), Publish(TOPIC, b"", 0, 0)),
    "length of two bytes": (publish(TOPIC, bytes(300), 7), Publish(TOPIC, bytes(300), 7, 2)),
    "length of three bytes": (publish(TOPIC, bytes(20_000), 7), Publish(TOPIC, bytes(20_000), 7, 2)),
    "length of four bytes, too large to keep": (publish(TOPIC, bytes(2_200_000), 7), Publish(TOPIC, None, 7, 2)),
    "the largest that is kept": (
        publish(TOPIC, bytes(MAX_PACKET - len(TOPIC) - 5), 7),
        Publish(TOPIC, bytes(MAX_PACKET - len(TOPIC) - 5), 7, 2),
    ),
    "one byte more than that": (publish(TOPIC, bytes(MAX_PACKET - len(TOPIC) - 4), 7), Publish(TOPIC, None, 7, 2)),
    "a topic of 65535 bytes": (publish(b"t" * 65535, b"x", 7), Publish(b"t" * 65535, b"x", 7, 2)),
}


@pytest.mark.parametrize("name", PACKETS)
def test_a_packet_says_what_was_put_into_it(name: str) -> None:
    data, expected = PACKETS[name]
    assert _in_pieces([data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]) == ([expected], [])


OTHERS = {
    "connack": packet(0x20, b"\x00\x00\x00"),
    "puback": packet(0x40, b"\x00\x07"),
    "suback": packet(0x90, b"\x00\x01\x00\x01"),
    "ping answer": packet(0xD0),
    "disconnect": packet(0xE0, b"\x8b\x00"),
    "longer than one length byte": packet(0xE0, bytes(500)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_packet_is_handed_on_as_it_came(name: str) -> None:
    data = OTHERS[name]
    assert Reader().feed(data) == ([], [Other(data[0], data[-_body_size(data) :] if _body_size(data) else b"")])


def _body_size(data: bytes) -> int:
    return len(data) - (2 if data[1] < 128 else 3)


def test_a_packet_split_at_any_byte_is_the_same_packet() -> None:
    data = b"".join(
        [
            publish(TOPIC, b"one", 1), publish(TOPIC, b"two"), packet(0xD0), publish(TOPIC, bytes(130), 2, DUP),
            packet(0x40, b"\x00\x07"), publish(TOPIC, b"three", 3, properties=USER_PROPERTY),
        ]
    )  # fmt: skip
    whole = Reader().feed(data)
    assert whole == slow(data)
    for cut in range(1, len(data)):
        assert _in_pieces([data[:cut], data[cut:]]) == whole
    assert _in_pieces([bytes([byte]) for byte in data]) == whole


def _in_pieces(pieces: list[bytes]) -> tuple[list[Publish], list[Other]]:
    one, published, others = Reader(), [], []
    for piece in pieces:
        new, rest = one.feed(piece)
        published += new
        others += rest
    return published, others


packets = st.one_of(
    st.builds(
        publish,
        st.binary(max_size=300),
        st.binary(max_size=300),
        st.integers(0, 65535),
        st.sampled_from([0, DUP, RETAIN, DUP | RETAIN]),
        st.one_of(st.just(b""), st.binary(max_size=200)),
    ),
    st.builds(packet, st.integers(0, 255).filter(lambda first: first >> 4 != 3), st.binary(max_size=200)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(packets, max_size=12).map(b"".join), st.data())
def test_any_split_of_a_stream_gives_what_the_slow_parser_finds_in_the_whole(data: bytes, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=10)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert _in_pieces(pieces) == slow(data)


@pytest.mark.parametrize("chunk", [1 << 18, 65_536, 4093])
@pytest.mark.parametrize("topic", [b"t", TOPIC, b"t" * 65535])
def test_the_packet_after_a_too_large_one_is_read_right(chunk: int, topic: bytes) -> None:
    data = publish(TOPIC, b"before", 1) + publish(topic, bytes(1_500_000), 2, DUP) + publish(TOPIC, b"after", 3)
    pieces = [data[at : at + chunk] for at in range(0, len(data), chunk)]
    assert _in_pieces(pieces) == (
        [Publish(TOPIC, b"before", 1, 2), Publish(topic, None, 2, 2 | DUP), Publish(TOPIC, b"after", 3, 2)],
        [],
    )


def test_two_too_large_packets_in_a_row_cost_their_heads_only() -> None:
    one, data = Reader(), publish(TOPIC, bytes(1_500_000), 2) * 2
    kept, heads = [], []
    for at in range(0, len(data), 100_000):
        heads += one.feed(data[at : at + 100_000])[0]
        kept.append(len(one._rest))
    assert heads == [Publish(TOPIC, None, 2, 2)] * 2
    assert max(kept) < reader._HEAD_ROOM + 100_000


BROKEN = {
    "a length of five bytes": b"\x30\xff\xff\xff\xff\x01",
    "a PUBLISH without a body": packet(0x30),
    "a PUBLISH of one byte": packet(0x30, b"\x00"),
    "a topic longer than its packet": packet(0x30, b"\x00\xff" + b"topic"),
    "no packet id": packet(0x32, b"\x00\x01t"),
    "half a packet id": packet(0x32, b"\x00\x01t\x00"),
    "no properties": packet(0x32, b"\x00\x01t\x00\x07"),
    "no properties, QoS 0": packet(0x30, b"\x00\x01t"),
    "properties longer than their packet": packet(0x30, b"\x00\x01t\x05xx"),
    "properties with a length of five bytes": packet(0x30, b"\x00\x01t\xff\xff\xff\xff\x01" + bytes(300)),
    "properties with an unfinished length": packet(0x30, b"\x00\x01t\xff"),
    "properties whose length ends with the packet, more behind it": packet(0x30, b"\x00\x01t\xff") + bytes(300),
    "QoS 3": packet(0x36, b"\x00\x01t\x00\x07\x00payload"),
    "QoS 3 with properties": publish(b"t", b"payload", 7, 6, properties=USER_PROPERTY),
    "QoS 3, too large": publish(b"t", bytes(1_500_000), 7, 6),
    "a large packet that is no PUBLISH": packet(0x90, bytes(1_500_000)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_bytes_that_are_not_mqtt_end_the_connection(name: str) -> None:
    with pytest.raises(ProtocolError):
        _feed_all(Reader(), BROKEN[name], CHUNK)


@pytest.mark.parametrize("name", BROKEN)
def test_the_messages_before_broken_bytes_are_the_only_ones_that_count(name: str) -> None:
    one = Reader()
    assert one.feed(publish(TOPIC, b"good", 1)) == ([Publish(TOPIC, b"good", 1, 2)], [])
    with pytest.raises(ProtocolError):
        _feed_all(one, BROKEN[name], 50_000)


def _feed_all(one: Reader, data: bytes, chunk: int) -> None:
    for at in range(0, len(data), chunk):
        one.feed(data[at : at + chunk])


hostile = st.one_of(
    st.binary(max_size=400),
    st.lists(st.one_of(packets, st.binary(max_size=6), st.sampled_from(list(BROKEN.values())[:13])), max_size=6).map(
        b"".join
    ),
    st.builds(
        lambda first, size, rest: bytes([first]) + length(size) + rest,
        st.integers(0, 255), st.integers(0, 268_435_455), st.binary(max_size=300),
    ),
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(hostile, st.integers(1, 64))
@example(b"\x30\x01\x00", 1)
@example(b"\x30\x80", 1)
def test_arbitrary_bytes_raise_nothing_but_protocol_error(data: bytes, chunk: int) -> None:
    one = Reader()
    try:
        for at in range(0, len(data), chunk):
            one.feed(data[at : at + chunk])
            assert len(one._rest) <= len(data)
    except ProtocolError:
        pass


@pytest.mark.parametrize("flags", [0x30, 0x32, 0x90, 0x00, 0x3A])
@pytest.mark.parametrize("size", [MAX_PACKET, MAX_PACKET + 1, 268_435_455])
def test_an_endless_packet_does_not_fill_the_memory(flags: int, size: int) -> None:
    one, fed = Reader(), 0
    piece = bytes(1 << 18)
    try:
        one.feed(bytes([flags]) + length(size))
        while fed < min(size, 20 << 20):
            one.feed(piece)
            fed += len(piece)
            assert len(one._rest) <= MAX_PACKET + 10
    except ProtocolError:
        assert fed <= MAX_PACKET
