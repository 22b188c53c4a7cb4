"""PostgreSQL's programs: the right version, or one line."""

from pathlib import Path

import pytest

from frostguard.backup import tools
from frostguard.errors import UsageError


def program(folder: Path, version: str) -> Path:
    folder.mkdir()
    path = folder / "pg_dump"
    path.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
    path.chmod(0o755)
    return folder


@pytest.mark.parametrize(("wanted", "found"), [(14, "15"), (15, "15"), (16, "18"), (18, "18")])
def test_the_nearest_that_is_not_older(tmp_path: Path, wanted: int, found: str) -> None:
    folders = [program(tmp_path / "18", "18.1"), tmp_path / "none", program(tmp_path / "15", "15.6 (Debian)")]
    assert tools.find("pg_dump", wanted, folders).parent.name == found


def test_an_older_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pg_dump of PostgreSQL 18 or newer; here is pg_dump 15"):
        tools.find("pg_dump", 18, [program(tmp_path / "15", "15.6")])
    with pytest.raises(UsageError, match="install postgresql-client-18"):
        tools.find("pg_dump", 18, [])


def test_what_is_no_program_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "pg_dump").write_text("no program")
    with pytest.raises(UsageError):
        tools.find("pg_dump", 15, [tmp_path])


async def test_a_password_is_never_an_argument(tmp_path: Path) -> None:
    path = tmp_path / "show"
    path.write_text('#!/bin/sh\necho "$@"; echo "$PGPASSWORD"\n')
    path.chmod(0o755)
    arguments, password = (
        await tools.run(path, "-x", url="postgresql://me:p%40ss@host:5/base?sslmode=require")
    ).splitlines()
    assert arguments == "-x --dbname postgresql://me@host:5/base?sslmode=require"
    assert password == "p@ss"


async def test_a_failure_is_its_first_error(tmp_path: Path) -> None:
    path = tmp_path / "fail"
    path.write_text("#!/bin/sh\necho 'note' >&2; echo 'fail: error: no such thing' >&2; exit 3\n")
    path.chmod(0o755)
    with pytest.raises(tools.BackupError, match="fail: fail: error: no such thing"):
        await tools.run(path)
