"""What each program's role may do, and may not: every statement of the programs, and every forbidden one, is tried."""

import re
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import psycopg
import pytest
from psycopg import errors

from frostguard.config import DatabaseSettings
from frostguard.local.postgres import PostgresServer
from frostguard.store import archives, readings, roles
from frostguard.store.connection import connect
from tests.store.reach import reached

ROLES = ("frostguard_api", "frostguard_ingest")
FENCED = ("organizations", "sites", "areas", "units", "gateways", "sensors", "alerts", "alert_timeline", "suppressions",
          "manual_logs", "corrective_actions")  # fmt: skip
# Only the owner's: commands for operators.
NOBODYS = {"archive_uploads", "role_grants"}


@pytest.fixture
def owner(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as c:
        c.prepare_threshold = None
        yield c


def refused(c: psycopg.Connection, role: str, statement: str) -> str | None:
    """Try a statement in a role, undone; returns why it was refused, None where it was not."""
    c.execute("begin")
    try:
        c.execute(f"set local role {role}")
        c.execute(statement)
    except errors.InsufficientPrivilege as error:
        return str(error)
    finally:
        c.execute("rollback")
    return None


def plan(c: psycopg.Connection, role: str, statement: str) -> str | None:
    """The same for a statement with arguments, which is planned but not run: rights are checked all the same."""
    c.execute("begin")
    try:
        c.execute(f"set local role {role}")
        c.execute(readings.CREATE_STAGING)
        c.execute(archives.CREATE_ARRIVING)
        c.execute("prepare it as " + statement)
        found = c.execute(
            "select cardinality(parameter_types) from pg_prepared_statements where name = 'it'"
        ).fetchone()
        nulls = ", ".join(["null"] * found[0])
        c.execute(f"explain execute it{f'({nulls})' if nulls else ''}")
    except errors.InsufficientPrivilege as error:
        return str(error)
    finally:
        c.execute("rollback; deallocate all")
    return None


@pytest.mark.case("H22")
@pytest.mark.parametrize(("program", "role"), [("api", "frostguard_api"), ("ingest", "frostguard_ingest")])
def test_every_statement_of_a_program_is_allowed_to_its_role(owner, case, program: str, role: str) -> None:
    statements = {name: text for name, text in reached(program).items() if not text.lstrip().startswith("create")}
    wrong = {name: why for name, text in statements.items() if (why := plan(owner, role, text))}
    assert wrong == {}
    assert len(statements) > 50
    case(f"statements that {role} may run as it needs", len(statements))


def test_every_table_is_somebodys(owner) -> None:
    tables = {name for (name,) in owner.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        " and not relispartition and relname !~ 'yoyo'")}  # fmt: skip
    granted = {name for (name,) in owner.execute("select relation from role_grants")}
    assert tables - granted == NOBODYS, "add the table to role_grants in its migration, or here"


@pytest.mark.case("H22")
@pytest.mark.parametrize("role", ROLES)
def test_what_is_not_granted_is_refused_on_every_table_and_partition(owner, case, role: str) -> None:
    owner.execute("select make_readings_week(date_trunc('week', now(), 'UTC'))")
    granted = {name: set(re.split(", ", text)) for name, text in owner.execute(
        "select relation, privileges from role_grants where role = %s", (role,))}  # fmt: skip
    tried = 0
    tables = owner.execute(
        """select relname, (select quote_ident(attname) from pg_attribute
                              where attrelid = c.oid and attnum > 0 and attidentity = '' and not attisdropped limit 1)
             from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"""
    ).fetchall()
    assert any("sensor_readings_" in name for name, _ in tables)
    for name, column in tables:
        for verb, statement in {
            "select": f"select from {name}",
            "insert": f"insert into {name} default values",
            "update": f"update {name} set {column} = null",
            "delete": f"delete from {name}",
            "truncate": f"truncate {name} cascade",
            "drop": f"drop table {name} cascade",
            "disable the trigger": f"alter table {name} disable trigger all",
            "lift the fence": f"alter table {name} disable row level security",
        }.items():
            if verb not in granted.get(name, ()):
                assert refused(owner, role, statement), f"{role} may {verb} {name}"
                tried += 1
    case(f"forbidden statements that {role} tried", tried)
    case(f"forbidden statements that {role} got through", 0, equal=0)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("statement", [
    "create table mine (a int)", "create role other", "alter role frostguard_api superuser",
    "copy (select 1) to program 'true'", "select pg_read_file('PG_VERSION')", "drop function audit_append",
    "alter function audit_append security invoker", "create extension dblink", "set session_replication_role = replica",
])  # fmt: skip
def test_nothing_beside_the_tables_is_allowed_either(owner, role: str, statement: str) -> None:
    assert refused(owner, role, statement)


def test_the_audit_log_grows_by_its_function_only(owner) -> None:
    owner.execute("set role frostguard_api")
    entry = "select audit_append(null, null, 'user', 'tried', 'test', null, null, null, null, null)"
    assert [owner.execute(entry).fetchone(), owner.execute(entry).fetchone()] == [(1,), (2,)]
    for statement in ("insert into audit_log select * from audit_log", "update audit_log set actor = 'x'",
                      "delete from audit_log"):  # fmt: skip
        with pytest.raises(errors.InsufficientPrivilege):
            owner.execute(statement)
    owner.execute("reset role")
    assert refused(owner, "frostguard_ingest", entry)


