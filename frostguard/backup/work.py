"""Make a backup, check one, put one back: each step says in one line what is wrong."""

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from frostguard.backup import folder as folders
from frostguard.backup import tools
from frostguard.backup.folder import ARCHIVE, DUMP, FILES, MANIFEST, SETTINGS, Manifest
from frostguard.backup.tools import BackupError
from frostguard.blobs import Blobs
from frostguard.store import audit, backups
from frostguard.store.connection import Connection

Say = Callable[[str], None]


async def create(connection: Connection, url: str, target: Path, jobs: int, blobs: Blobs | None = None) -> Manifest:
    """Write a backup of the whole database, as of one moment, to a folder that is not there yet.

    With `blobs` the archive's files are copied too. Raises UsageError or BackupError; then there is no folder.
    """
    if await asyncio.to_thread(target.exists):
        raise BackupError(f"{target} is there already")
    server = await backups.version(connection)
    pg_dump = tools.find("pg_dump", server)
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    try:
        async with backups.snapshot(connection) as snapshot:
            arguments = (
                "--format=directory", f"--jobs={jobs}", "--compress=4", "--no-password", f"--snapshot={snapshot}",
                f"--file={partial / DUMP}",
            )  # fmt: skip
            dumping = asyncio.create_task(tools.run(pg_dump, *arguments, url=url), name="pg_dump")
            try:
                tables = await backups.digests(connection)
                files = [dict(row) for row in await backups.archive_files(connection)]
                await dumping
            finally:
                dumping.cancel()
                await asyncio.gather(dumping, return_exceptions=True)
        folders.write(partial / ARCHIVE, files)
        folders.write(partial / SETTINGS, folders.settings())
        if blobs is not None:
            await _copy_archive(blobs, [str(row["key"]) for row in files], partial / FILES)
        manifest = Manifest(
            created_at=datetime.now(UTC).isoformat(), server=server, pg_dump=tools.version_of(pg_dump) or server,
            tables=folders.as_tables(tables), files=await asyncio.to_thread(folders.digests, partial),
        )  # fmt: skip
        folders.write(partial / MANIFEST, manifest.model_dump())
        partial.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


async def _copy_archive(blobs: Blobs, keys: list[str], target: Path) -> None:
    for key in keys:
        path = target / key
        path.parent.mkdir(parents=True, exist_ok=True)
        await blobs.fetch(key, path)


async def verify(source: Path) -> list[str]:
    """Return a sentence for everything that is wrong with a backup. Raises BackupError where it is none."""
    manifest = folders.read(source)
    problems = list(await asyncio.to_thread(lambda: list(folders.differences(source, manifest))))
    if problems:
        return problems
    listing = await tools.run(tools.find("pg_restore", manifest.pg_dump), "--list", str(source / DUMP))
    counts = await asyncio.to_thread(folders.rows_in, source, listing)
    return [
        f"{name}: {counts.get(name, 0)} rows are in the dump, {table.rows} were in the table"
        for name, table in manifest.tables.items()
        if counts.get(name, 0) != table.rows
    ]


async def restore(connection: Connection, url: str, source: Path, jobs: int, blobs: Blobs | None = None) -> Manifest:
    """Put a backup into an empty database, and compare what is there then with what was there.

    With `blobs` files of the archive that the backup has, and the storage has not, are put there. Raises UsageError or
    BackupError; what was begun is left for a look, and has to be dropped before another try.
    """
    problems = await verify(source)
    if problems:
        raise BackupError(
            f"{source} is damaged: {problems[0]}" + (f" (and {len(problems) - 1} more)" * (len(problems) > 1))
        )
    manifest = folders.read(source)
    if not await backups.is_empty(connection):
        raise BackupError("the database is not empty: a backup goes into one without any table (createdb)")
    server = await backups.version(connection)
    if server < manifest.server:
        raise BackupError(f"the backup is of PostgreSQL {manifest.server}, here is {server}")
    pg_restore = tools.find("pg_restore", manifest.pg_dump)
    arguments = ("--format=directory", f"--jobs={jobs}", "--no-password", "--no-owner", "--no-acl", "--exit-on-error")
    await tools.run(pg_restore, *arguments, str(source / DUMP), url=url)
    await _require_same(connection, manifest)
    if blobs is not None:
        await _put_back(blobs, source / FILES)
    return manifest


async def _require_same(connection: Connection, manifest: Manifest) -> None:
    found = folders.as_tables(await backups.digests(connection))
    other = sorted(name for name in found.keys() | manifest.tables if found.get(name) != manifest.tables.get(name))
    if other:
        raise BackupError(f"not what was saved: {', '.join(other[:5])}")
    for row in await audit.chains(connection):
        if (await audit.verify(connection, row["chain"])).faults:
            raise BackupError(f"the audit log of {row['chain']} is broken: frostguard audit verify")


async def _put_back(blobs: Blobs, source: Path) -> None:
    for path in await asyncio.to_thread(lambda: sorted(source.rglob("*"))):
        key = str(path.relative_to(source))
        if path.is_file() and await blobs.size(key) is None:
            await blobs.put(key, path)
