"""Sockets and streams say the same things."""

from api.feed.frames import PING, Frame
from api.feed.voices import SOCKET, STREAM


def test_a_socket_beats_with_text_and_a_ping() -> None:
    assert SOCKET.beat(7) == Frame("heartbeat", {"id": 7}).for_socket + PING
    assert SOCKET.beat(7) is SOCKET.beat(7)
    assert SOCKET.complete(7) == b""


def test_a_stream_beats_with_a_comment_and_the_id() -> None:
    assert b": heartbeat\n" in STREAM.beat(7)
    assert STREAM.beat(7).endswith(STREAM.complete(7))


def test_both_say_why_they_end() -> None:
    assert SOCKET.close(1013, "too slow")[2:] == b"\x03\xf5too slow"
    assert b'{"type":"close","code":1013,"reason":"too slow"}' in STREAM.close(1013, "too slow")
