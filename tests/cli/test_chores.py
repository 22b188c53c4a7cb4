"""The note of a command: how its work ended, whoever asks later."""

from collections.abc import Callable
from pathlib import Path

import pytest

from frostguard.backup import work
from frostguard.cli import housekeeping
from frostguard.cli.chores import noted
from frostguard.config import DatabaseSettings
from frostguard.errors import StoreUnavailableError
from frostguard.local.ports import free_port
from tests.cli.conftest import Said
from tests.factories import plant

Command = Callable[..., Said]

NOTES = "select name, runs, failures, row_count from chores order by name"


async def test_work_that_fails_is_noted_and_goes_on_failing(database: str, psql) -> None:
    with pytest.raises(ZeroDivisionError):
        async with noted(DatabaseSettings(url=database), "archive"):
            raise ZeroDivisionError
    assert psql(NOTES) == [("archive", 1, 1, 0)]


async def test_work_is_not_in_vain_because_its_note_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    async with noted(DatabaseSettings(url=f"postgresql://nobody@127.0.0.1:{free_port()}/none"), "archive") as done:
        done.rows = 5
    assert "not noted what became of archive" in capsys.readouterr().err


def test_housekeeping_notes_what_it_removed_and_that_a_part_failed(command: Command, psql, monkeypatch) -> None:
    psql("insert into dead_letters (received_at, topic, payload, reason) values ('2020-01-01', 't', '', 'x')")
    assert command("housekeeping").code == 0
    assert psql(NOTES) == [("housekeeping", 1, 0, 1)]

    async def fail(*_: object) -> int:
        raise StoreUnavailableError("no space left")

    monkeypatch.setattr(housekeeping, "CHORES", (("first", fail),))
    assert command("housekeeping").code == 1
    assert psql(NOTES) == [("housekeeping", 2, 1, 1)]


def test_archive_and_retention_are_noted_apart(command: Command, psql, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARCHIVE_DIR", str(tmp_path))
    assert command("archive", "run").code == 0
    assert psql(NOTES) == [("archive", 1, 0, 0), ("retention", 1, 0, 0)]


def test_a_backup_is_noted_with_its_size(command: Command, database: str, psql, monkeypatch, tmp_path: Path) -> None:
    plant(database)
    assert command("backup", "create", str(tmp_path / "one")).code == 0
    [(rows, size, seconds)] = psql("select row_count, byte_count, seconds from chores where name = 'backup'")
    assert rows > 5
    assert size == sum(path.stat().st_size for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert seconds > 0

    async def fail(*_: object) -> None:
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(work, "create", fail)
    assert command("backup", "create", str(tmp_path / "two")).code == 1
    assert psql("select runs, failures, succeeded_at < failed_at from chores where name = 'backup'") == [(2, 1, True)]
