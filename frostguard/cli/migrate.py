"""`frostguard migrate`: bring the schema up to date, show what is missing, or take migrations back."""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from frostguard import migrate
from frostguard.cli.arguments import add_command, add_database, database_settings, positive
from frostguard.errors import StoreUnavailableError

T = TypeVar("T")


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "migrate", run, "apply the migrations that the database lacks")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--status", action="store_true", help="only list what is missing; exit code 1 if anything is")
    what.add_argument("--rollback", type=positive, metavar="N", help="undo the newest N migrations")
    parser.add_argument(
        "--wait", type=positive, default=0, metavar="SECONDS", help="wait so long for a database that is starting"
    )
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Do it and say what was done."""
    url = database_settings(given).url.get_secret_value()
    if given.status:
        return _status(url)
    if given.rollback:
        return _say("undone", migrate.roll_back(url, given.rollback), "nothing to undo")
    return _say("applied", _patiently(lambda: migrate.apply(url), given.wait), "the schema is up to date")


def _patiently(work: Callable[[], T], seconds: float) -> T:
    """Do it; while the database does not answer, again and again for so long. Raises StoreUnavailableError then."""
    end = time.monotonic() + seconds
    while True:
        try:
            return work()
        except StoreUnavailableError as error:
            if time.monotonic() >= end:
                raise
            print(f"frostguard: waiting for the database: {error}", file=sys.stderr, flush=True)
        time.sleep(1)


def _status(url: str) -> int:
    missing = migrate.missing(url)
    _say("missing", missing, "the schema is up to date")
    return 1 if missing else 0


def _say(verb: str, names: list[str], otherwise: str) -> int:
    for name in names:
        print(f"{verb}  {name}")
    if not names:
        print(otherwise)
    return 0
