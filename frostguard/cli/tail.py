"""`frostguard tail`: new readings as they come."""

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from frostguard.cli.arguments import ArgumentsError, add_command, add_database, positive, with_connection
from frostguard.cli.tables import celsius, json_line, printable
from frostguard.store import status
from frostguard.store.connection import Connection, Record

EVERY = 0.5
# A row's time of receipt is taken before its transaction commits, so the last seconds are looked at again.
OVERLAP = timedelta(seconds=5)
AT_ONCE = 2000

Key = tuple[UUID, datetime, UUID, int]


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "tail", run, "print new readings as they come, until Ctrl-C")
    parser.add_argument("--organization", metavar="SLUG", help="only this one")
    parser.add_argument("--unit", metavar="NAME", help="only units with this name or id")
    parser.add_argument("--count", type=positive, metavar="N", help="end after N readings")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Print until interrupted, or until --count readings are printed."""
    with_connection(given, lambda connection: _follow(connection, given))
    return 0


async def _follow(connection: Connection, given: argparse.Namespace) -> None:
    units = await _units(connection, given)
    begin = after = await status.server_now(connection)
    seen, left = dict[Key, datetime](), given.count
    while left is None or left > 0:
        rows = await status.new_readings(connection, after - OVERLAP, given.organization, units, AT_ONCE)
        for row in fresh(rows, seen, begin):
            print(json_line(dict(row)) if given.json else line(row), flush=True)
            left = None if left is None else left - 1
            if left == 0:
                return
        if rows:
            after = max(after, rows[-1]["received_at"])
        forget(seen, after - OVERLAP)
        await asyncio.sleep(EVERY)


async def _units(connection: Connection, given: argparse.Namespace) -> list[UUID] | None:
    if given.unit is None:
        return None
    found = await status.find_units(connection, given.organization, given.unit)
    if not found:
        raise ArgumentsError(f"no unit is named {given.unit!r}")
    return found


def fresh(rows: Sequence[Record], seen: dict[Key, datetime], begin: datetime) -> Iterator[Record]:
    """Give the rows that were not given before, and remember them; nothing from before `begin`."""
    for row in rows:
        key = (row["unit_id"], row["recorded_at"], row["sensor_id"], row["seq"])
        if key not in seen and row["received_at"] > begin:
            seen[key] = row["received_at"]
            yield row


def forget(seen: dict[Key, datetime], until: datetime) -> None:
    """Drop what will not be looked at again."""
    for key in [key for key, received_at in seen.items() if received_at <= until]:
        del seen[key]


def line(row: Record) -> str:
    """Return one reading for people."""
    parts = [celsius(row["temperature"]) if row["fault"] is None else f"fault {row['fault']}"]
    if row["humidity"] is not None:
        parts.append(f"{row['humidity']:.0f} %RH")
    if row["door_open"] is not None:
        parts.append("door open" if row["door_open"] else "door closed")
    if row["battery_percent"] is not None:
        parts.append(f"battery {row['battery_percent']} %")
    at = row["recorded_at"].strftime("%Y-%m-%d %H:%M:%S")
    where = f"{printable(row['site'])} / {printable(row['unit'])}"
    return f"{at}  {where:<40}  {printable(row['sensor']):<18}  {'  '.join(parts)}"
