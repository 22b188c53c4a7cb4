"""The restore drill: what comes back is what was there, and nothing else ever passes for it."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from frostguard.archive.reader import Reader
from frostguard.backup import work
from frostguard.backup.tools import BackupError
from frostguard.blobs import FolderBlobs
from frostguard.config import ArchiveSettings, DatabaseSettings
from frostguard.local.postgres import PostgresServer
from frostguard.store import audit, backups
from frostguard.store.audit import OPERATOR, Change
from frostguard.store.connection import Connection, connect
from tests.archive.conftest import FOREVER, MONDAY, House, _nobody_remembers, house, own  # noqa: F401 - fixtures
from tests.factories import NOON

MARKED = "a-marked-secret-of-the-test"


@pytest.fixture
def other(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"r_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute(f"create database {name} strategy file_copy")
        yield postgres.url(name)
        c.execute(f"drop database {name} with (force)")


@pytest.fixture
async def target(other: str) -> AsyncIterator[Connection]:
    connection = await connect(DatabaseSettings(url=other), "restore")
    yield connection
    await connection.close()


@pytest.fixture
async def life(house: House) -> House:  # noqa: F811
    """Readings in table and archive, an alert, an audit chain."""
    await house.store(house.rows(house.unit, MONDAY, 200))
    await house.archive()
    await house.store(house.rows(house.unit, NOON.replace(hour=0), 100))
    await house.connection.execute(
        """insert into alerts (id, organization_id, subject_id, unit_id, alert_type, severity, status, title, opened_at)
           select gen_random_uuid(), organization_id, id, id, 'alarm_active', 'critical', 'active', 'Too warm', now()
             from units where id = $1""",
        house.unit,
    )
    for n in range(5):
        await audit.append(
            house.connection,
            house.own.organization,
            OPERATOR,
            Change("unit.updated", "unit", house.unit, {"n": n}, None),
        )
    return house


async def backup(house: House, tmp_path: Path, **more: object) -> Path:  # noqa: F811
    folder = tmp_path / "backup"
    await work.create(house.connection, house.url, folder, 2, **more)
    return folder


async def test_the_drill(life: House, tmp_path: Path, target: Connection, other: str) -> None:
    folder = await backup(life, tmp_path)
    assert await work.verify(folder) == []
    manifest = await work.restore(target, other, folder, 2)
    assert await backups.digests(target) == await backups.digests(life.connection)
    tables = manifest.tables
    assert tables["alerts"].rows == 1
    assert tables["audit_log"].rows == 5
    assert sum(t.rows for name, t in tables.items() if name.startswith("sensor_readings_")) == 100
    check = await audit.verify(target, life.own.organization)
    assert (check.n, check.faults) == (5, [])
    # The restored database reads the same archive, and goes on: chains, partitions, numbers.
    again = House(other, target, life.folder, life.own, life.foreign, life.settings, life.blobs)
    assert await again.read() == life.expected()
    await audit.append(target, life.own.organization, OPERATOR, Change("unit.updated", "unit", life.unit))
    assert (await audit.verify(target, life.own.organization)).n == 6


async def test_the_archive_comes_along_where_it_is_wanted(
    life: House, tmp_path: Path, target: Connection, other: str
) -> None:
    folder = await backup(life, tmp_path, blobs=life.blobs)
    assert await work.verify(folder) == []
    elsewhere = FolderBlobs(tmp_path / "elsewhere")
    await work.restore(target, other, folder, 2, elsewhere)
    again = House(other, target, tmp_path / "elsewhere", life.own, life.foreign, ArchiveSettings(), elsewhere)
    assert await again.read() == life.expected()
    assert Reader(elsewhere) is not None
    assert FOREVER[0] < MONDAY


async def test_a_database_that_is_not_empty_is_refused(life: House, tmp_path: Path) -> None:
    folder = await backup(life, tmp_path)
    with pytest.raises(BackupError, match="not empty"):
        await work.restore(life.connection, life.url, folder, 1)
    with pytest.raises(BackupError, match="there already"):
        await backup(life, tmp_path)


@pytest.mark.parametrize("spoil", ["changed", "missing", "more", "manifest", "dump"])
async def test_damage_is_found_and_never_restored(
    life: House, tmp_path: Path, target: Connection, other: str, spoil: str
) -> None:
    folder = await backup(life, tmp_path)
    victim = max((folder / "database").glob("*.dat.gz"), key=lambda path: path.stat().st_size)
    manifest = json.loads((folder / "manifest.json").read_text())
    if spoil == "changed":
        victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    elif spoil == "missing":
        victim.unlink()
    elif spoil == "more":
        (folder / "database" / "more.dat.gz").write_bytes(b"")
    elif spoil == "manifest":
        manifest["tables"]["alerts"]["rows"] = 2
    else:
        manifest["files"] = {name: digest for name, digest in manifest["files"].items() if "toc" not in name}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert len(await work.verify(folder)) == 1
    with pytest.raises(BackupError, match="damaged"):
        await work.restore(target, other, folder, 1)
    assert await backups.is_empty(target)


async def test_what_comes_back_otherwise_is_told(life: House, tmp_path: Path, target: Connection, other: str) -> None:
    folder = await backup(life, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["tables"]["alerts"]["digest"] = "1"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupError, match="not what was saved: alerts"):
        await work.restore(target, other, folder, 1)


async def test_no_secret_is_in_it(life: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", f"{MARKED}-0123456789-0123456789")
    monkeypatch.setenv("DATABASE_URL", life.url)
    folder = await backup(life, tmp_path)
    said = json.loads((folder / "settings.json").read_text())
    assert said["JWT_SECRET"] == said["DATABASE_URL"] == "(a secret)"
    assert said["RETENTION_DAYS"] == "731"
    password = life.url.split(":")[2].partition("@")[0]
    for path in folder.glob("*.json"):
        assert MARKED not in path.read_text()
        assert password not in path.read_text()


async def test_what_fails_leaves_no_folder(life: House, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="pg_dump"):
        await work.create(life.connection, life.url.rpartition("/")[0] + "/nothing", tmp_path / "backup", 1)
    assert not (tmp_path / "backup").exists()
    with pytest.raises(BackupError, match="is no backup"):
        await work.verify(tmp_path)
