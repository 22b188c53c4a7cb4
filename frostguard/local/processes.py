"""Child processes that end with us: in a group of their own, bound to our life, stopped in order and in time."""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from frostguard.errors import FrostGuardError, UsageError

PR_SET_PDEATHSIG = 1  # linux/prctl.h


class StartError(FrostGuardError):
    """A server or program of ours did not start; the message says why, from its log."""


def _bound_to_us(how: signal.Signals) -> Callable[[], None] | None:
    """Return what a child does before it becomes its program: have the kernel send it `how` when we die, however we do.

    Linux only. The kernel means the thread that started the child, so children are started by the main thread.
    """
    if sys.platform != "linux":
        return None
    parent, prctl = os.getpid(), ctypes.CDLL(None).prctl

    def bind() -> None:
        prctl(PR_SET_PDEATHSIG, int(how), 0, 0, 0)
        if os.getppid() != parent:  # we died before the kernel was told
            os._exit(1)

    return bind


def start(
    command: Sequence[str | Path],
    *,
    output: IO[bytes] | int,
    environment: dict[str, str],
    at_our_death: signal.Signals = signal.SIGTERM,
    user: str | None = None,
    hold: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    """Start a program whose output goes to `output`, as `user` if that is given (we are root then).

    `hold`: file descriptors that stay open as long as the child lives; the lock of the data folder, so that the next
    run waits for the last child of a killed one.
    """
    words = [str(part) for part in command]
    return subprocess.Popen(
        as_user(words, user, at_our_death) if user else words,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output != subprocess.DEVNULL else output,
        cwd="/",
        env=environment,
        start_new_session=True,  # a Ctrl-C of the terminal is ours to pass on, in order
        preexec_fn=_bound_to_us(at_our_death),  # noqa: PLW1509 - single-threaded here, and there is no other way in
        pass_fds=hold,
    )


def service_user() -> str | None:
    """PostgreSQL refuses to run as root: return the account that it runs as then, None where we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise UsageError("PostgreSQL must not run as root, and there is neither a user `postgres` nor `nobody`")


def as_user(command: list[str], user: str, at_our_death: signal.Signals = signal.SIGTERM) -> list[str]:
    """Return the command that drops from root to the account first.

    It keeps the right to search and read closed folders (a checkout below /root, say), and nothing else. The securebit
    lets access(2) count that right, which initdb asks about its own programs. Changing the account clears what the
    kernel sends at our death, so setpriv sets it again.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise UsageError("running as root needs setpriv (package util-linux) to start PostgreSQL as another user")
    entry = pwd.getpwnam(user)
    keep = "+dac_read_search"
    return [
        setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups",
        f"--inh-caps=-all,{keep}", f"--ambient-caps=-all,{keep}", f"--bounding-set=-all,{keep}",
        "--securebits=+no_setuid_fixup",
        f"--pdeathsig={at_our_death.name.removeprefix('SIG')}", "--", *command,
    ]  # fmt: skip


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, *, seconds: float = 5) -> None:
    """Ask the process to end; when it has not after `seconds`, kill its whole group."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(how)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill(process)
        process.wait()
    kill(process)  # what the process left behind in its group


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and everything in its group, at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def last_line(log: Path, words: Sequence[str] = ()) -> str:
    """Return the last line of a log file, of those with one of `words` in it if there are any."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    telling = [line for line in lines if any(word in line for word in words)]
    return (telling or lines or ["its log is empty"])[-1].strip()


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], *, seconds: float) -> bool:
    """Poll until `ready`; False when the process ended or time ran out before."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
