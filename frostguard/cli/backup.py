"""`frostguard backup`: the whole database into a folder, checked, and back into an empty one."""

import argparse
import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from frostguard import blobs
from frostguard.backup import work
from frostguard.backup.folder import Manifest
from frostguard.blobs import Blobs
from frostguard.cli.arguments import add_command, add_database, database_settings, positive, with_connection
from frostguard.cli.chores import noted
from frostguard.config import ArchiveSettings, load
from frostguard.store.connection import Connection

LONG_SECONDS = 24 * 3600
JOBS = 2
EXIT_DAMAGED = 1

T = TypeVar("T")


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command and its parts."""
    group = commands.add_parser(
        "backup",
        help="make, check, or put back a backup",
        description="pg_dump in a folder, with digests of everything.",
    )
    parts = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    making = add_command(parts, "create", run_create, "write a backup to a new folder")
    checking = add_command(
        parts, "verify", run_verify, "compare a backup with its manifest; exit code 1 if it is damaged"
    )
    back = add_command(parts, "restore", run_restore, "put a backup into the empty database of DATABASE_URL")
    for part in (making, checking, back):
        part.add_argument("folder", type=Path, metavar="FOLDER")
    for part in (making, back):
        part.add_argument("--jobs", type=positive, default=JOBS, help="tables at a time (default: %(default)s)")
        part.add_argument("--with-archive", action="store_true", help="the archive's files too")
        add_database(part)


def _with_database(given: argparse.Namespace, do: Callable[[Connection, str, Blobs | None], Awaitable[T]]) -> T:
    url = database_settings(given).url.get_secret_value()
    settings = load(ArchiveSettings)

    async def inside(connection: Connection) -> T:
        async with contextlib.AsyncExitStack() as stack:
            store = await stack.enter_async_context(blobs.opened(settings)) if given.with_archive else None
            return await do(connection, url, store)

    return with_connection(given, inside, LONG_SECONDS)


def _rows(manifest: Manifest) -> int:
    return sum(table.rows for table in manifest.tables.values())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def run_create(given: argparse.Namespace) -> int:
    """Make one."""
    began = time.monotonic()

    async def make(connection: Connection, url: str, store: Blobs | None) -> tuple[Manifest, int]:
        async with noted(database_settings(given), "backup") as done:
            manifest = await work.create(connection, url, given.folder, given.jobs, store)
            done.rows, done.size = _rows(manifest), await asyncio.to_thread(_size, given.folder)
        return manifest, done.size

    manifest, size = _with_database(given, make)
    seconds = time.monotonic() - began
    print(
        f"{given.folder}: {_rows(manifest)} rows of {len(manifest.tables)} tables, {size / 1e6:.1f} MB, {seconds:.0f} s"
    )
    return 0


def run_verify(given: argparse.Namespace) -> int:
    """Check one, without any database."""
    problems = uvloop.run(work.verify(given.folder))
    for problem in problems:
        print(f"{given.folder}: {problem}")
    if not problems:
        print(f"{given.folder}: whole")
    return EXIT_DAMAGED if problems else 0


def run_restore(given: argparse.Namespace) -> int:
    """Put one back."""
    began = time.monotonic()
    manifest = _with_database(given, lambda c, url, store: work.restore(c, url, given.folder, given.jobs, store))
    seconds = time.monotonic() - began
    print(f"{_rows(manifest)} rows of {len(manifest.tables)} tables are back and the same, {seconds:.0f} s")
    return 0
