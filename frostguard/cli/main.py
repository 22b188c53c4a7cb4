"""The commands, their arguments, and how an error looks: one line on standard error and an exit code."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from frostguard.cli import (
    admin,
    alerts,
    archive,
    audit,
    backup,
    check_config,
    dead_letters,
    doctor,
    export,
    housekeeping,
    install_systemd,
    migrate,
    mqtt_accounts,
    replay,
    roles,
    rollups,
    shards,
    status,
    tail,
    top,
    up,
)  # fmt: skip
from frostguard.cli.arguments import ArgumentsError
from frostguard.errors import FrostGuardError, UsageError

EXIT_FAILURE, EXIT_USAGE, EXIT_CONFIGURATION = 1, 2, 78  # 78 is EX_CONFIG: starting again does not help

# In the order in which --help lists them.
COMMANDS = (
    up, status, tail, top, alerts, replay, admin, audit, migrate, dead_letters, rollups, shards, archive, export,
    backup, doctor, roles, housekeeping, mqtt_accounts, check_config, install_systemd,
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Says a usage error in our form."""

    def error(self, message: str) -> None:  # type: ignore[override] # it does not return there either
        """Print the line and exit with 2."""
        print(f"frostguard: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(EXIT_USAGE)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = _Parser(prog="frostguard", description="Cold-chain monitoring: readings in, alarms out.")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for command in COMMANDS:
        command.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0, 1 failure, 2 usage, 78 a setting is wrong or missing."""
    given = parser().parse_args(arguments)
    try:
        code: int = given.run(given)
    except UsageError as error:
        return _say(error, EXIT_CONFIGURATION)
    except ArgumentsError as error:
        return _say(error, EXIT_USAGE)
    except FrostGuardError as error:
        return _say(error, EXIT_FAILURE)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader of a pipe, head say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code


def _say(error: Exception, code: int) -> int:
    text = " ".join(str(error).split())
    print(f"frostguard: {text}", file=sys.stderr)
    return code
