"""How sockets and streams say the same things."""

from api.feed import frames
from api.feed.frames import Frame


class SocketVoice:
    """Packets of a WebSocket."""

    kind = "socket"

    def __init__(self) -> None:
        self._beat = (0, b"")

    def frame(self, frame: Frame) -> bytes:
        """Return the frame as one packet."""
        return frame.for_socket

    def complete(self, position: int) -> bytes:  # noqa: ARG002 - frames of a socket carry their own ids
        """Return nothing: a socket's frames and heartbeats say it."""
        return b""

    def beat(self, position: int) -> bytes:
        """Return a heartbeat and a ping; made once for all sockets at a position."""
        if self._beat[0] != position:
            self._beat = (position, Frame("heartbeat", {"id": position}).for_socket + frames.PING)
        return self._beat[1]

    def close(self, code: int, reason: str) -> bytes:
        """Return a close frame."""
        return frames.closing(code, reason)


class StreamVoice:
    """Chunks of a stream of server-sent events."""

    kind = "stream"

    def frame(self, frame: Frame) -> bytes:
        """Return the frame as one event."""
        return frame.for_stream

    def complete(self, position: int) -> bytes:
        """Return the id that the client asks for when it comes back."""
        return frames.event_id(position)

    def beat(self, position: int) -> bytes:
        """Return a comment and the id."""
        return frames.chunk(b": heartbeat\n") + frames.event_id(position)

    def close(self, code: int, reason: str) -> bytes:
        """Return the last event."""
        return Frame("close", {"code": code, "reason": reason}).for_stream


SOCKET, STREAM = SocketVoice(), StreamVoice()
