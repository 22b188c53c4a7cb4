"""TCP ports of this machine: which are free, which are taken."""

import socket
import time

from frostguard.errors import FrostGuardError

LEFTOVER_SECONDS = 5.0


class TakenError(FrostGuardError):
    """Somebody else has the port or the folder that we were told to use."""


def free_port(preferred: int = 0) -> int:
    """Return a TCP port of 127.0.0.1 that is free now; the preferred one if it is."""
    for port in (preferred, 0):
        if port == 0 or not is_taken(port):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                found: int = probe.getsockname()[1]
                return found
    raise AssertionError("unreachable: port 0 always binds")


def is_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether somebody listens on the port, or the system keeps it from us."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def wait_until_free(port: int, host: str = "127.0.0.1") -> None:
    """Wait for what is left of a killed server. Raises TakenError: a stranger's answer must not pass for ours."""
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while is_taken(port, host):
        if time.monotonic() > deadline:
            raise TakenError(f"port {port} is taken")
        time.sleep(0.05)
