"""`frostguard roles`: a database role for each program, with no more rights than it needs."""

import argparse
import sys
from typing import Any
from urllib.parse import quote, urlsplit

from frostguard.cli.arguments import add_command, add_database, database_settings, with_connection
from frostguard.errors import UsageError
from frostguard.store import roles
from frostguard.store.connection import Connection


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the commands."""
    top = commands.add_parser("roles", help="database roles of the programs", description="Roles of the programs.")
    below = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=type(top))
    parser = add_command(
        below, "create", create, "make a login for daemon and API each, with new passwords; prints their DATABASE_URLs"
    )
    parser.add_argument("--suffix", default="login", help="frostguard_api_SUFFIX (default: %(default)s)")
    add_database(parser)
    add_database(add_command(below, "check", check, "compare the roles' rights with what they should be"))


def create(given: argparse.Namespace) -> int:
    """Make them and print what to set."""
    parts = urlsplit(database_settings(given).url.get_secret_value())

    async def make(connection: Connection) -> list[tuple[str, str, str]]:
        if not await roles.may_create(connection):
            raise UsageError("this user may not make roles: run it as a superuser, or as one with CREATEROLE")
        logins = [(program, f"frostguard_{program}_{given.suffix}") for program in roles.PROGRAMS]
        try:
            return [(program, login, await roles.create_login(connection, program, login)) for program, login in logins]
        except ValueError as error:
            raise UsageError(f"--suffix: {error}") from None

    for program, login, password in with_connection(given, make):
        place = parts.netloc.rpartition("@")[2]
        url = parts._replace(netloc=f"{login}:{quote(password, safe='')}@{place}").geturl()
        print(f"# the {'API' if program == 'api' else 'daemon'}'s\nDATABASE_URL={url}")
    print("frostguard: migrations, housekeeping and the archive keep the URL of the owner", file=sys.stderr)
    return 0


def check(given: argparse.Namespace) -> int:
    """Print what is not as it should be; exit code 1 if anything is."""

    async def look(connection: Connection) -> tuple[list[str], dict[str, list[str]]]:
        return await roles.faults(connection), await roles.logins(connection)

    faults, logins = with_connection(given, look)
    for fault in faults:
        print(f"frostguard: {fault}", file=sys.stderr)
    for role, names in logins.items():
        print(f"{role}: {', '.join(names) or 'no login: frostguard roles create'}")
    return 1 if faults else 0
