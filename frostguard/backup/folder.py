"""A backup is a folder: the dump, settings without secrets, the archive's list, and a manifest with digests."""

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, SecretStr, ValidationError

from frostguard.backup.tools import BackupError
from frostguard.config import GROUPS, load
from frostguard.errors import UsageError

VERSION = 1
MANIFEST, DUMP, SETTINGS, ARCHIVE, FILES = "manifest.json", "database", "settings.json", "archive.json", "archive"
PIECE = 1 << 20
_DATA = re.compile(r"^(\d+); \d+ \d+ TABLE DATA (\S+) (\S+) ")


class Table(BaseModel):
    """What was in a table."""

    rows: int
    digest: str


class Manifest(BaseModel):
    """What is in a backup. `files` is the SHA-256 of every file by its path; the manifest is written last."""

    version: int = VERSION
    created_at: str
    server: int
    pg_dump: int
    tables: dict[str, Table]
    files: dict[str, str]


def read(folder: Path) -> Manifest:
    """Return the manifest of a folder. Raises BackupError where it is not that of a whole backup."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BackupError(f"{folder} is no backup: there is no {MANIFEST}") from None
    except (OSError, ValidationError) as error:
        raise BackupError(f"{folder / MANIFEST}: {str(error).splitlines()[0]}") from None
    if manifest.version != VERSION:
        raise BackupError(f"{folder} is a backup of version {manifest.version}, which this program does not know")
    return manifest


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below the folder, by path; the manifest's left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / MANIFEST:
            found[str(path.relative_to(folder))] = _digest(path)
    return found


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def differences(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Yield a sentence for each file that is missing, changed, or not of the backup."""
    found = digests(folder)
    for name in sorted(manifest.files.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in manifest.files:
            yield f"{name} is not of the backup"
        elif found[name] != manifest.files[name]:
            yield f"{name} was changed"


def rows_in(folder: Path, listing: str) -> dict[str, int]:
    """Return how many rows of each table are in the dump's files, which `pg_restore --list` names."""
    counts = {}
    for line in listing.splitlines():
        entry = _DATA.match(line)
        if entry:
            number, schema, table = entry.groups()
            name = table if schema == "public" else f"{schema}.{table}"
            counts[name] = _count(folder / DUMP / f"{number}.dat.gz")
    return counts


def _count(path: Path) -> int:
    """Count the lines of a COPY: a line break inside a value is written as two characters."""
    count = 0
    with gzip.open(path) as lines:
        for line in lines:
            if line == b"\\.\n":
                return count
            count += 1
    raise BackupError(f"{path.name}: ends too early")


def settings() -> dict[str, str]:
    """Return the settings of this environment that are right, by name; a secret is only said to be there."""
    found: dict[str, str] = {}
    for group in GROUPS:
        try:
            values = load(group)
        except UsageError:  # of a program that does not run here
            continue
        for name, field in group.model_fields.items():
            value = getattr(values, name)
            if value is not None:
                found[field.alias or name] = "(a secret)" if isinstance(value, SecretStr) else str(value)
    return found


def write(path: Path, value: Any) -> None:  # noqa: ANN401 - whatever is JSON
    """Write a JSON file."""
    path.write_bytes(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def as_tables(digests: Mapping[str, Any]) -> dict[str, Table]:
    """Return what the store says, as the manifest does."""
    return {name: Table(rows=found.rows, digest=found.digest) for name, found in digests.items()}
