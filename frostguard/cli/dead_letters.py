"""`frostguard dead-letters`: what could not be used, why, and another try."""

import argparse
import base64
from typing import Any

from frostguard.cli.arguments import ArgumentsError, add_command, add_database, positive, with_connection
from frostguard.cli.tables import age, json_line, table
from frostguard.errors import FrostGuardError
from frostguard.store import dead_letters, status
from frostguard.store.connection import Connection, Record


class NotFoundError(FrostGuardError):
    """There is no dead letter with this number."""


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command and its three parts."""
    group = commands.add_parser(
        "dead-letters", help="list, show and replay messages that could not be used",
        description="Messages that could not be used, with their reasons.",
    )  # fmt: skip
    parts = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = add_command(parts, "list", run_list, "the newest that were not replayed with success")
    listing.add_argument("--reason", help="only those with this reason")
    listing.add_argument("--limit", type=positive, default=50, metavar="N", help="at most (default: %(default)s)")
    showing = add_command(parts, "show", run_show, "one message with its payload")
    showing.add_argument("id", type=positive)
    replaying = add_command(parts, "replay", run_replay, "let the daemon take messages through the whole route again")
    replaying.add_argument("id", type=positive, nargs="*")
    replaying.add_argument("--reason", help="all with this reason")
    replaying.add_argument("--all", action="store_true", help="all there are")
    for part in (listing, showing):
        part.add_argument("--json", action="store_true", help="one JSON object a line")
    for part in (listing, showing, replaying):
        add_database(part)


def run_list(given: argparse.Namespace) -> int:
    """Print a table, or JSON lines."""

    async def read(connection: Connection) -> tuple[list[Record], dict[str, int], Any]:
        letters = await dead_letters.list_open(connection, given.reason, given.limit)
        return letters, await dead_letters.count_open(connection), await status.server_now(connection)

    letters, counts, now = with_connection(given, read)
    if given.json:
        for letter in letters:
            print(json_line(dict(letter)))
        return 0
    rows = [
        (r["id"], age(r["received_at"], now), r["organization"], r["gateway"], r["reason"], r["detail"], r["topic"],
         "asked for" if r["replay_requested_at"] else "")
        for r in letters
    ]  # fmt: skip
    if rows:
        print(table((">id", ">age", "organization", "gateway", "reason", "detail", "topic", "replay"), rows))
    total = sum(counts.values())
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.items())
    print(f"{total} open{f': {reasons}' if reasons else ''}")
    return 0


def run_show(given: argparse.Namespace) -> int:
    """Print everything that is known of one."""

    async def read(connection: Connection) -> Record | None:
        return await dead_letters.get(connection, given.id)

    letter = with_connection(given, read)
    if letter is None:
        raise NotFoundError(f"there is no dead letter {given.id}")
    fields = dict(letter) | _payload(letter["payload"])
    if given.json:
        print(json_line(fields))
        return 0
    width = max(map(len, fields))
    for name, value in fields.items():
        print(f"{name:<{width}}  {'-' if value is None or value == '' else value}")
    return 0


def _payload(raw: bytes) -> dict[str, str]:
    """Return the payload as text where it is readable, else as base64 under another name."""
    text = raw.decode("utf-8", "replace")
    if "\ufffd" not in text and all(c.isprintable() or c in "\n\t" for c in text):
        return {"payload": text}
    return {"payload": f"({len(raw)} bytes, not text)", "payload_base64": base64.b64encode(raw).decode()}


def run_replay(given: argparse.Namespace) -> int:
    """Ask for it; the running daemon does it."""
    if bool(given.id) + bool(given.reason) + given.all != 1:
        raise ArgumentsError("dead-letters replay: name ids, or --reason, or --all")

    async def request(connection: Connection) -> int:
        return await dead_letters.request_replay(connection, given.id or None, given.reason)

    count = with_connection(given, request)
    print(f"{count} asked for; the daemon takes them through again (see: frostguard dead-letters list)")
    return 0
