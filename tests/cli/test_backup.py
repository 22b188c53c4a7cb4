"""Backups at the terminal."""

import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from frostguard.local.postgres import PostgresServer
from tests.cli.conftest import Said
from tests.factories import plant

Command = Callable[..., Said]


def test_made_checked_and_put_back(
    command: Command, database: str, postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(database)
    folder = tmp_path / "backup"
    made = command("backup", "create", str(folder))
    assert made.code == 0, made.err
    assert command("backup", "verify", str(folder)).out == f"{folder}: whole\n"
    refused = command("backup", "restore", str(folder))
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "not empty" in refused.err
    name = f"r_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute(f"create database {name} strategy file_copy")
        monkeypatch.setenv("DATABASE_URL", postgres.url(name))
        back = command("backup", "restore", str(folder))
        assert back.code == 0, back.err
        assert "are back and the same" in back.out
        assert command("migrate", "--status").code == 0
        assert command("audit", "verify").code == 0
        c.execute(f"drop database {name} with (force)")
    (folder / "settings.json").write_text("{}")
    damaged = command("backup", "verify", str(folder))
    assert (damaged.code, damaged.out) == (1, f"{folder}: settings.json was changed\n")


def test_what_is_no_backup_is_one_line(command: Command, tmp_path: Path) -> None:
    for part in ("verify", "restore"):
        said = command("backup", part, str(tmp_path))
        assert (said.code, said.err.count("\n")) == (1, 1)
        assert "is no backup" in said.err
    assert "there is no archive" in command("backup", "create", str(tmp_path / "b"), "--with-archive").err
