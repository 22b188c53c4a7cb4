"""Apply the migrations of sql/ with yoyo, one process at a time; the only importer of yoyo."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from yoyo import get_backend, read_migrations
from yoyo.backends.base import DatabaseBackend
from yoyo.migrations import MigrationList

import frostguard
from frostguard.errors import StoreUnavailableError, UsageError

FOLDER = Path(frostguard.__file__).parent.parent / "sql"
LOCK = 0x46_67_4D_69  # "FgMi", the advisory lock that one migrating process holds

log = logging.getLogger("frostguard.migrate")


@contextmanager
def _backend(url: str) -> Iterator[DatabaseBackend]:
    """Open yoyo's connection under an advisory lock of ours, so that a lock left by a killed run can be broken."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("postgresql", "postgres"):
        raise UsageError("DATABASE_URL must begin with postgresql://")
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as lock:
            lock.execute("select pg_advisory_lock(%s)", (LOCK,))
            backend = get_backend(f"postgresql+psycopg://{rest}")
            try:
                backend.break_lock()
                with backend.lock():
                    yield backend
            finally:
                backend.connection.close()
    except psycopg.OperationalError as error:
        raise StoreUnavailableError(str(error).strip().splitlines()[0]) from None


def _all() -> MigrationList:
    found = read_migrations(str(FOLDER))
    if not found:
        raise UsageError(f"no migrations in {FOLDER}")
    return found


def apply(url: str) -> list[str]:
    """Apply what is missing, each migration in its own transaction. Returns their names, oldest first."""
    with _backend(url) as backend:
        todo = backend.to_apply(_all())
        names = [m.id for m in todo]
        backend.apply_migrations(todo)
    for name in names:
        log.info("migration applied", extra={"migration": name})
    return names


def missing(url: str) -> list[str]:
    """Return the names of the migrations that the database lacks, oldest first. Changes nothing but yoyo's tables."""
    with _backend(url) as backend:
        return [m.id for m in backend.to_apply(_all())]


def roll_back(url: str, count: int = 1) -> list[str]:
    """Undo the newest `count` migrations, newest first. Returns their names."""
    with _backend(url) as backend:
        undo = backend.to_rollback(_all())[:count]
        names = [m.id for m in undo]
        backend.rollback_migrations(undo)
    return names
