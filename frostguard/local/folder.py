"""The one folder that a local run lives in: locked by one run at a time, with what a restart must find again."""

import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import Any

import orjson

from frostguard.errors import UsageError
from frostguard.local.ports import TakenError

PREDECESSOR_SECONDS = 15.0


class DataFolder:
    """The folder, while we hold its lock. What it remembers is in state.json, readable by us only."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.lock = lock
        self._state_file = path / "state.json"
        self._state: dict[str, Any] = _read(self._state_file)

    @classmethod
    def open(cls, path: Path) -> "DataFolder":
        """Make the folder if need be and take its lock. Raises TakenError where another run has it.

        The lock is a descriptor that every child inherits (processes.start, `hold`): where a run was killed, the next
        one waits here until the last of its children is gone.
        """
        path = path.expanduser().absolute()
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UsageError(f"cannot use the data folder {path}: {error.strerror}") from None
        deadline = time.monotonic() + PREDECESSOR_SECONDS
        while not _locked(lock):
            owner = os.pread(lock, 20, 0).decode(errors="replace").strip()
            if (owner.isdigit() and _alive(int(owner))) or time.monotonic() > deadline:
                os.close(lock)
                raise TakenError(f"{path} is in use by another `frostguard up` (process {owner or 'unknown'})")
            time.sleep(0.1)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        return cls(path, lock)

    def close(self) -> None:
        """Give the lock back."""
        os.close(self.lock)

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - JSON
        """Return what is remembered under the name."""
        return self._state.get(name, default)

    def remember(self, **values: Any) -> None:  # noqa: ANN401 - JSON
        """Keep these values for the next run. Written whole or not at all."""
        if all(self._state.get(name) == value for name, value in values.items()):
            return
        self._state.update(values)
        write_private(self._state_file, orjson.dumps(self._state, option=orjson.OPT_INDENT_2))

    def secret(self, name: str) -> str:
        """Return the secret of this name: 256 random bits, made at the first call and remembered."""
        if name not in self._state:
            self.remember(**{name: secrets.token_urlsafe(32)})
        found: str = self._state[name]
        return found


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only we can read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.rename(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        state = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        raise UsageError(f"{path} is not JSON; it holds this folder's ports and passwords") from None
    return state if isinstance(state, dict) else {}


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def database_url_of(path: Path) -> str | None:
    """Return the database of the run that uses the folder; None where the folder was never used. Takes no lock."""
    url = _read(path.expanduser().absolute() / "state.json").get("database_url")
    return str(url) if url else None
