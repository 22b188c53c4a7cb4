"""`frostguard status`: what stands where, in one screen."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from frostguard.cli.arguments import add_command, add_database, with_connection
from frostguard.cli.tables import age, celsius, json_line, table
from frostguard.store import dead_letters, status
from frostguard.store.connection import Connection, Record


@dataclass(frozen=True)
class Seen:
    """What one look at the database shows."""

    now: datetime
    units: Sequence[Record]
    gateways: Sequence[Record]
    last_minute: Record
    dead_letters: dict[str, int]
    pending: int


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "status", run, "units with their last readings, gateways, rates, dead letters")
    parser.add_argument("--organization", metavar="SLUG", help="only this one")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Print it."""
    seen = with_connection(given, lambda connection: look(connection, given.organization))
    print(json_line(as_json(seen)) if given.json else as_text(seen))
    return 0


async def look(connection: Connection, organization: str | None) -> Seen:
    """Read everything that is shown."""
    return Seen(
        now=await status.server_now(connection),
        units=await status.units(connection, organization),
        gateways=await status.gateways(connection, organization),
        last_minute=await status.last_minute(connection),
        dead_letters=await dead_letters.count_open(connection),
        pending=await status.pending_sensors(connection, organization),
    )


def as_json(seen: Seen) -> dict[str, Any]:
    """Return the whole as plain values; times as RFC 3339."""
    return {
        "at": seen.now,
        "units": [dict(row) for row in seen.units],
        "gateways": [dict(row) for row in seen.gateways],
        "lastMinute": {
            "readings": seen.last_minute["readings"],
            "sensors": seen.last_minute["sensors"],
            "medianLagSeconds": round(float(seen.last_minute["median_lag"]), 3),
        },
        "deadLetters": seen.dead_letters,
        "pendingSensors": seen.pending,
    }


def as_text(seen: Seen) -> str:
    """Return the screen."""
    units = table(
        ("organization", "site", "area", "unit", "type", "status", ">last", ">age"),
        (
            (r["organization"], r["site"], r["area"], r["unit"], r["unit_type"], r["status"], celsius(r["temperature"]),
             age(r["recorded_at"], seen.now))
            for r in seen.units
        ),
    )  # fmt: skip
    gateways = table(
        ("organization", "gateway", "kind", "online", ">heard"),
        (
            (r["organization"], r["gateway"], r["kind"], _online(r["online"]), age(r["last_heard_at"], seen.now))
            for r in seen.gateways
        ),
    )
    return "\n\n".join((units if seen.units else "no units yet", gateways, _summary(seen)))


def _online(said: bool | None) -> str:  # noqa: FBT001 - a column
    return "-" if said is None else "online" if said else "offline"


def _summary(seen: Seen) -> str:
    minute, letters = seen.last_minute, sum(seen.dead_letters.values())
    online = sum(1 for row in seen.gateways if row["online"])
    return (
        f"last minute: {minute['readings']} readings of {minute['sensors']} sensors"
        f" ({minute['readings'] / 60:.1f}/s), median lag {minute['median_lag']:.1f} s\n"
        f"gateways online: {online} of {len(seen.gateways)}   dead letters open: {letters}"
        f"   sensors to assign: {seen.pending}"
    )
