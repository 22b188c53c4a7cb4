"""`frostguard alerts`: the alerts on record."""

import argparse
from typing import Any

from frostguard.cli.arguments import add_command, add_database, positive, with_connection
from frostguard.cli.moments import clock, moment
from frostguard.cli.tables import json_line, table
from frostguard.store import alert_export
from frostguard.store.connection import Connection, Record


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command and its part."""
    group = commands.add_parser("alerts", help="list alerts", description="The alerts on record.")
    parts = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = add_command(parts, "list", run_list, "alerts, newest first")
    listing.add_argument("--organization", metavar="SLUG", help="only this one")
    listing.add_argument("--unit", metavar="NAME", help="only units with this name or id")
    listing.add_argument("--open", action="store_true", help="only those that are not resolved")
    listing.add_argument("--from", dest="since", type=moment, metavar="TIME", help="only those opened since")
    listing.add_argument("--limit", type=positive, default=10_000, metavar="N", help="at most (default: %(default)s)")
    listing.add_argument("--json", action="store_true", help="one JSON array, which frostguard-sim score reads")
    add_database(listing)


def run_list(given: argparse.Namespace) -> int:
    """Print a table, or the array."""

    async def read(connection: Connection) -> list[Record]:
        return await alert_export.alerts(
            connection, given.organization, given.unit, only_open=given.open, since=given.since, limit=given.limit
        )

    found = with_connection(given, read)
    if given.json:
        print(json_line([dict(row) for row in found]))
        return 0
    rows = [
        (clock(r["opened_at"]), clock(r["resolved_at"]), r["severity"], r["type"], r["status"], r["organization"],
         r["site"], r["unit"] or r["gateway"])
        for r in found
    ]  # fmt: skip
    if rows:
        print(table(("opened", "resolved", "severity", "type", "status", "organization", "site", "subject"), rows))
    print(f"{len(rows)} alerts, {sum(row['resolved_at'] is None for row in found)} open")
    return 0
