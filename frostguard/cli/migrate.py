"""`frostguard migrate`: bring the schema up to date, show what is missing, or take migrations back."""

import argparse
from typing import Any

from frostguard import migrate
from frostguard.cli.arguments import add_command, add_database, database_settings, positive


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "migrate", run, "apply the migrations that the database lacks")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--status", action="store_true", help="only list what is missing; exit code 1 if anything is")
    what.add_argument("--rollback", type=positive, metavar="N", help="undo the newest N migrations")
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Do it and say what was done."""
    url = database_settings(given).url.get_secret_value()
    if given.status:
        return _status(url)
    if given.rollback:
        return _say("undone", migrate.roll_back(url, given.rollback), "nothing to undo")
    return _say("applied", migrate.apply(url), "the schema is up to date")


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
