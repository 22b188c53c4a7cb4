"""The broker of one machine: Mosquitto with the production configuration, or the embedded one behind its front door."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import frostguard
from frostguard.errors import UsageError
from frostguard.local import processes
from frostguard.local.ports import wait_until_free

ROOT = Path(frostguard.__file__).parent.parent
CONFIGURATION, ACL = ROOT / "mosquitto.conf", ROOT / "mosquitto.acl"
DAEMON = "frostguard-ingest"  # the daemon's account in mosquitto.acl

Kind = Literal["auto", "mosquitto", "embedded"]

# What differs from production: files and addresses. Everything else is taken as mosquitto.conf says it.
LOCAL_ONLY = ("persistence_location", "password_file", "acl_file", "listener", "use_username_as_clientid")
TLS_ONLY = ("certfile", "keyfile", "cafile", "tls_version", "require_certificate", "use_identity_as_username")


def find_mosquitto() -> Path | None:
    """Return the Mosquitto of this machine, None where it has none."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    return Path(found) if found else None


def local_configuration(folder: Path, host: str, port: int) -> str:
    """Return mosquitto.conf with our files and one listener without TLS on `host`:`port`."""
    kept = [
        line
        for line in CONFIGURATION.read_text().splitlines()
        if (word := line.partition(" ")[0]) and not word.startswith("#") and word not in LOCAL_ONLY + TLS_ONLY
    ]
    ours = [
        f"persistence_location {folder}/",
        f"password_file {folder / 'passwords'}",
        f"acl_file {ACL}",
        f"listener {port} {host}",
        "use_username_as_clientid true",
    ]
    # As root it would change to a user that cannot enter our folder; it listens on this machine only.
    return "\n".join([*kept, *(["user root"] if os.geteuid() == 0 else []), *ours, ""])


@dataclass
class Broker:
    """A broker whose files are in `folder`, on `host`:`port`. `hold` as in processes.start."""

    folder: Path
    port: int
    host: str = "127.0.0.1"
    kind: Kind = "auto"
    process: subprocess.Popen[bytes] | None = None
    hold: tuple[int, ...] = ()

    def set_passwords(self, hashes: Mapping[str, str]) -> bool:
        """Write the accounts (user name -> hash as in gateway_passwords) and have a running broker read them.

        Returns whether anything changed. Connected clients whose password is gone or another are cut off, others stay.
        """
        text = "".join(f"{user}:{stored}\n" for user, stored in sorted(hashes.items()))
        if self._passwords.exists() and self._passwords.read_text() == text:
            return False
        fresh = self._passwords.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.rename(self._passwords)
        if self.process is not None and self.kind == "mosquitto":
            self.process.send_signal(signal.SIGHUP)  # the embedded one looks by itself
        return True

    def start(self, *, wait_seconds: float = 20) -> None:
        """Start and wait until it takes connections. Raises StartError with the reason from its log, TakenError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._passwords.touch(mode=0o600)
        command = self._command()
        wait_until_free(self.port, self.host)
        with self.log.open("ab") as log:
            self.process = processes.start(command, output=log, environment=_environment(), hold=self.hold)
        if not processes.wait_until(self.takes_connections, self.process, seconds=wait_seconds):
            self.stop()
            why = processes.last_line(self.log, ("Error:", "broker stopped"))
            raise processes.StartError(f"the broker did not start: {why}")

    def takes_connections(self) -> bool:
        """Tell whether somebody answers on the port."""
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGTERM, *, wait_seconds: float = 10) -> None:
        """Stop it; SIGTERM lets Mosquitto write its sessions, SIGKILL is a crash."""
        if self.process is not None:
            processes.stop(self.process, how, seconds=wait_seconds)
            self.process = None

    @property
    def log(self) -> Path:
        """Its log file, beside its folder."""
        return self.folder.parent / f"{self.folder.name}.log"

    @property
    def _passwords(self) -> Path:
        return self.folder / "passwords"

    def _command(self) -> list[str | Path]:
        mosquitto = find_mosquitto() if self.kind != "embedded" else None
        if mosquitto is not None:
            self.kind = "mosquitto"
            configuration = self.folder / "mosquitto.conf"
            configuration.write_text(local_configuration(self.folder, self.host, self.port))
            return [mosquitto, "-c", configuration]
        if self.kind == "mosquitto":
            raise UsageError("no mosquitto on the PATH")
        if find_spec("iotcore") is None:
            raise UsageError("no broker: install Mosquitto, set MQTT_URL, or install the `local` extra (make setup)")
        self.kind = "embedded"
        return [
            sys.executable, "-m", "frostguard.local.front_door", "--host", self.host, "--port", str(self.port),
            "--folder", self.folder, "--passwords", self._passwords, "--acl", ACL,
        ]  # fmt: skip


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "HOME": "/"}
