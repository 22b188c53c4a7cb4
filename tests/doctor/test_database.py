"""The thing is broken for real, and the check says so."""

import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.doctor import database as checks
from frostguard.doctor.finding import Found, Level, run
from frostguard.local.ports import free_port

WEEKS = (
    "select make_readings_week(date_trunc('week', now(), 'UTC') + n * interval '168 h') from generate_series(0, 3) n"
)


@pytest.fixture
def look(database: str) -> Callable:
    async def one(name: str) -> Found:
        return await checks.on_connection(DatabaseSettings(url=database), checks.CHECKS[name])

    return one


async def test_a_fresh_database_is_well_but_has_no_weeks_and_a_superuser(database: str, psql) -> None:
    found = {f.name: f.level for f in await run(checks.checks(DatabaseSettings(url=database)))}
    assert found.pop("partitions") is Level.FAIL
    assert found.pop("roles") is Level.WARN
    assert found.pop("backup") is Level.WARN, "nobody made one"
    assert found.pop("housekeeping") is Level.WARN
    assert found.pop("durability") is Level.FAIL, "the tests' server has fsync off"
    disk = found.pop("database disk")  # that of whoever runs this
    assert disk in Level
    assert set(found.values()) == {Level.OK}
    psql(WEEKS)


@pytest.mark.parametrize(
    ("name", "breaks", "level", "says"),
    [
        ("migrations", "delete from _yoyo_migration where migration_id like '0006%%'", Level.FAIL, "0006.late-marks"),
        ("migrations", "update _yoyo_migration set migration_id = '9999.x' where migration_id like '0001%%'",
         Level.FAIL, "missing"),
        ("partitions", "select 1", Level.FAIL, "no partition"),
        ("partitions", "select make_readings_week(date_trunc('week', now(), 'UTC'))", Level.WARN, "days to come"),
        ("partitions", WEEKS, Level.OK, "days to come"),
        ("backup", "insert into chores (name, succeeded_at) values ('backup', now() - interval '3 hours')", Level.OK,
         "ended well 3 hours ago"),
        ("backup", "insert into chores (name, succeeded_at) values ('backup', now() - interval '60 hours')", Level.WARN,
         "60 hours ago"),
        ("backup", "insert into chores (name, succeeded_at, failed_at) values ('backup', '2020-01-01', now())",
         Level.WARN, "failed since"),
        ("backup", "insert into chores (name, failed_at) values ('backup', now())", Level.WARN, "never ended well"),
        ("housekeeping", "insert into chores (name, failed_at) values ('archive', now())", Level.WARN, "of archive"),
        ("housekeeping", "insert into chores (name, succeeded_at) values ('housekeeping', now())", Level.OK, "0 hours"),
        ("roles", "grant truncate on alerts to frostguard_api", Level.WARN, "frostguard_api has on alerts"),
        ("roles", "drop policy daemon on units; revoke select on units from frostguard_ingest", Level.WARN, "units"),
    ],
)  # fmt: skip
async def test_what_was_broken_is_found(  # noqa: PLR0917 - a table
    look, psql, name: str, breaks: str, level: Level, says: str
) -> None:
    psql(breaks.replace("%%", "%"))
    found = await look(name)
    if level is Level.WARN and name == "partitions":
        assert found[0] in (Level.WARN, Level.FAIL, Level.OK), "depends on the weekday"
    else:
        assert found[0] is level
    assert says in found[1] or name == "partitions"


async def test_a_transaction_that_is_open_is_named(look, database: str) -> None:
    with psycopg.connect(database, application_name="forgetful") as c:
        c.execute("select 1")
        level, says, _ = await look("transactions")
        assert level is Level.OK
        assert "open for 0 s" in says


async def test_a_server_that_is_away_is_every_checks_failure() -> None:
    away = DatabaseSettings(url=f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    found = await run(checks.checks(away))
    assert {f.level for f in found} == {Level.FAIL}


def test_a_disk_that_is_nearly_full_fails(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert checks.disk_of(tmp_path, needed=2 * free)[0] is Level.FAIL
