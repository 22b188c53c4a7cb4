"""A PostgreSQL server of our own."""

import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from frostguard.errors import UsageError
from frostguard.local import ports
from frostguard.local import postgres as postgres_module
from frostguard.local.ports import TakenError, free_port
from frostguard.local.postgres import PostgresServer, embedded_binaries
from tests.conftest import binaries


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    made = PostgresServer(tmp_path_factory.mktemp("own") / "cluster", free_port(), binaries())
    made.start()
    yield made
    made.stop()


def test_data_survive_a_stop_and_a_crash(server: PostgresServer) -> None:
    server.ensure_database("kept")
    server.ensure_database("kept")
    with psycopg.connect(server.url("kept")) as connection:
        connection.execute("create table t as select 1 as n")
    for how in (signal.SIGINT, signal.SIGKILL, signal.SIGQUIT):
        server.stop(how)
        assert not server.takes_connections()
        server.start()
        with psycopg.connect(server.url("kept")) as connection:
            assert connection.execute("select n from t").fetchall() == [(1,)]


def test_nobody_gets_in_without_the_password(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{server.port}/postgres")
    assert stat.S_IMODE(server._password_file.stat().st_mode) == 0o600


def test_a_taken_port_is_the_reason_that_is_given(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "LEFTOVER_SECONDS", 0.1)
    other = PostgresServer(tmp_path / "cluster", server.port, binaries())
    with pytest.raises(TakenError, match=f"port {server.port} is taken"):
        other.start()


def test_a_cluster_of_another_version_is_refused_and_kept(server: PostgresServer, tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(UsageError, match=r"was made by PostgreSQL 9\.6"):
        PostgresServer(folder, free_port(), binaries()).start()
    assert (folder / "PG_VERSION").exists()


def test_without_the_wheel_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_module, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="set DATABASE_URL, or install"):
        embedded_binaries()
