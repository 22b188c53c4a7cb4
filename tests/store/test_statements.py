"""Every SQL constant of the store is prepared by a real server against the migrated schema."""

import ast
import re
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import asyncpg
import psycopg
import pytest

import frostguard.store
from frostguard.domain.reading import Reading
from frostguard.local.postgres import PostgresServer
from frostguard.store import archives, held, readings

BEGINS = re.compile(r"\s*(?:--[^\n]*\n\s*)*(select|insert|update|delete|with|create temporary)\b", re.IGNORECASE)
UPPER = re.compile(r"^_?[A-Z][A-Z0-9_]*$")


def statements() -> dict[str, str]:
    """`module.NAME` -> SQL, of all modules of the store."""
    found = {}
    for module in iter_modules(frostguard.store.__path__):
        names = vars(import_module(f"frostguard.store.{module.name}"))
        found |= {
            f"{module.name}.{name}": value
            for name, value in names.items()
            if UPPER.match(name) and isinstance(value, str) and BEGINS.match(value)
        }
    return found


STATEMENTS = statements()


@pytest.fixture
async def prepared(postgres: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the template: preparing changes nothing."""
    connection = await asyncpg.connect(postgres.url("template"))
    await connection.execute("begin")
    await connection.execute(readings.CREATE_STAGING)
    await connection.execute(archives.CREATE_ARRIVING)
    yield connection
    await connection.close()


async def test_every_statement_fits_the_schema(prepared: asyncpg.Connection) -> None:
    wrong = {}
    for name, statement in STATEMENTS.items():
        await prepared.execute("savepoint one")
        try:
            # A utility statement has no plan: it is run (and undone) instead.
            if BEGINS.match(statement)[1].lower() == "create temporary":
                await prepared.execute("drop table staging")
                await prepared.execute(statement)
            else:
                await prepared.prepare(statement)
        except asyncpg.PostgresError as error:
            wrong[name] = f"{error}; {getattr(error, 'hint', None) or ''}"
        await prepared.execute("rollback to savepoint one")
    assert wrong == {}


def test_the_net_catches_what_it_should() -> None:
    assert {"readings.INSERT_STAGED", "held.TAKE_HELD", "readings.CREATE_STAGING", "locks.TRY_LOCK"} <= set(STATEMENTS)
    assert len(STATEMENTS) >= 30


SQL_IN_CODE = re.compile(r"\s*(select\b.*\bfrom|insert into|update \w+ set|delete from|with \w+ as)\b", re.DOTALL)


def test_no_statement_hides_inside_a_function() -> None:
    """There nothing would prepare it."""
    hidden = [
        f"{path.stem}: {node.value.strip():.60}"
        for path in Path(frostguard.store.__path__[0]).glob("*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_IN_CODE.match(node.value)
    ]
    assert hidden == []


def columns_of(url: str, table: str) -> dict[str, str]:
    with psycopg.connect(url) as c:
        rows = c.execute(
            """select attname, format_type(atttypid, atttypmod) from pg_attribute
                where attrelid = %s::regclass and attnum > 0 and not attisdropped""",
            (table,),
        ).fetchall()
    return dict(rows)


def test_a_reading_is_a_row(postgres: PostgresServer) -> None:
    url = postgres.url("template")
    assert set(Reading._fields) == set(columns_of(url, "sensor_readings"))
    assert set(Reading._fields) - {"unit_id"} == set(columns_of(url, "held_readings"))
    stored = columns_of(url, "sensor_readings")
    assert columns_of(url, "held_readings") == {name: stored[name] for name in Reading._fields[1:]}


async def test_the_staging_table_has_the_columns_and_types_of_the_real_one(
    postgres: PostgresServer, prepared: asyncpg.Connection
) -> None:
    rows = await prepared.fetch(
        """select attname, format_type(atttypid, atttypmod) from pg_attribute
            where attrelid = 'pg_temp.staging'::regclass and attnum > 0"""
    )
    assert [row[0] for row in rows] == list(Reading._fields)
    assert {row[0]: row[1] for row in rows} == columns_of(postgres.url("template"), "sensor_readings")


def test_rows_go_out_in_the_order_of_the_fields() -> None:
    assert Reading._fields == readings.COLUMNS
    assert Reading._fields[1:] == held.COLUMNS
    for statement in (readings.INSERT_STAGED, readings.INSERT_STAGED_RETURNING):
        assert f"insert into sensor_readings ({', '.join(Reading._fields)})" in statement
    assert f"insert into held_readings ({', '.join(Reading._fields[1:])})" in held.INSERT_HELD


async def test_the_key_that_finds_what_is_new_is_the_primary_key(prepared: asyncpg.Connection) -> None:
    rows = await prepared.fetch(
        """select a.attname from pg_index i, unnest(i.indkey) with ordinality k (attnum, n), pg_attribute a
            where i.indrelid = 'sensor_readings'::regclass and i.indisprimary
              and a.attrelid = i.indrelid and a.attnum = k.attnum order by k.n"""
    )
    assert tuple(row[0] for row in rows) == Reading._fields[:4]


async def test_what_is_selected_of_a_reading_has_the_types_that_it_declares(prepared: asyncpg.Connection) -> None:
    statement = await prepared.prepare(held.TAKE_HELD)
    assert [attribute.name for attribute in statement.get_attributes()] == list(Reading._fields)
