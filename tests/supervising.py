"""The supervisor's end of sd_notify, for tests: what a program says to systemd, without systemd."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import frostguard

ROOT = Path(frostguard.__file__).parent.parent


class Supervisor:
    """A notify socket and all that came to it. `address` goes into $NOTIFY_SOCKET; `@...` is an abstract one."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def close(self) -> None:
        self._socket.close()

    def environment(self, watchdog_seconds: float = 0.3) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(int(watchdog_seconds * 1e6))}

    def listen(self, seconds: float = 0.0) -> str:
        """Hear one datagram; empty if none comes in time."""
        self._socket.settimeout(max(seconds, 1e-6))
        try:
            text = self._socket.recv(4096).decode()
        except TimeoutError:
            return ""
        self.heard += text.split("\n")
        return text

    def drain(self) -> None:
        """Hear all that has come."""
        while self.listen():
            pass

    def hears(self, beginning: str, seconds: float = 20) -> str:
        """Wait for a line that begins so, among those that were heard or come yet; return it."""
        end = time.monotonic() + seconds
        while not (found := [line for line in self.heard if line.startswith(beginning)]):
            assert time.monotonic() < end, f"not within {seconds} s: {beginning}; heard {self.heard[-20:]}"
            self.listen(0.2)
        return found[-1]

    def falls_silent(self, pause: float, seconds: float = 20) -> bool:
        """Tell whether there comes a pause so long in which nothing is heard."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.listen(pause):
                return True
        return False

    def forget(self) -> None:
        """Drain, and forget."""
        self.drain()
        self.heard.clear()


class Program:
    """`python -m name` under a supervisor; `hook` is a module of the tests that changes it first."""

    def __init__(self, supervisor: Supervisor, name: str, environment: dict[str, str], log: Path) -> None:
        self.log = log
        clean = {key: value for key, value in os.environ.items() if not key.endswith(("_URL", "_SECRET", "_FILE"))}
        with log.open("ab") as to:
            self.process = subprocess.Popen(
                [sys.executable, "-m", name], cwd=ROOT, stdout=to, stderr=to,
                env={**clean, **supervisor.environment(), "LOG_FORMAT": "text", **environment},
            )  # fmt: skip

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 10) -> int:
        """End it; the exit code. Fails where it takes longer than it may."""
        self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there {seconds} s after {how.name}") from None

    def end(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """A notify socket for one test."""
    made = Supervisor(str(tmp_path / "notify"))
    yield made
    made.close()
