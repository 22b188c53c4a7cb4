"""Checks of PostgreSQL: does it answer, keep what it commits, have the schema, room, and weeks to come."""

import shutil
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from frostguard.config import DatabaseSettings
from frostguard.doctor.finding import Check, Found, fail, ok, warn
from frostguard.migrate import FOLDER
from frostguard.store import chores, inspection, partitions, roles
from frostguard.store.connection import Connection, abandon, connect

LATE_HOURS = 48.0
OLDEST = 150000  # server_version_num of the oldest PostgreSQL that is tested


async def answers(connection: Connection) -> Found:
    """Tell the version, and whether it is one that we know."""
    version = (await inspection.server(connection))["version"]
    said = f"PostgreSQL {version // 10000}.{version % 10000}"
    return ok(said) if version >= OLDEST else fail(said, "FrostGuard needs PostgreSQL 15 or newer: upgrade")


async def migrations(connection: Connection) -> Found:
    """Tell whether the schema is this program's."""
    ours = {path.stem for path in FOLDER.glob("*.sql") if ".rollback" not in path.name}
    there = await inspection.applied_migrations(connection)
    if missing := sorted(ours - there):
        return fail(f"missing: {', '.join(missing)}", "frostguard migrate, before the programs start")
    if strange := sorted(there - ours):
        return warn(f"newer than this program: {', '.join(strange)}", "upgrade the programs")
    return ok(f"{len(there)} applied")


async def weeks(connection: Connection) -> Found:
    """Tell for how many days to come readings have a partition."""
    ends = [partitions.begin_of(name) + partitions.WEEK for name in await partitions.existing(connection)]
    days = (max(ends) - datetime.now(UTC)).days if ends else -1
    if days >= 7:
        return ok(f"partitions for {days} days to come")
    do = 'is the daemon running? It makes them; its log says why not ("not following changes")'
    return warn(f"partitions for {days} days to come", do) if days >= 1 else fail("no partition for tomorrow", do)


async def durable(connection: Connection) -> Found:
    """Tell whether a commit outlives the power."""
    unsafe = await inspection.unsafe_settings(connection)
    if unsafe:
        return fail(f"off: {', '.join(unsafe)}", "turn it on: acknowledged readings would be lost with the power")
    return ok("commits are on disk")


async def rights(connection: Connection) -> Found:
    """Tell whether the roles may what they should and no more."""
    faults = await roles.faults(connection)
    if faults:
        return warn(f"{faults[0]}{f' (and {len(faults) - 1} more)' if faults[1:] else ''}", "frostguard roles check")
    if (await inspection.server(connection))["superuser"]:
        return warn("this connection is a superuser's", "give the programs roles of their own: frostguard roles create")
    return ok("each role has what it needs and no more")


async def room(connection: Connection) -> Found:
    """Tell how many connections are left."""
    server = await inspection.server(connection)
    used, most = server["connections"], server["room"]
    said = f"{used} of {most} connections in use"
    if used < 0.8 * most:
        return ok(said)
    do = "raise max_connections, or lower DATABASE_POOL_MAX; pg_stat_activity says whose they are"
    return warn(said, do) if used < 0.95 * most else fail(said, do)


async def oldest(connection: Connection) -> Found:
    """Tell how long a transaction has been open: it holds back vacuum, and weeks that should leave."""
    row = await inspection.oldest_transaction(connection)
    said = f"the oldest transaction is open for {row['seconds']:.0f} s"
    if row["seconds"] < 300:
        return ok(said)
    do = f"see what {row['name'] or 'it'} does; select pg_terminate_backend({row['pid']}) ends it"
    return warn(said, do) if row["seconds"] < 3600 else fail(said, do)


async def clock(connection: Connection) -> Found:
    """Tell how far our clock and the server's are apart."""
    before = time.time()
    there = (await inspection.server(connection))["now"]
    apart = abs(there - (before + time.time()) / 2)
    said = f"our clock and PostgreSQL's are {apart:.2f} s apart"
    if apart < 2:
        return ok(said)
    do = "let both machines keep time (chrony, systemd-timesyncd); readings are stamped with these clocks"
    return warn(said, do) if apart < 60 else fail(said, do)


async def disk(connection: Connection) -> Found:
    """Tell how much room the server's data folder has, where it is on this machine and ours to see."""
    server = await inspection.server(connection)
    folder = server["folder"]
    if not server["is_local"] or not folder or not Path(folder).exists():  # noqa: ASYNC240 - one look
        return ok("the data folder is not on this machine, or not ours to see: watch its disk there")
    return disk_of(Path(folder))


def disk_of(folder: Path, needed: int = 0) -> Found:
    """Tell whether a folder's disk has a tenth and `needed` bytes left."""
    usage = shutil.disk_usage(folder)
    said = f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB free at {folder}"
    if usage.free < max(usage.total * 0.03, needed):
        return fail(said, "make room now: at zero nothing is stored and the broker queues")
    return ok(said) if usage.free > usage.total * 0.1 else warn(said, "make room: archive, a larger disk, old logs")


async def backup(connection: Connection) -> Found:
    """Tell when the last backup was made by us."""
    do = "frostguard backup create, by a timer; nothing is to be done where something else makes backups"
    return await _lately(connection, "backup", do)


async def house(connection: Connection) -> Found:
    """Tell when the house was kept, and whether the archive goes on."""
    for row in await chores.chores(connection):
        if row["has_failed"] and row["name"] in ("archive", "retention"):
            return warn(f"the last run of {row['name']} failed", "frostguard archive run says why")
    do = "systemctl status frostguard-housekeeping.timer; frostguard housekeeping"
    return await _lately(connection, "housekeeping", do)


async def _lately(connection: Connection, name: str, do: str) -> Found:
    told = {row["name"]: row for row in await chores.chores(connection)}.get(name)
    if told is None or told["succeeded_at"] is None:
        return warn(f"{name} has never been done" if told is None else f"{name} has never ended well", do)
    hours = (time.time() - told["succeeded_at"]) / 3600
    said = f"{name} ended well {hours:.0f} hours ago"
    if told["has_failed"]:
        return warn(f"{said}, and failed since", do)
    return ok(said) if hours < LATE_HOURS else warn(said, do)


CHECKS: dict[str, Callable[[Connection], Awaitable[Found]]] = {
    "database": answers, "migrations": migrations, "partitions": weeks, "durability": durable, "roles": rights,
    "connections": room, "transactions": oldest, "clock": clock, "database disk": disk,
    "backup": backup, "housekeeping": house,
}  # fmt: skip


def checks(settings: DatabaseSettings, names: tuple[str, ...] = tuple(CHECKS)) -> dict[str, Check]:
    """Return the checks by name. Each opens a connection of its own, so that none waits for another."""
    return {name: lambda look=CHECKS[name]: on_connection(settings, look) for name in names}  # type: ignore[misc]


async def on_connection(settings: DatabaseSettings, look: Callable[[Connection], Awaitable[Found]]) -> Found:
    """Open a connection, look, drop it."""
    connection: Connection | None = None
    try:
        connection = await connect(settings, "frostguard-doctor")
        return await look(connection)
    finally:
        abandon(connection)
