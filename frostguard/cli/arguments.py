"""What several commands share: the type of the subcommands, number types, where the database is."""

import argparse
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from frostguard.config import DatabaseSettings, is_given, load
from frostguard.errors import FrostGuardError
from frostguard.local.folder import database_url_of
from frostguard.store import connection as database
from frostguard.store.connection import Connection

T = TypeVar("T")


class ArgumentsError(FrostGuardError):
    """The arguments do not fit together, or name something that is not there."""


def positive(text: str) -> int:
    """Return a whole number above 0; argparse says so otherwise."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number


def port(text: str) -> int:
    """Return a port number, 0 to 65535."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def add_database(parser: argparse.ArgumentParser) -> None:
    """Add the option that finds the database of a local run."""
    parser.add_argument(
        "--data-dir", type=Path, default=Path(".frostguard"), metavar="FOLDER",
        help="whose `frostguard up` runs the database, where DATABASE_URL is not set (default: %(default)s)",
    )  # fmt: skip


def database_settings(given: argparse.Namespace) -> DatabaseSettings:
    """Return the database of the environment, else that of the local run. Raises UsageError where there is neither."""
    if is_given("DATABASE_URL"):
        return load(DatabaseSettings)
    url = database_url_of(given.data_dir)
    return load(DatabaseSettings, {"DATABASE_URL": url}) if url else load(DatabaseSettings)


def with_connection(
    given: argparse.Namespace, work: Callable[[Connection], Awaitable[T]], seconds: float | None = None
) -> T:
    """Open a connection, do the work, close it. `seconds`: a statement's bound, instead of DATABASE_COMMAND_TIMEOUT."""
    settings = database_settings(given)
    if seconds is not None:
        settings = settings.model_copy(update={"command_timeout": seconds})

    async def run() -> T:
        connection = await database.connect(settings, "frostguard-cli")
        try:
            return await work(connection)
        finally:
            database.abandon(connection)

    return uvloop.run(run())


def add_every(parser: argparse.ArgumentParser) -> None:
    """Add the option that has a command done again and again: where there is no timer, in a container say."""
    parser.add_argument(
        "--every", type=positive, default=0, metavar="SECONDS", help="do it again and again, until it is stopped"
    )


def again_and_again(given: argparse.Namespace, once: Callable[[argparse.Namespace], int]) -> int:
    """Do it once, or with --every until we are stopped: what fails then is told and tried again."""
    while given.every:
        try:
            once(given)
        except FrostGuardError as error:
            print(f"frostguard: {error}", file=sys.stderr, flush=True)
        time.sleep(given.every)
    return once(given)


def add_command(commands: Any, name: str, run: Callable[..., int], summary: str) -> argparse.ArgumentParser:  # noqa: ANN401
    """Add a command with one sentence of help; `run` takes the parsed arguments and returns the exit code."""
    made: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    made.set_defaults(run=run)
    return made
