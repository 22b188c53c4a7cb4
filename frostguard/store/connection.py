"""Connections to PostgreSQL, bounded on both sides, and the one table that translates its errors into ours.

Every statement has a client-side bound (`command_timeout`, by hand for a COPY) and a server-side one
(`statement_timeout`, `lock_timeout`, keep-alives). Over a dead network asyncpg's cancellation can outlast both by a
minute, so whoever sees StoreUnavailableError calls `abandon` instead of awaiting an orderly close.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from asyncpg import Connection, Pool, Record

from frostguard.config import DatabaseSettings
from frostguard.errors import (
    ConflictError,
    FrostGuardError,
    MissingPartitionError,
    RowRefusedError,
    StoreUnavailableError,
    UsageError,
)

__all__ = ["Connection", "Pool", "Record", "abandon", "connect", "create_pool", "savepoint", "translated"]

CONNECT_SECONDS = 5

# After 25 s the server's kernel takes a client for gone, and its backend ends with all that it held. Nothing else ends
# one that waits for the rest of a COPY: neither statement_timeout nor idle_in_transaction_session_timeout looks there.
GONE = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",  # the same where the server's last words were never confirmed: no keep-alives then
}

# SQLSTATE class or code -> what the catcher does next. The longest match wins.
BY_SQLSTATE: dict[str, type[FrostGuardError]] = {
    "08": StoreUnavailableError,  # connection exceptions
    "22": RowRefusedError,  # data exceptions: out of range, bad text, NUL
    "23": RowRefusedError,  # integrity: check, unique, foreign key
    "23505": ConflictError,  # unique violation
    "25": StoreUnavailableError,  # transaction state: read-only standby, idle timeout
    "28": UsageError,  # wrong user or password
    "3D": UsageError,  # no such database
    "40": StoreUnavailableError,  # serialization, deadlock
    "42": UsageError,  # no such table or column, no permission: a missing migration or grant
    "53": StoreUnavailableError,  # disk full, out of memory, too many connections
    "54": RowRefusedError,  # program limits: index row too large
    "55": StoreUnavailableError,  # lock not available, object in use
    "57": StoreUnavailableError,  # shut down, cancelled, cannot connect now
    "58": StoreUnavailableError,  # I/O error
    "XX": StoreUnavailableError,  # internal errors of the server
}


def error_class(sqlstate: str) -> type[FrostGuardError]:
    """Return our error for a SQLSTATE; what is unknown is treated as passing, because retrying loses nothing."""
    return BY_SQLSTATE.get(sqlstate) or BY_SQLSTATE.get(sqlstate[:2]) or StoreUnavailableError


@contextmanager
def translated() -> Iterator[None]:
    """Turn asyncpg's errors, timeouts and socket errors into frostguard.errors."""
    try:
        yield
    except asyncpg.PostgresError as error:
        kind = error_class(error.sqlstate or "")
        if error.sqlstate == "23514" and "no partition of relation" in str(error):
            kind = MissingPartitionError
        raise kind(f"{error.sqlstate} {error}") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        # A backend that dies in mid-COPY shows as an InterfaceError about the transaction, not as a lost connection;
        # one that dies right after the login as an internal error about the protocol's state.
        if isinstance(error, ValueError):  # an argument that its type cannot hold
            raise RowRefusedError(str(error)) from error
        raise StoreUnavailableError(f"{type(error).__name__}: {error}") from error
    except (OverflowError, ValueError) as error:  # the same in a COPY
        raise RowRefusedError(str(error)) from error


@asynccontextmanager
async def savepoint(connection: Connection) -> AsyncIterator[None]:
    """Undo only this block when it raises, in a transaction begun by a statement: asyncpg cannot nest its own there."""
    await connection.execute("savepoint piece")
    try:
        yield
    except Exception:
        await connection.execute("rollback to savepoint piece; release savepoint piece")
        raise
    await connection.execute("release savepoint piece")


def _server_settings(name: str, seconds: float) -> dict[str, str]:
    return {
        "application_name": name,
        "timezone": "UTC",
        "statement_timeout": str(int(seconds * 1000)),
        "lock_timeout": str(int(seconds * 500)),
        "idle_in_transaction_session_timeout": str(int(seconds * 2000)),
        **GONE,
        "jit": "off",  # plans of ours are small; compiling one costs more than running it
    }


class _Bounded(Connection):  # type: ignore[misc] # asyncpg says no types
    """A connection whose COPY ends in time too.

    asyncpg's own bound does not hold while a COPY waits for room in a socket that nobody empties, and losing the
    connection does not wake it either: it would wait for ever.
    """

    bound = 0.0  # seconds

    async def copy_to_table(self, table_name: str, **options: object) -> str:
        async with self._in_time():
            done: str = await super().copy_to_table(table_name, **options)
        return done

    async def copy_records_to_table(self, table_name: str, **options: object) -> str:
        async with self._in_time():
            done: str = await super().copy_records_to_table(table_name, **options)
        return done

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        bound = asyncio.timeout(self.bound)
        # First the connection, then the wait: an orderly end of the COPY would wait for the same socket.
        timer = asyncio.get_running_loop().call_later(self.bound - 0.001, self.terminate)
        try:
            async with bound:
                yield
        except Exception as error:
            if bound.expired():
                raise TimeoutError("nobody takes the rows of a COPY") from error
            raise
        finally:
            timer.cancel()


async def connect(settings: DatabaseSettings, name: str) -> Connection:
    """Open one connection that is ours alone. `name` shows in pg_stat_activity."""
    with translated():
        connection: _Bounded = await asyncpg.connect(
            settings.url.get_secret_value(),
            connection_class=_Bounded,
            timeout=CONNECT_SECONDS,
            command_timeout=settings.command_timeout,
            server_settings=_server_settings(name, settings.command_timeout),
        )
        connection.bound = settings.command_timeout + 1  # after what asyncpg ends in order
        return connection


async def create_pool(settings: DatabaseSettings, name: str = "frostguard") -> Pool:
    """Open a pool of `pool_min` to `pool_max` connections."""
    with translated():
        return await asyncpg.create_pool(
            settings.url.get_secret_value(),
            min_size=settings.pool_min,
            max_size=max(settings.pool_min, settings.pool_max),
            timeout=CONNECT_SECONDS,
            command_timeout=settings.command_timeout,
            server_settings=_server_settings(name, settings.command_timeout),
        )


def abandon(connection: Connection | None) -> None:
    """Drop a connection at once, whatever it is doing; never waits."""
    if connection is not None and not connection.is_closed():
        connection.terminate()
