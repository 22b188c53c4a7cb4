"""`frostguard install-systemd`: lay out units, account, folders, settings and credentials; say what is left to do.

Units, sysusers.d and tmpfiles.d are ours and written anew each time; what an operator writes is never touched: the
environment file, the credentials, and drop-ins of the units.
"""

import argparse
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import frostguard
from frostguard.cli.arguments import add_command
from frostguard.cli.check_config import example
from frostguard.errors import UsageError

ROOT = Path(frostguard.__file__).parent.parent
UNITS = ROOT / "systemd"
ASSUMED = "/opt/frostguard"  # where the files of systemd/ say that everything is
REQUIRED = ("DATABASE_URL", "MQTT_URL")
OPTIONAL = ("JWT_PREVIOUS_SECRET", "SMTP_URL", "S3_ACCESS_KEY", "S3_SECRET_KEY")
SECRETS = (*REQUIRED, "JWT_SECRET", *OPTIONAL)
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - what ProtectHome and PrivateTmp hide

ENVIRONMENT_HEAD = """\
# Settings of FrostGuard's units, NAME=value. Written once, by `frostguard install-systemd`; yours from then on.
# Secrets do not belong here but into /etc/frostguard/credentials, a file each:
# {secrets}.
"""


@dataclass
class Layout:
    """What is laid out below `prefix`, and what was done so far: path -> made, updated, unchanged or kept."""

    prefix: Path
    done: dict[Path, str] = field(default_factory=dict)

    def ours(self, name: str, text: str, mode: int = 0o644) -> None:
        """Write a file that we own."""
        path = self._path(name)
        before = path.read_text() if path.exists() else None
        if before != text:
            _write(path, text, mode)
        self.done[path] = "made" if before is None else "unchanged" if before == text else "updated"

    def theirs(self, name: str, text: str, mode: int) -> None:
        """Write a file that is the operator's, if it is not there."""
        path = self._path(name)
        self.done[path] = "kept"
        if not path.exists():
            _write(path, text, mode)
            self.done[path] = "made"

    def folder(self, name: str, mode: int) -> None:
        """Make a folder with these rights, if it is not there."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.mkdir(mode=mode)

    def _path(self, name: str) -> Path:
        return self.prefix / name.lstrip("/")


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "install-systemd", run, "lay out the units of systemd, and say what is left to do")
    parser.add_argument(
        "--prefix", type=Path, default=Path("/"), metavar="FOLDER",
        help="below which everything is laid out, for packages and for looking at it (default: %(default)s)",
    )  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Lay it out; what is there already and is not ours stays as it is."""
    layout = Layout(given.prefix)
    try:
        lay_out(layout)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from None
    for path, what in layout.done.items():
        print(f"{what:<10} {path}")
    for warning in warnings():
        print(f"frostguard: {warning}", file=sys.stderr)
    print(NEXT.format(secrets=" and ".join(REQUIRED)), end="")
    return 0


def lay_out(layout: Layout) -> None:
    """Write everything. Raises OSError where that is not allowed."""
    for unit in sorted(UNITS.glob("frostguard*.*")):
        layout.ours(f"/usr/local/lib/systemd/system/{unit.name}", rendered(unit.read_text()))
    layout.ours("/usr/local/lib/sysusers.d/frostguard.conf", (UNITS / "sysusers.conf").read_text())
    layout.ours("/usr/local/lib/tmpfiles.d/frostguard.conf", (UNITS / "tmpfiles.conf").read_text())
    layout.theirs("/etc/frostguard/frostguard.env", environment_file(), 0o644)
    layout.folder("/etc/frostguard/credentials", 0o700)
    for name in SECRETS:
        # Nobody needs to know the one that signs tokens, so nobody needs to think of one.
        text = secrets.token_urlsafe(48) + "\n" if name == "JWT_SECRET" else ""
        layout.theirs(f"/etc/frostguard/credentials/{name}", text, 0o600)


def rendered(unit: str) -> str:
    """Return a unit for where this installation is."""
    programs = Path(sys.executable).parent
    return unit.replace(f"{ASSUMED}/.venv/bin", str(programs)).replace(ASSUMED, str(ROOT))


def environment_file() -> str:
    """Return the text of a first environment file: every setting as a comment, secrets left out."""
    text = ENVIRONMENT_HEAD.format(secrets=", ".join(SECRETS))
    sections = example().split("\n# --- ")[1:]
    return text + "".join(f"\n# --- {_without_secrets(section)}" for section in sections)


def _without_secrets(section: str) -> str:
    title, *entries = section.rstrip("\n").split("\n\n")
    kept = [entry for entry in entries if entry.rpartition("\n")[2].lstrip("#").partition("=")[0] not in SECRETS]
    return "\n\n".join([title, *kept]) + "\n"


def warnings() -> list[str]:
    """Return what will keep the units from starting, as far as it can be seen from here."""
    found = []
    for what, path in (("this installation", ROOT), ("its Python", Path(sys.executable).resolve())):
        if any(path.is_relative_to(folder) for folder in HIDDEN):
            found.append(f"{what} lies in {path}, which the units do not see: install below {ASSUMED}, say")
    closed = next((each for each in (ROOT, *ROOT.parents) if not each.stat().st_mode & 0o001), None)
    if closed is not None:
        found.append(f"the account of the units cannot enter {closed}: chmod o+x")
    return found


def _write(path: Path, text: str, mode: int) -> None:
    """Write whole or not at all, and never readable for longer than it should be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=mode)
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.rename(path)


NEXT = """
what is left to do (OPERATIONS.md, "A server in ten minutes"):
  1. systemd-sysusers && systemd-tmpfiles --create
  2. write {secrets} into /etc/frostguard/credentials, a file each
  3. look at /etc/frostguard/frostguard.env
  4. systemctl daemon-reload && systemctl enable --now frostguard.target
  5. systemctl status 'frostguard*'
PostgreSQL, broker, S3 or mail server on another machine, or clients without a proxy on this one? Then allow their
addresses: systemctl edit frostguard-api.service, with IPAddressAllow= in [Service]; likewise the other units.
"""
