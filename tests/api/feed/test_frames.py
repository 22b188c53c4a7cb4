"""Frames on the wire: what a WebSocket and a stream of events carry."""

import pytest

from api.feed import frames
from api.feed.frames import Frame


@pytest.mark.parametrize(
    ("size", "head"),
    [(0, "8100"), (125, "817d"), (126, "817e007e"), (65_535, "817effff"), (65_536, "817f0000000000010000")],
)
def test_a_packet_says_its_length(size: int, head: str) -> None:
    assert frames.packet(b"x" * size) == bytes.fromhex(head) + b"x" * size


def test_control_packets_are_short() -> None:
    assert frames.PING == b"\x89\x00"
    assert frames.pong(b"x" * 200) == b"\x8a\x7d" + b"x" * 125
    assert frames.closing(1001, "bye") == b"\x88\x05\x03\xe9bye"
    assert len(frames.closing(1001, "x" * 500)) == 127


def test_a_frame_is_made_once_for_all() -> None:
    frame = Frame("units", {"topic": "t", "id": 7})
    assert frame.data == b'{"type":"units","topic":"t","id":7}'
    assert frame.for_socket is frame.for_socket
    assert frame.for_stream == b'38\r\nevent: units\ndata: {"type":"units","topic":"t","id":7}\n\n\r\n'


def test_an_event_id_shows_nothing() -> None:
    assert frames.event_id(7) == b"7\r\nid: 7\n\n\r\n"
