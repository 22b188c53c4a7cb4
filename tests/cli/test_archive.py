"""The archive and retention at the terminal."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from frostguard.archive import run
from frostguard.config import DatabaseSettings
from frostguard.store import partitions, readings
from frostguard.store.connection import connect
from tests.cli.conftest import Said
from tests.factories import SERIAL, make_reading, plant

Command = Callable[..., Said]

OLD = partitions.week_of(datetime.now(UTC) - timedelta(days=120))
NAME = partitions.name_of(OLD).removeprefix("sensor_readings_")
ANCIENT = partitions.week_of(datetime.now(UTC) - timedelta(days=500))


@pytest.fixture
def archive(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the archive, and a week in the table that is old enough."""
    monkeypatch.setenv("ARCHIVE_DIR", str(tmp_path / "archive"))
    monkeypatch.setattr(run, "REMEMBERED_SECONDS", 0.0)
    unit = plant(database).units[SERIAL]

    async def fill() -> None:
        connection = await connect(DatabaseSettings(url=database), "test")
        for week in (OLD, ANCIENT):
            await partitions.ensure(connection, [week])
            rows = [
                make_reading(0, 4.0, unit_id=unit, recorded_at=week + n * timedelta(hours=1), received_at=OLD)
                for n in range(100)
            ]
            await readings.copy(connection, rows)
        await connection.close()

    asyncio.run(fill())
    return tmp_path / "archive"


def test_a_week_goes_out_is_checked_and_comes_back(command: Command, archive: Path, psql) -> None:
    said = command("archive", "run")
    assert said.code == 0, said.err
    assert f"{NAME}  100 readings archived" in said.out
    assert psql("select count(*) from sensor_readings") == [(0,)]
    assert command("archive", "run").out == "nothing to do\n"
    listed = command("archive", "list", "--week", NAME)
    assert NAME in listed.out
    assert "acme" in listed.out
    assert command("archive", "list", "--json").out.count('"sha256"') == 2
    assert command("archive", "verify").out == "2 files, 200 readings, 0 damaged\n"
    back = command("archive", "restore", f"{OLD:%Y-%m-%d}", "--days", "3")
    assert back.err.startswith(f"100 readings of {NAME} are back")
    assert psql("select count(*) from sensor_readings") == [(100,)]
    assert command("archive", "run").out == "nothing to do\n", "it stays for its days"
    psql("update reading_weeks set restored_until = now()")
    assert f"{NAME}  100 readings archived" in command("archive", "run").out
    assert command("archive", "verify").out == "2 files, 200 readings, 0 damaged\n"


def test_damage_is_told(command: Command, archive: Path) -> None:
    command("archive", "run")
    first, second = sorted(archive.rglob("*.parquet"))
    first.write_bytes(first.read_bytes()[:-1] + b"?")
    second.unlink()
    (archive / "readings" / "stray.parquet").write_bytes(b"?")
    said = command("archive", "verify")
    assert said.code == 1
    assert "not the bytes that were written" in said.out
    assert "not there" in said.out
    assert "stray.parquet: not listed" in said.out
    assert said.out.endswith("2 files, 200 readings, 2 damaged\n")
    assert command("archive", "restore", NAME).code == 1


def test_what_is_older_than_its_organization_wants_is_removed_with_a_receipt(
    command: Command, archive: Path, psql
) -> None:
    command("archive", "run")
    assert command("retention", "set", "acme", "366").out == "acme keeps its readings for 366 days\n"
    command("retention", "hold", "acme", "--reason", "a matter in court")
    assert command("archive", "run").out == "nothing to do\n"
    assert "a matter in court" in command("retention", "show").out
    assert command("retention", "release", "acme").code == 0
    assert "retention is over" in command("archive", "run").out
    assert len(list(archive.rglob("*.parquet"))) == 1
    assert psql("select count(*) from reading_buckets where at < %s", OLD) == [(0,)]
    assert psql("select count(*) from reading_buckets where at >= %s", OLD)[0][0] > 0
    actions = [row[0] for row in psql("select action from audit_log order by n")]
    assert actions == [
        "organization.retention_changed", "organization.legal_hold_set", "organization.legal_hold_ended",
        "readings.retention_over",
    ]  # fmt: skip
    assert command("audit", "verify").code == 0
    assert command("archive", "verify").out == "1 files, 100 readings, 0 damaged\n"


@pytest.mark.usefixtures("archive")
def test_a_closed_week_is_made_dense_once(command: Command, database: str, psql) -> None:
    recent = partitions.week_of(datetime.now(UTC) - timedelta(days=20))

    async def make() -> None:
        connection = await connect(DatabaseSettings(url=database), "test")
        await partitions.ensure(connection, [recent])
        await connection.close()

    asyncio.run(make())
    for _ in range(2):
        assert command("archive", "run").code == 0
    assert psql("select count(*) from reading_weeks where compacted_at is not null and week = %s", recent) == [(1,)]
    assert psql("select count(*) from pg_index where not indisvalid") == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["archive", "restore", "2020w01"], 2, "2020w01 is not in the archive"),
        (["archive", "restore", "yesterday"], 2, "no week such as 2026w23"),
        (["archive", "restore", "2026w99"], 2, "no week such as 2026w23"),
        (["retention", "set", "acme", "100"], 2, "366 to 36600 days"),
        (["retention", "set", "nobody", "default"], 2, "there is no organization nobody"),
        (["retention", "hold", "acme", "--reason", " "], 2, "--reason needs"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    command: Command, archive: Path, arguments: list[str], code: int, says: str
) -> None:
    said = command(*arguments)
    assert said.code == code
    assert says in said.err
    assert said.err.count("\n") == 1


def test_the_files_of_a_deleted_organization_are_removed_unless_it_is_on_hold(
    command: Command, archive: Path, psql
) -> None:
    command("archive", "run")
    assert "no deleted organization" in command("archive", "remove", "acme").err
    psql("update organizations set deleted_at = now()")
    command("retention", "hold", "acme", "--reason", "a matter in court")
    assert "on legal hold" in command("archive", "remove", "acme").err
    assert len(list(archive.rglob("*.parquet"))) == 2
    command("retention", "release", "acme")
    assert command("archive", "remove", "acme").out == "200 readings of acme are removed\n"
    assert list(archive.rglob("*.parquet")) == []
    assert command("audit", "verify").code == 0


def test_without_an_archive_nothing_happens(command: Command) -> None:
    for part in ("run", "verify"):
        said = command("archive", part)
        assert (said.code, said.err) == (78, "frostguard: there is no archive: set ARCHIVE_DIR, or S3_BUCKET\n")
    assert command("archive", "list").code == 0
