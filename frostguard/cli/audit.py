"""`frostguard audit`: check the chains of the audit log, in the database or in a file that was taken away."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from frostguard.cli.arguments import ArgumentsError, add_command, add_database, with_connection
from frostguard.store import audit, hierarchy
from frostguard.store.audit import ChainCheck
from frostguard.store.connection import Connection

EXIT_BROKEN = 1


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command and its two parts."""
    group = commands.add_parser(
        "audit", help="check or export the audit log", description="Who changed what, chained by hash."
    )
    parts = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    checking = add_command(parts, "verify", run_verify, "check every chain; exit code 1 if one was altered")
    checking.add_argument("--organization", metavar="SLUG", help="only this organization's chain")
    checking.add_argument("file", type=Path, nargs="*", help="exports to check instead, without any database")
    exporting = add_command(parts, "export", run_export, "write one organization's chain as JSON lines")
    exporting.add_argument("--organization", metavar="SLUG", required=True)
    exporting.add_argument("--output", type=Path, required=True, metavar="FILE")
    for part in (checking, exporting):
        add_database(part)


def run_verify(given: argparse.Namespace) -> int:
    """Print one line for each chain, and one for each fault."""
    if given.file:
        checks = {str(path): _check_file(path) for path in given.file}
    else:
        checks = with_connection(given, lambda connection: _check_database(connection, given.organization))
    return max([_say(name, check) for name, check in checks.items()], default=0)


def _say(name: str, check: ChainCheck) -> int:
    for fault in check.faults:
        print(f"{name}  entry {fault.n}: {fault.message}")
    state = "BROKEN" if check.faults else "intact"
    print(f"{name}  {state}  {check.n} entries  head {check.head.hex() or '-'}")
    return EXIT_BROKEN if check.faults else 0


def _check_file(path: Path) -> ChainCheck:
    check = ChainCheck()
    for number, line in enumerate(_lines(path), 1):
        try:
            check.take(audit.from_line(line))
        except (ValueError, TypeError) as error:
            raise ArgumentsError(f"{path}, line {number}: not an audit entry ({error})") from None
    return check


def _lines(path: Path) -> Iterable[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise ArgumentsError(f"{path}: {error.strerror}") from None


async def _check_database(connection: Connection, slug: str | None) -> dict[str, ChainCheck]:
    if slug is not None:
        return {slug: await audit.verify(connection, await _organization(connection, slug))}
    found = [row["chain"] for row in await audit.chains(connection)]
    return {_name(chain): await audit.verify(connection, chain) for chain in found}


def _name(chain: UUID) -> str:
    return "accounts" if chain == audit.ACCOUNTS else str(chain)


async def _organization(connection: Connection, slug: str) -> UUID:
    row = await hierarchy.find_organization(connection, slug)
    if row is None:
        raise ArgumentsError(f"there is no organization {slug}")
    found: UUID = row["id"]
    return found


def run_export(given: argparse.Namespace) -> int:
    """Write the file, and say how many entries it has and which hash its last one."""

    async def read(connection: Connection) -> tuple[bytearray, ChainCheck]:
        lines, check = bytearray(), ChainCheck()
        async for entry in audit.export(connection, await _organization(connection, given.organization)):
            lines += audit.to_line(entry)
            check.take(entry)
        return lines, check

    lines, check = with_connection(given, read)
    given.output.write_bytes(lines)
    print(f"{given.output}: {check.n} entries, head {check.head.hex() or '-'}", file=sys.stderr)
    return EXIT_BROKEN if check.faults else 0
