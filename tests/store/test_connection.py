"""Connections: bounded on both sides, and errors that say what the catcher does next."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.errors import (
    ConflictError,
    FrostGuardError,
    MissingPartitionError,
    RowRefusedError,
    StoreUnavailableError,
    UsageError,
)
from frostguard.store.connection import (
    Connection,
    abandon,
    connect,
    create_pool,
    error_class,
    savepoint,
    translated,
)
from tests.tcp_proxy import Proxy


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "test")
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("08006", StoreUnavailableError), ("57P01", StoreUnavailableError), ("57014", StoreUnavailableError),
        ("53100", StoreUnavailableError), ("53300", StoreUnavailableError), ("55P03", StoreUnavailableError),
        ("40001", StoreUnavailableError), ("40P01", StoreUnavailableError), ("58030", StoreUnavailableError),
        ("25006", StoreUnavailableError), ("XX001", StoreUnavailableError), ("", StoreUnavailableError),
        ("99999", StoreUnavailableError), ("22003", RowRefusedError), ("22021", RowRefusedError),
        ("23514", RowRefusedError), ("23503", RowRefusedError), ("23502", RowRefusedError), ("54000", RowRefusedError),
        ("23505", ConflictError), ("28P01", UsageError), ("3D000", UsageError), ("42P01", UsageError),
        ("42501", UsageError),
    ],
)  # fmt: skip
def test_a_sqlstate_says_what_to_do_next(sqlstate: str, kind: type[FrostGuardError]) -> None:
    assert error_class(sqlstate) is kind


NO_PARTITION = """
insert into sensor_readings (unit_id, sensor_id, recorded_at) select gen_random_uuid(), gen_random_uuid(), 'epoch'
"""
STATEMENTS: dict[str, tuple[type[FrostGuardError], tuple[object, ...]]] = {
    "select 1/0": (RowRefusedError, ()),
    "select nothing": (UsageError, ()),
    "select pg_terminate_backend(pg_backend_pid())": (StoreUnavailableError, ()),
    "insert into organizations (name, slug) values ('x', 'a/b')": (RowRefusedError, ()),
    "insert into organizations (name, slug) values ('x', 'twice'), ('x', 'twice')": (ConflictError, ()),
    NO_PARTITION: (MissingPartitionError, ()),
    "select $1::int2": (RowRefusedError, (99_999,)),
    "select $1::int8": (RowRefusedError, (2**70,)),
    "select $1::float4": (RowRefusedError, (1e300,)),
    "select $1::uuid": (RowRefusedError, ("nonsense",)),
    "select $1::timestamptz": (RowRefusedError, ("nonsense",)),
    "select $1::text": (RowRefusedError, ("a\0b",)),
}  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_every_error_of_a_statement_becomes_one_of_ours(connection: Connection, statement: str) -> None:
    kind, arguments = STATEMENTS[statement]
    with pytest.raises(kind) as told, translated():
        await connection.fetchval(statement, *arguments)
    assert type(told.value) is kind


async def test_what_is_no_error_of_the_database_stays_what_it_is() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError("x")
    with pytest.raises(asyncio.CancelledError), translated():
        raise asyncio.CancelledError


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("x"), asyncpg.InternalClientError("x"), OSError("x"), TimeoutError(),
        ConnectionResetError(), asyncpg.PostgresConnectionError("x"),
    ],
    ids=repr,
)  # fmt: skip
async def test_every_way_of_losing_a_connection_is_the_same_to_us(error: Exception) -> None:
    with pytest.raises(StoreUnavailableError), translated():
        raise error


async def test_a_statement_has_a_bound_on_the_server_and_on_our_side(database: str) -> None:
    connection = await connect(DatabaseSettings(url=database, command_timeout=0.3), "test")
    with pytest.raises(StoreUnavailableError), translated():
        await connection.execute("select pg_sleep(60)")
    settings = {row["name"]: row["setting"] for row in await connection.fetch("select name, setting from pg_settings")}
    assert (settings["statement_timeout"], settings["lock_timeout"]) == ("300", "150")
    assert settings["TimeZone"] == "UTC"
    assert settings["application_name"] == "test"
    await connection.close()


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for one in taken:
            one.close()


@pytest.mark.case("B6")
async def test_a_server_that_never_answers_is_given_up(black_hole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frostguard.store.connection.CONNECT_SECONDS", 0.2)
    with pytest.raises(StoreUnavailableError):
        await connect(DatabaseSettings(url=f"postgresql://x:y@127.0.0.1:{black_hole}/z"), "test")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (("127.0.0.1", "127.0.0.1:1"), StoreUnavailableError),
        (("postgres:", "nobody:"), UsageError),
        (("/t_", "/none_"), UsageError),
    ],
)
async def test_a_connection_that_cannot_be_says_why(
    database: str, change: tuple[str, str], kind: type[FrostGuardError]
) -> None:
    url = database.replace(*change, 1) if change[1] != "127.0.0.1:1" else "postgresql://x:y@127.0.0.1:1/z"
    for opening in (connect, create_pool):
        with pytest.raises(kind):
            await opening(DatabaseSettings(url=url), "test")


async def test_an_abandoned_connection_is_gone_at_once(database: str, connection: Connection) -> None:
    other = await connect(DatabaseSettings(url=database), "other")
    busy = asyncio.create_task(other.execute("select pg_sleep(60)"))
    await asyncio.sleep(0)
    abandon(other)
    abandon(other)
    abandon(None)
    assert other.is_closed()
    with pytest.raises(StoreUnavailableError), translated():
        await busy


@pytest.mark.case("B7")
async def test_a_copy_that_nobody_takes_ends_in_time(database: str) -> None:
    port = urlsplit(database).port or 0
    with Proxy(port) as network:
        through = database.replace(f":{port}/", f":{network.port}/")
        connection = await connect(DatabaseSettings(url=through, command_timeout=0.5), "test")
        await connection.execute("create temporary table t (text text)")
        network.swallow()
        for _ in range(2):  # more than all the sockets on the way hold; and then on a connection that is gone
            with pytest.raises(StoreUnavailableError), translated():
                await connection.copy_records_to_table("t", records=(("x" * 100_000,) for _ in range(1000)))
        assert connection.is_closed()


async def test_a_savepoint_undoes_its_own_block_only(connection: Connection) -> None:
    await connection.execute("begin")
    await connection.execute("create temporary table t (n int)")
    async with savepoint(connection):
        await connection.execute("insert into t values (1)")
    with pytest.raises(RowRefusedError), translated():
        async with savepoint(connection):
            await connection.execute("insert into t values (2); insert into t values (1/0)")
    async with savepoint(connection):
        with pytest.raises(RowRefusedError), translated():
            async with savepoint(connection):
                await connection.execute("insert into t values (1/0)")
        await connection.execute("insert into t values (3)")
    assert await connection.fetchval("select array_agg(n order by n) from t") == [1, 3]
    await connection.execute("commit")


async def test_the_pool_lends_connections_with_the_same_bounds(database: str) -> None:
    pool = await create_pool(DatabaseSettings(url=database, pool_min=1, pool_max=2, command_timeout=7))
    async with pool.acquire() as one:
        assert await one.fetchval("show statement_timeout") == "7s"
    await pool.close()
