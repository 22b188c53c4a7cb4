"""Note in the database what became of a command's work, so that the metrics can tell when the command is gone."""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from frostguard.config import DatabaseSettings
from frostguard.errors import FrostGuardError
from frostguard.store import chores
from frostguard.store.chores import Chore
from frostguard.store.connection import Connection, abandon, connect


@dataclass
class Done:
    """What a run did; `failed` without an error: a part of it did not work, and the others went on."""

    rows: int = 0
    size: int = 0
    failed: bool = False


@asynccontextmanager
async def noted(settings: DatabaseSettings, chore: Chore) -> AsyncIterator[Done]:
    """Note how the block ends: well, with what it says of itself, or by an error, which goes on.

    On a connection of its own, because that of the work may be what failed. Work is not in vain because of a note that
    cannot be written: that is only said.
    """
    done, began = Done(), time.monotonic()
    try:
        yield done
    except BaseException:
        done.failed = True
        raise
    finally:
        connection: Connection | None = None
        try:
            connection = await connect(settings, "frostguard-cli")
            if done.failed:
                await chores.failed(connection, chore)
            else:
                took = timedelta(seconds=time.monotonic() - began)
                await chores.succeeded(connection, chore, took, done.rows, done.size)
        except FrostGuardError as error:
            print(f"frostguard: not noted what became of {chore}: {error}", file=sys.stderr, flush=True)
        finally:
            abandon(connection)
