"""PostgreSQL's own programs: found by version, run with the password in the environment, wrong in one line."""

import asyncio
import contextlib
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from frostguard.errors import FrostGuardError, UsageError
from frostguard.local.postgres import embedded_binaries

SYSTEM = Path("/usr/lib/postgresql")  # where Debian keeps them, one folder a version


class BackupError(FrostGuardError):
    """A backup could not be made, is damaged, or cannot be put back."""


def find(name: str, version: int, folders: Iterable[Path] | None = None) -> Path:
    """Return the program of this version, else the next newer one. Raises UsageError: an older one may drop things."""
    found: dict[int, Path] = {}
    for folder in _folders() if folders is None else folders:
        path = folder / name
        if path.is_file() and (major := version_of(path)) is not None:
            found.setdefault(major, path)
    fitting = [major for major in found if major >= version]
    if not fitting:
        there = f"; here is {name} {', '.join(map(str, sorted(found)))}" if found else ""
        raise UsageError(f"no {name} of PostgreSQL {version} or newer{there}: install postgresql-client-{version}")
    return found[min(fitting)]


def _folders() -> list[Path]:
    folders = [Path(each) for each in os.environ.get("PATH", "").split(os.pathsep) if each]
    folders += sorted(SYSTEM.glob("*/bin"))
    with contextlib.suppress(UsageError):  # not installed, and not needed where there is another
        folders.append(embedded_binaries())
    return folders


def version_of(path: Path) -> int | None:
    """Return a program's major version; None where it does not say."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    number = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(number[1]) if number else None


async def run(program: Path, *arguments: str, url: str | None = None) -> str:
    """Run a program to its end and return what it printed. Raises BackupError with its last line.

    A password never is an argument: everybody on the machine could read it.
    """
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    if url is not None:
        parts = urlsplit(url)
        environment["PGPASSWORD"] = unquote(parts.password or os.environ.get("PGPASSWORD", ""))
        user, _, place = parts.netloc.rpartition("@")
        user = user.partition(":")[0]
        place = f"{user}@{place}" if user else place
        arguments = (*arguments, "--dbname", urlunsplit(parts._replace(netloc=place)))
    process = await asyncio.create_subprocess_exec(
        program, *arguments, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        lines = [line for line in errors.decode(errors="replace").splitlines() if "error" in line.lower()]
        raise BackupError(f"{program.name}: {lines[0] if lines else 'ended with ' + str(process.returncode)}")
    return output.decode(errors="replace")
