"""What systemd is told: ready, alive, stopping, and one line of status; nothing where nobody asked for it.

The protocol is sd_notify(3): datagrams of NAME=VALUE lines to $NOTIFY_SOCKET. WATCHDOG=1 is sent from the event loop,
and only while the program makes progress: a loop that hangs sends nothing, and systemd ends and restarts the program.
Before the program is ready, the same beat asks for more time to start instead (EXTEND_TIMEOUT_USEC): waiting for a
server that is not there yet is no fault, hanging is.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping

SEND_SECONDS = 0.5  # systemd reads at once; never hold up the loop for longer
START_BEAT_SECONDS = 5.0
EXTENSION_SECONDS = 60
LONGEST_STATUS = 200


class Notifier:
    """The socket of our supervisor, and how often it wants to hear of us. Knows whether we said that we are ready."""

    def __init__(self, address: str = "", watchdog_seconds: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        # Seconds without a beat after which we are ended; None: nobody watches.
        self.watchdog_seconds = watchdog_seconds
        self._ready = False
        self._stopping = False
        self._status = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Notifier":
        """Return what $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID say; nobody hears one made without them."""
        address = environment.get("NOTIFY_SOCKET", "")
        if address[:1] not in ("/", "@"):
            return cls()
        microseconds, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        ours = microseconds.isdecimal() and int(microseconds) > 0 and pid in ("", str(os.getpid()))
        return cls(address, int(microseconds) / 1e6 if ours else None)

    def ready(self, status: str) -> None:
        """Say once that we can do our work; later calls change the status only."""
        if self._ready:
            self.status(status)
            return
        self._ready, self._status = True, _one_line(status)
        self._send("READY=1", f"STATUS={self._status}")

    def status(self, text: str) -> None:
        """Say in one line how it stands, if that is new."""
        line = _one_line(text)
        if line != self._status and not self._stopping:
            self._status = line
            self._send(f"STATUS={line}")

    def stopping(self) -> None:
        """Say that an orderly stop has begun."""
        if not self._stopping:
            self._stopping = True
            self._send("STOPPING=1", "STATUS=stopping")

    async def beat(self, progressing: Callable[[], bool]) -> None:
        """Say again and again that we live, as long as `progressing()` says so. Runs until cancelled."""
        seconds = START_BEAT_SECONDS
        if self.watchdog_seconds is not None:
            seconds = min(seconds, self.watchdog_seconds / 3)
        while True:
            if progressing():
                self._beat()
            await asyncio.sleep(seconds)

    def _beat(self) -> None:
        if not self._ready:
            self._send(f"EXTEND_TIMEOUT_USEC={EXTENSION_SECONDS * 1_000_000}")
        elif self.watchdog_seconds is not None:
            self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # A supervisor that does not listen is no reason to fail: it will say so itself, by ending us.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.settimeout(SEND_SECONDS)
            to.sendto("\n".join(lines).encode(), self._address)


class Turns:
    """Whether something that goes round and round still does: `turn` at each round, `rest` when it need not turn."""

    def __init__(self, longest_seconds: float) -> None:
        self._longest = longest_seconds
        self._turned_at: float | None = None

    def turn(self) -> None:
        """A round begins."""
        self._turned_at = time.monotonic()

    def rest(self) -> None:
        """There is no next round for now."""
        self._turned_at = None

    def go_on(self) -> bool:
        """Tell whether no round takes longer than it may."""
        return self._turned_at is None or time.monotonic() - self._turned_at < self._longest


def _one_line(text: str) -> str:
    return " ".join(text.split())[:LONGEST_STATUS]
