"""The schema: applied from nothing, undone, applied again, by one process or two; and what it refuses to hold."""

import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from frostguard import migrate
from frostguard.errors import StoreUnavailableError, UsageError
from frostguard.local.postgres import PostgresServer
from frostguard.migrate import FOLDER
from tests.factories import SERIAL, plant

NAMES = sorted(path.name.removesuffix(".sql") for path in FOLDER.glob("*.sql") if ".rollback." not in path.name)

# What exists besides yoyo's own tables: tables with columns, types, indexes, functions, triggers, constraints.
SNAPSHOT = """
select 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod) || coalesce(' default ' ||
       pg_get_expr(d.adbin, d.adrelid), '') || case when a.attnotnull then ' not null' else '' end
  from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = c.oid
   and d.adnum = a.attnum
 where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v')
union all
select 'type', typname, typtype::text, coalesce((select string_agg(enumlabel, ',' order by enumsortorder)
  from pg_enum e where e.enumtypid = t.oid), '') from pg_type t
 where typnamespace = 'public'::regnamespace and typtype in ('e', 'd')
union all
select 'index', tablename, indexname, indexdef from pg_indexes where schemaname = 'public'
union all
select 'function', proname, '', pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
union all
select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
union all
select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
 where connamespace = 'public'::regnamespace
"""


