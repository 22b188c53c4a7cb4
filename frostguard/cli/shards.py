"""`frostguard shards`: how many daemons share the work, and the way from one number of them to another."""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import frostguard
from frostguard.cli.arguments import (
    ArgumentsError,
    add_command,
    add_database,
    database_settings,
    positive,
    with_connection,
)
from frostguard.cli.tables import age, json_line, table
from frostguard.config import DatabaseSettings, MqttSettings, load
from frostguard.domain.shards import MOST, Shard
from frostguard.errors import FrostGuardError, UsageError
from frostguard.store import shards, status
from frostguard.store.connection import Connection

ROOT = Path(frostguard.__file__).parent.parent
ACL = ROOT / "mosquitto.acl"
DAEMON = "frostguard-ingest"  # the daemon's account there
POLL_SECONDS = 0.5
RETRY_SECONDS = 1.0
EXIT_SETTING = 78


class BrokerError(FrostGuardError):
    """The sessions at the broker could not be made, or removed."""


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command and its four parts."""
    group = commands.add_parser(
        "shards", help="show how many daemons share the work, or prepare another number of them",
        description="Daemons that share the work: each serves the organizations whose id hashes to it.",
    )  # fmt: skip
    parts = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    showing = add_command(parts, "show", run_show, "the shards there are: organizations, daemon, how far")
    showing.add_argument("--json", action="store_true", help="one JSON object")
    preparing = add_command(parts, "prepare", run_prepare, "make the sessions of so many daemons, while others run")
    preparing.add_argument(
        "--wait", type=positive, default=120, metavar="SECONDS",
        help="for the broker, and for the running daemons to take what was queued before (default: %(default)s)",
    )  # fmt: skip
    forgetting = add_command(parts, "forget", run_forget, "remove the sessions of so many daemons that run no more")
    granting = add_command(parts, "acl", run_acl, "print mosquitto.acl with an account for each of so many daemons")
    for part in (preparing, forgetting, granting):
        part.add_argument("--shards", type=_number, required=True, metavar="N", help="how many daemons")
    for part in (showing, preparing, forgetting):
        add_database(part)


def _number(text: str) -> int:
    number = positive(text)
    if number > MOST:
        raise argparse.ArgumentTypeError(f"there are at most {MOST} shards")
    return number


def run_show(given: argparse.Namespace) -> int:
    """Print the layout and its shards."""

    async def read(connection: Connection) -> dict[str, Any]:
        layout = await shards.layout(connection)
        return {
            "at": await status.server_now(connection),
            **layout,
            "each": [dict(row) for row in await shards.overview(connection, layout["shards"])],
        }

    seen = with_connection(given, read)
    print(json_line(seen) if given.json else _as_text(seen))
    return 0


def _as_text(seen: dict[str, Any]) -> str:
    rows = [
        (
            str(Shard(each["shard"], seen["shards"])), each["organizations"], each["units"],
            "runs" if each["held"] else "-", age(each["until"], seen["at"]), age(each["summed"], seen["at"]),
            "yes" if seen["preparation"] and each["preparation"] == seen["preparation"] else "-",
        )
        for each in seen["each"]
    ]  # fmt: skip
    titles = ("shard", ">organizations", ">units", "daemon", ">listened", ">summed", "ready for change")
    lines = [table(titles, rows)]
    if seen["following"]:
        what = "prepared" if seen["prepared_at"] else "not prepared yet"
        lines.append(f"next: {seen['following']} shards, {what}")
    return "\n".join(lines)


def run_prepare(given: argparse.Namespace) -> int:
    """Make the sessions, and wait until the running daemons have taken what only theirs hold. Returns 1 if not."""
    load(MqttSettings)  # before anything is written down
    settings, wanted, end = database_settings(given), given.shards, time.monotonic() + given.wait

    async def begin(connection: Connection) -> Any:  # noqa: ANN401 - a moment
        if await shards.count(connection) == wanted:
            raise ArgumentsError(f"shards prepare: there are {wanted} shards already")
        return await shards.intend(connection, wanted)

    at = with_connection(given, begin)
    _at_the_broker("prepare", wanted, settings, end)
    print(f"the sessions of {wanted} daemons are at the broker", flush=True)

    async def finish(connection: Connection) -> list[Shard]:
        number = await shards.prepare(connection, wanted, at)
        while (left := await shards.unanswered(connection, number)) and time.monotonic() < end:  # noqa: ASYNC110 - the event is in PostgreSQL
            await asyncio.sleep(POLL_SECONDS)
        return left

    left = with_connection(given, finish)
    if left:
        names = ", ".join(map(str, left))
        print(f"shard {names} has not taken yet what was queued before: `frostguard shards show` says when it has")
        return 1
    print(f"ready: stop the daemons that run, and start {wanted} with --shard 0/{wanted} and so on")
    return 0


def run_forget(given: argparse.Namespace) -> int:
    """Remove the sessions. Refused for those that are in use."""
    load(MqttSettings)
    layout = with_connection(given, shards.layout)
    if given.shards in (layout["shards"], layout["following"]):
        raise ArgumentsError(f"shards forget: the sessions of {given.shards} shards are those in use, or prepared")
    _at_the_broker("forget", given.shards, database_settings(given), time.monotonic())
    print(f"the sessions of {given.shards} daemons are gone from the broker")
    return 0


def _at_the_broker(what: str, number: int, settings: DatabaseSettings, end: float) -> None:
    """Let the daemon's own program speak to the broker; once more while it is away, or does not know us yet."""
    environment = {**os.environ, "DATABASE_URL": settings.url.get_secret_value()}
    command = [sys.executable, "-m", "ingest.sessions", what, str(number)]
    while True:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("frostguard: ")
        if done.returncode == EXIT_SETTING:
            raise UsageError(why)
        if time.monotonic() > end:
            raise BrokerError(why)
        time.sleep(RETRY_SECONDS)


def run_acl(given: argparse.Namespace) -> int:
    """Print the ACL file: the section of the daemon's account, and the same for each of its siblings."""
    print(with_accounts(ACL.read_text(), given.shards), end="")
    return 0


def with_accounts(text: str, number: int) -> str:
    """Return an ACL file in which each of so many daemons may what the only one may."""
    head, mark, rest = text.partition(f"user {DAEMON}\n")
    section, gap, tail = rest.partition("\n\n")
    rules = [line for line in section.splitlines() if not line.startswith("#")]
    more = ["\n".join([f"user {DAEMON}{Shard(each, number).suffix}", *rules]) for each in range(number) if number > 1]
    return head + "\n\n".join([mark + section, *more]) + gap + tail
