"""The frames made by hand are MQTT, and the filter takes nothing that is not ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.frames import FIRST_ID, Ack, AckFilter, length_bytes, publish, topic_field


@pytest.mark.parametrize(
    ("length", "expected"), [(0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f"), (16_384, "808001")]
)
def test_lengths_are_variable_byte_integers(length, expected):
    assert length_bytes(length).hex() == expected


def test_a_publish_at_qos_1():
    assert publish(topic_field("a/b"), b"hi", 0x1234) == b"\x32\x0a\x00\x03a/b\x12\x34\x00hi"
    assert publish(topic_field("a/b"), b"", 0x1234, retain=True)[0] == 0x33


OURS = b"\x40\x02" + FIRST_ID.to_bytes(2)
OURS_REFUSED = b"\x40\x04" + FIRST_ID.to_bytes(2) + b"\x10\x00"
THEIRS = [
    b"\x40\x02\x00\x07",
    b"\xd0\x00",
    b"\x90\x04\x00\x01\x00\x01",
    b"\x30\x83\x01" + bytes(131),
    b"\x20\x03\x00\x00\x00",
]


@given(st.lists(st.sampled_from([OURS, OURS_REFUSED, *THEIRS]), max_size=30), st.integers(1, 20))
def test_the_filter_splits_any_stream_however_it_is_cut(frames, size):
    stream, found, rest, filter_ = b"".join(frames), [], b"", AckFilter()
    for at in range(0, len(stream), size):
        acks, others = filter_.feed(stream[at : at + size])
        found += acks
        rest += others
    assert found == [Ack(FIRST_ID, 0x10 if f == OURS_REFUSED else 0) for f in frames if f in (OURS, OURS_REFUSED)]
    assert rest == b"".join(f for f in frames if f in THEIRS)


def test_a_malformed_length_is_left_to_the_library():
    assert AckFilter().feed(b"\x40\xff\xff\xff\xff\x01") == ([], b"\x40\xff\xff\xff\xff\x01")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_filter(data):
    AckFilter().feed(data)