@pytest.fixture
def empty(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    name = f"m_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute(f"create database {name} strategy file_copy")
        yield postgres.url(name)
        c.execute(f"drop database {name} with (force)")


def snapshot(url: str) -> set[tuple[str, ...]]:
    with psycopg.connect(url) as c:
        return {row for row in c.execute(SNAPSHOT).fetchall() if "yoyo" not in " ".join(row)}


def test_every_migration_has_its_way_back() -> None:
    assert NAMES
    assert {path.name.removesuffix(".rollback.sql") for path in FOLDER.glob("*.rollback.sql")} == set(NAMES)


def test_every_migration_applies_rolls_back_and_applies_again(
    empty: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(migrate, "FOLDER", tmp_path)
    upwards = [snapshot(empty)]
    for name in NAMES:
        for suffix in (".sql", ".rollback.sql"):
            shutil.copy(FOLDER / (name + suffix), tmp_path)
        assert migrate.missing(empty) == [name]
        assert migrate.apply(empty) == [name]
        upwards.append(snapshot(empty))
    assert upwards[0] == set()
    for name, below in zip(reversed(NAMES), reversed(upwards[:-1]), strict=True):
        assert migrate.roll_back(empty) == [name]
        assert snapshot(empty) == below
    assert migrate.roll_back(empty) == []
    assert migrate.apply(empty) == NAMES
    assert snapshot(empty) == upwards[-1]


def test_applying_twice_changes_nothing(empty: str) -> None:
    migrate.apply(empty)
    before = snapshot(empty)
    assert migrate.apply(empty) == []
    assert migrate.missing(empty) == []
    assert snapshot(empty) == before


def test_data_survives_the_newest_migration_undone_and_applied_again(empty: str) -> None:
    migrate.apply(empty)
    plant(empty)
    migrate.roll_back(empty)
    migrate.apply(empty)
    with psycopg.connect(empty) as c:
        assert c.execute("select serial from sensors").fetchall() == [(SERIAL,)]


def test_two_processes_may_migrate_at_once(empty: str) -> None:
    code = "import sys; from frostguard import migrate; print(len(migrate.apply(sys.argv[1])))"
    running = [subprocess.Popen([sys.executable, "-c", code, empty], stdout=subprocess.PIPE) for _ in range(2)]
    done = [process.communicate(timeout=60)[0].strip() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert sorted(done) == sorted([b"0", str(len(NAMES)).encode()])
    assert migrate.missing(empty) == []


def test_a_lock_that_a_killed_run_left_is_broken(empty: str) -> None:
    migrate.missing(empty)  # makes yoyo's tables
    with psycopg.connect(empty, autocommit=True) as c:
        c.execute("insert into yoyo_lock (locked, ctime, pid) values (1, now(), 999999)")
    assert migrate.apply(empty) == NAMES


def test_a_migration_that_fails_leaves_nothing_of_itself(empty: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "0001.good.sql").write_text("create table good (id int);")
    (tmp_path / "0002.bad.sql").write_text(
        "-- depends: 0001.good\ncreate table half (id int);\ninsert into nowhere values (1);"
    )
    monkeypatch.setattr(migrate, "FOLDER", tmp_path)
    with pytest.raises(psycopg.errors.UndefinedTable):
        migrate.apply(empty)
    assert {row[1] for row in snapshot(empty) if row[0] == "column"} == {"good"}
    assert migrate.missing(empty) == ["0002.bad"]


def test_without_a_database_it_says_so_in_one_line() -> None:
    with pytest.raises(StoreUnavailableError) as told:
        migrate.apply("postgresql://x:secret@127.0.0.1:1/none")
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)
    with pytest.raises(UsageError):
        migrate.apply("mysql://x@y/z")


# --- the schema itself


def test_every_time_has_a_zone(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url("template")) as c:
        rows = c.execute(
            """select table_name, column_name, data_type from information_schema.columns
                where table_schema = 'public' and table_name !~ '^_?yoyo'
                  and (data_type like '%time%' or column_name ~ '_at$|^hour$')"""
        ).fetchall()
    assert rows
    assert [row for row in rows if row[2] != "timestamp with time zone"] == []


def test_there_is_no_default_partition_and_every_partition_key_is_in_the_primary_key(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url("template")) as c:
        rows = c.execute(
            """select p.partrelid::regclass::text, p.partdefid, p.partattrs::int2[] <@ i.indkey::int2[]
                 from pg_partitioned_table p join pg_index i on i.indrelid = p.partrelid and i.indisprimary"""
        ).fetchall()
    assert ("sensor_readings", 0, True) in rows
    assert all(row[1:] == (0, True) for row in rows)


def test_every_row_below_an_organization_names_it(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url("template")) as c:
        rows = c.execute(
            """select c.relname from pg_class c where c.relname in ('sites', 'areas', 'units', 'gateways', 'sensors')
                 and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id'
                                    and a.attnotnull)"""
        ).fetchall()
    assert rows == []


@pytest.fixture
def with_partition(database: str) -> str:
    plant(database)
    with psycopg.connect(database, autocommit=True) as c:
        c.execute(
            """create table sensor_readings_2026w47 partition of sensor_readings
               for values from ('2026-11-16') to ('2026-11-23')"""
        )
    return database


INSERT = """
insert into sensor_readings (unit_id, sensor_id, recorded_at, {}) values
 ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002', '2026-11-22T12:00:00Z', {})
"""

NO_NUMBERS = ("'NaN'", "'Infinity'", "'-Infinity'")

REFUSED = [
    *((name, value) for name in ("temperature", "humidity", "battery_volts", "snr") for value in NO_NUMBERS),
    ("temperature", "150.1"), ("temperature", "-100.1"), ("humidity", "100.1"), ("humidity", "-0.1"),
    ("battery_volts", "10.1"), ("battery_volts", "-0.1"), ("battery_percent", "101"), ("battery_percent", "-1"),
    ("rssi", "1"), ("rssi", "-151"), ("snr", "50.1"), ("snr", "-50.1"), ("fault", f"'{'f' * 51}'"),
]  # fmt: skip

TAKEN = [
    ("temperature", "150"), ("temperature", "-100"), ("temperature", "'-0'"), ("humidity", "0"), ("humidity", "100"),
    ("battery_volts", "10"), ("battery_percent", "0"), ("battery_percent", "100"), ("rssi", "0"), ("rssi", "-150"),
    ("snr", "-50"), ("fault", f"'{'f' * 50}'"), ("seq", str(2**63 - 1)), ("door_open", "null"),
]  # fmt: skip


def test_what_is_no_measurement_is_refused_by_the_table(with_partition: str) -> None:
    with psycopg.connect(with_partition) as c:
        for name, value in REFUSED:
            with pytest.raises(errors.CheckViolation), c.transaction():
                c.execute(INSERT.format(name, value))


def test_the_edges_of_every_range_are_taken(with_partition: str) -> None:
    with psycopg.connect(with_partition) as c:
        for name, value in TAKEN:
            with c.transaction(force_rollback=True):
                c.execute(INSERT.format(name, value))


def test_a_time_without_a_partition_is_refused(with_partition: str) -> None:
    with psycopg.connect(with_partition) as c, pytest.raises(errors.CheckViolation, match="no partition"):
        c.execute(INSERT.replace("2026-11-22", "2099-01-01").format("temperature", "4"))


WRONG_FLEET = {
    "a unit of another organization's area": "update units set organization_id = %(other)s",
    "a sensor in another organization's unit": "update sensors set organization_id = %(other)s",
    "a slug that is no topic level": "update organizations set slug = 'a/b'",
    "a slug with a wildcard": "update organizations set slug = 'a+'",
    "an empty slug": "update organizations set slug = ''",
    "a gateway that is no topic level": "update gateways set serial = 'a/b'",
    "a gateway with a wildcard": "update gateways set serial = '#'",
    "a serial that is not in normal form": "update sensors set serial = 'ABC'",
    "a serial with a line end": "update sensors set serial = E'a\\nb'",
    "a range upside down": "update sensors set range_low = 10, range_high = 5",
    "a range that is no number": "update sensors set range_high = 'NaN'",
    "limits upside down": "update units set temp_min = 5, temp_max = 4",
    "a limit that is no number": "update units set temp_max = 'NaN'",
    "a unit without the time of assignment": "update sensors set assigned_at = null",
    "an interval of nought": "update sensors set report_interval_seconds = 0",
}


@pytest.mark.parametrize("name", WRONG_FLEET)
def test_a_fleet_that_cannot_be_is_refused(database: str, name: str) -> None:
    plant(database)
    with psycopg.connect(database) as c:
        other = c.execute("insert into organizations (name, slug) values ('O', 'other') returning id").fetchone()
        assert other is not None
        with pytest.raises((errors.CheckViolation, errors.ForeignKeyViolation)):
            c.execute(WRONG_FLEET[name], {"other": other[0]})


def test_a_serial_may_come_back_after_its_sensor_was_deleted(database: str) -> None:
    planted = plant(database)
    again = "insert into sensors (organization_id, serial) values (%s, %s)"
    with psycopg.connect(database) as c:
        with pytest.raises(errors.UniqueViolation), c.transaction():
            c.execute(again, (planted.organization, SERIAL))
        c.execute("update sensors set deleted_at = now()")
        c.execute(again, (planted.organization, SERIAL))


CHANGES = {
    "a new sensor": "insert into sensors (organization_id, serial) values (%(id)s, 'new-1')",
    "an assignment": "update sensors set is_primary = false",
    "a new gateway": "insert into gateways (organization_id, serial, name) values (%(id)s, 'gw-7', 'x')",
    "limits of a unit": "update units set temp_max = 7",
    "a new slug": "update organizations set slug = 'renamed'",
    "a deleted gateway": "delete from gateways",
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_the_fleet_wakes_the_daemon_once(database: str, name: str) -> None:
    planted = plant(database)
    with psycopg.connect(database, autocommit=True) as c:
        c.execute("listen config")
        with c.transaction():
            c.execute(CHANGES[name], {"id": planted.organization})
            c.execute("update sensors set name = 'x'")
        c.execute("select pg_notify('config', 'the end')")
        assert [n.payload for n in c.notifies(timeout=10, stop_after=2)] == [str(planted.organization), "the end"]