TENANT = """
with o as (insert into organizations (name, slug) values (%(slug)s, %(slug)s) returning id),
     s as (insert into sites (organization_id, name) select id, 'S' from o returning id, organization_id),
     a as (insert into areas (organization_id, site_id, name) select organization_id, id, 'A' from s
           returning id, organization_id),
     u as (insert into units (organization_id, area_id, name) select organization_id, id, 'U' from a
           returning id, organization_id),
     g as (insert into gateways (organization_id, serial, name) select id, %(slug)s, 'G' from o returning id),
     n as (insert into sensors (organization_id, serial) select id, 'n' from o returning id),
     m as (insert into manual_logs (organization_id, unit_id, logged_at, celsius)
           select organization_id, id, now(), 4 from u returning id),
     c as (insert into corrective_actions (organization_id, unit_id, action_taken)
           select organization_id, id, 'x' from u returning id),
     w as (insert into suppressions (organization_id, starts_at, ends_at) select id, now(), now() + interval '1 h'
           from o returning id),
     l as (insert into alerts (id, organization_id, subject_id, unit_id, alert_type, severity, status, title, opened_at)
           select gen_random_uuid(), organization_id, id, id, 'door_open', 'info', 'active', 't', now() from u
           returning id, organization_id),
     t as (insert into alert_timeline (organization_id, alert_id, at, action)
           select organization_id, id, now(), 'opened' from l returning id)
select id from o
"""


@pytest.mark.case("H22")
def test_the_api_changes_rows_of_the_organization_that_it_named_and_no_other(owner, case) -> None:
    ours, theirs = (owner.execute(TENANT, {"slug": slug}).fetchone()[0] for slug in ("ours", "theirs"))
    may = {table: set(re.split(", ", text)) & {"update", "delete"} for table, text in owner.execute(
        "select relation, privileges from role_grants where role = 'frostguard_api'")}  # fmt: skip
    owner.execute("set role frostguard_api")
    tried = changed = 0
    for named, own in ((str(ours), 1), ("", 0), (str(uuid4()), 0)):
        owner.execute("select set_config('frostguard.organization', %s, false)", (named,))
        for table in FENCED:
            column = "id" if table == "organizations" else "organization_id"
            for verb in may[table]:
                for whose, expected in ((ours, own), (theirs, 0)):
                    owner.execute("begin")
                    what = f"update {table} set {column} = {column}" if verb == "update" else f"delete from {table}"
                    done = owner.execute(f"{what} where {column} = %s", (whose,)).rowcount
                    owner.execute("rollback")
                    assert done == expected, (named, table, verb)
                    tried, changed = tried + (not expected), changed + (done > expected)
    case("foreign changes tried", tried)
    case("foreign rows changed", changed, equal=0)
    with pytest.raises(errors.InsufficientPrivilege):
        owner.execute("insert into sites (organization_id, name) values (%s, 'x')", (theirs,))
    owner.execute("select set_config('frostguard.organization', %s, false)", (str(ours),))
    with pytest.raises(errors.InsufficientPrivilege):
        owner.execute("update sites set organization_id = %s", (theirs,))
    owner.execute("insert into sites (organization_id, name) values (%s, 'x')", (ours,))


async def test_logins_are_made_once_and_get_another_password_the_next_time(
    database: str, postgres: PostgresServer
) -> None:
    connection = await connect(DatabaseSettings(url=database), "test")
    login = f"fg_{uuid4().hex[:8]}"
    try:
        first = await roles.create_login(connection, "api", login)
        second = await roles.create_login(connection, "api", login)
        assert first != second
        assert login in (await roles.logins(connection))["frostguard_api"]
        assert await roles.faults(connection) == []
        place = database.rpartition("@")[2] if "@" in database else database.removeprefix("postgresql://")
        mine = await asyncpg.connect(f"postgresql://{login}:{second}@{place}")
        assert await mine.fetchval("select count(*) from sites") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await mine.execute("delete from sites")
        await mine.close()
        await connection.execute("grant delete on sites to frostguard_api; alter role frostguard_api bypassrls")
        assert len(await roles.faults(connection)) == 2
        await connection.execute("alter role frostguard_api nobypassrls; select grant_roles()")
        assert await roles.faults(connection) == []
        with pytest.raises(ValueError, match="not the name"):
            await roles.create_login(connection, "api", "x; drop table sites")
    finally:
        await connection.execute(f"alter role frostguard_api nobypassrls; drop role if exists {login}")
        await connection.close()


def test_who_may_not_make_roles_migrates_all_the_same(owner, database: str, postgres: PostgresServer) -> None:
    owner.execute("create role modest login")
    try:
        owner.execute("set role modest")
        assert refused(owner, "modest", "select grant_roles()"), "not the owner: no rights to give"
        owner.execute("reset role")
        assert owner.execute("select grant_roles()").fetchone() == (True,), "may be repeated"
    finally:
        owner.execute("reset role; drop role modest")
