"""Taking packets apart: the examples of the standards, every cut, and what must be refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.local.mqtt_packets import (
    MAX_PACKET,
    Frames,
    MalformedError,
    parse_connect,
    publish_topic,
    subscribe_filters,
)

# CONNECT: level 4, user and password, clean session, keep-alive 60.
V4 = bytes.fromhex("0004 4d515454 04 c2 003c 0002 6777 0003 677731 0002 7077".replace(" ", ""))
# CONNECT: level 5, session expiry 1 h, will with a delay of 5 s on topic s.
V5 = bytes.fromhex("0004 4d515454 05 e6 003c 05 1100000e10 0002 6777 05 1800000005 0001 73 0001 30 0003 677731 0002 7077".replace(" ", ""))  # fmt: skip  # noqa: E501


def test_a_connect_of_mqtt_3_is_taken_apart() -> None:
    hello = parse_connect(V4)
    assert (hello.level, hello.client_id, hello.username, hello.password) == (4, "gw", "gw1", b"pw")
    assert hello.will_topic is None


def test_a_connect_of_mqtt_5_is_taken_apart() -> None:
    hello = parse_connect(V5)
    assert (hello.level, hello.client_id, hello.username, hello.password) == (5, "gw", "gw1", b"pw")
    assert hello.will_topic == "s"


@pytest.mark.parametrize("body", [V4, V5])
def test_a_rewritten_connect_differs_in_nothing_but_who_speaks(body: bytes) -> None:
    before = parse_connect(body)
    [(kind, rewritten, _)] = Frames().feed(before.rewritten("gw1", "door", "secret"))
    after = parse_connect(rewritten)
    assert kind == 1
    assert (after.client_id, after.username, after.password) == ("gw1", "door", b"secret")
    assert (after.level, after.flags, after.head, after.rest) == (before.level, before.flags, before.head, before.rest)


def test_a_connect_without_a_name_gets_one() -> None:
    anonymous = bytes.fromhex("0004 4d515454 04 02 003c 0002 6777".replace(" ", ""))
    hello = parse_connect(anonymous)
    assert hello.username is None
    [(_, rewritten, _)] = Frames().feed(hello.rewritten("a", "door", "secret"))
    assert parse_connect(rewritten).username == "door"


@pytest.mark.parametrize("body", [V4, V5])
def test_a_connect_that_is_cut_anywhere_is_refused(body: bytes) -> None:
    for end in range(len(body)):
        with pytest.raises(MalformedError):
            parse_connect(body[:end])
    with pytest.raises(MalformedError):
        parse_connect(body + b"\0")


@pytest.mark.parametrize(
    "body",
    [
        b"\0\6MQIsdp\3\2\0\x3c\0\0",
        b"\0\4MQTT\6\2\0\x3c\0\0",
        b"\0\4MQTT\4\2\0\x3c\0\1\xff",
        b"\0\4MQTT\4\2\0\x3c\0\1\0",
        b"",
    ],
)
def test_what_is_no_connect_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_connect(body)


def test_topics_and_filters_are_found() -> None:
    assert publish_topic(b"\0\3a/b\0\1rest") == "a/b"
    assert subscribe_filters(b"\0\1\0\1#\1\0\3a/+\0", 4) == ["#", "a/+"]
    assert subscribe_filters(b"\0\1\2\x0b\1\0\1#\1", 5) == ["#"]


@given(st.lists(st.tuples(st.integers(1, 15), st.binary(max_size=300)), max_size=12), st.data())
def test_a_stream_is_cut_into_the_same_packets_however_it_arrives(packets, data) -> None:
    stream = b"".join(bytes([kind << 4]) + _length(len(body)) + body for kind, body in packets)
    frames, found, at = Frames(), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        found += [(kind, body) for kind, body, _ in frames.feed(stream[at : at + step])]
        at += step
    assert found == packets
    assert frames.pending == b""


def test_the_whole_packet_comes_with_its_body() -> None:
    assert list(Frames().feed(b"\x30\2ab\xc0\0")) == [(3, b"ab", b"\x30\2ab"), (12, b"", b"\xc0\0")]


def test_a_packet_that_is_too_large_is_refused_before_it_has_come() -> None:
    with pytest.raises(MalformedError, match="packet of"):
        list(Frames().feed(b"\x30" + _length(MAX_PACKET) + b"begin"))


def test_a_length_of_five_bytes_is_refused() -> None:
    with pytest.raises(MalformedError):
        list(Frames().feed(b"\x30\xff\xff\xff\xff\x01"))


def _length(value: int) -> bytes:
    out = b""
    while True:
        value, low = divmod(value, 128)
        out += bytes([low | (0x80 if value else 0)])
        if not value:
            return out
