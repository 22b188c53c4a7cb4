"""`frostguard users|organizations|gateways`: what operators do without anybody's password, logged as theirs."""

import argparse
import sys
from typing import Any
from uuid import UUID

from frostguard.cli.arguments import ArgumentsError, add_command, add_database, with_connection
from frostguard.cli.tables import json_line, table
from frostguard.gateway_passwords import mosquitto_hash, new_password
from frostguard.security import hash_password
from frostguard.store import accounts, audit, gateways, hierarchy, members, organizations, purging, sessions
from frostguard.store.audit import OPERATOR, Change
from frostguard.store.connection import Connection, Record
from frostguard.store.gateways import Wanted
from frostguard.store.paging import Page


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the three commands and their parts."""
    users = _group(commands, "users", "accounts of people")
    _part(users, "list", list_users, "every account and its roles").add_argument("--json", action="store_true")
    for name, run, summary in (
        ("disable", disable_user, "shut somebody out at once, everywhere"),
        ("enable", enable_user, "let somebody in again"),
        ("reset-password", reset_password, "set and print a new password; all sessions end"),
    ):
        _part(users, name, run, summary).add_argument("email")
    groups = _group(commands, "organizations", "tenants")
    _part(groups, "list", list_organizations, "every organization, also deleted ones").add_argument(
        "--json", action="store_true"
    )
    creating = _part(groups, "create", create_organization, "make one, with an owner who gets a new password if needed")
    creating.add_argument("slug")
    creating.add_argument("--name", required=True)
    creating.add_argument("--owner", required=True, metavar="EMAIL")
    _part(groups, "restore", restore_organization, "bring a deleted one back").add_argument("slug")
    ending = _part(groups, "purge", purge_organization, "remove a deleted one for good; without --yes: show what goes")
    ending.add_argument("slug")
    ending.add_argument("--yes", action="store_true", help="do it: there is no way back")
    boxes = _group(commands, "gateways", "gateways and their credentials")
    listing = _part(boxes, "list", list_gateways, "an organization's gateways")
    listing.add_argument("organization", metavar="SLUG")
    listing.add_argument("--json", action="store_true")
    for name, run, summary in (
        ("issue", issue_credentials, "make and print a new password"),
        ("revoke", revoke_credentials, "shut a gateway out"),
    ):
        part = _part(boxes, name, run, summary)
        part.add_argument("organization", metavar="SLUG")
        part.add_argument("serial")
        part.add_argument("--kind", choices=("native", "tts", "chirpstack"), default="native", help="default: native")


def _group(commands: Any, name: str, what: str) -> Any:  # noqa: ANN401 - argparse names its type privately
    group = commands.add_parser(name, help=f"list and manage {what}", description=f"For operators: {what}.")
    return group.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _part(group: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:  # noqa: ANN401
    part = add_command(group, name, run, summary)
    add_database(part)
    return part


def _print(given: argparse.Namespace, rows: list[Record], headings: tuple[str, ...]) -> int:
    if given.json:
        for row in rows:
            print(json_line(dict(row)))
        return 0
    print(table(headings, ([row[heading.replace(" ", "_")] for heading in headings] for row in rows)))
    return 0


def list_users(given: argparse.Namespace) -> int:
    """Print every account."""
    rows = with_connection(given, accounts.everybody)
    return _print(given, rows, ("email", "full name", "roles", "created at", "disabled at"))


def disable_user(given: argparse.Namespace) -> int:
    """Shut somebody out: his sessions end with their next request in every process."""
    return with_connection(given, lambda connection: _set_disabled(connection, given.email, disabled=True))


def enable_user(given: argparse.Namespace) -> int:
    """Let somebody in again."""
    return with_connection(given, lambda connection: _set_disabled(connection, given.email, disabled=False))


async def _set_disabled(connection: Connection, email: str, *, disabled: bool) -> int:
    async with connection.transaction():
        user = await accounts.set_disabled(connection, email.lower(), disabled=disabled)
        if user is None:
            raise ArgumentsError(f"there is no account {email}")
        if disabled:
            await sessions.revoke_all(connection, user, "disabled")
        action = "account.disabled" if disabled else "account.enabled"
        await audit.append(connection, None, OPERATOR, Change(action, "user", user))
    print(f"{email} is {'shut out' if disabled else 'let in'}")
    return 0


def reset_password(given: argparse.Namespace) -> int:
    """Set a random password and print it, on standard output alone."""
    password = new_password()

    async def work(connection: Connection) -> None:
        row = await accounts.credentials(connection, given.email.lower())
        if row is None:
            raise ArgumentsError(f"there is no account {given.email}")
        async with connection.transaction():
            await accounts.set_password(connection, row["id"], hash_password(password))
            await sessions.revoke_all(connection, row["id"], "password_reset")
            change = Change("account.password_reset", "user", row["id"])
            await audit.append(connection, row["organization_id"], OPERATOR, change)

    with_connection(given, work)
    print(password)
    return 0


def list_organizations(given: argparse.Namespace) -> int:
    """Print every organization."""
    rows = with_connection(given, organizations.everything)
    return _print(given, rows, ("slug", "name", "members", "units", "created at", "deleted at"))


def create_organization(given: argparse.Namespace) -> int:
    """Make an organization. An owner without an account gets one, with a password that is printed."""
    password = new_password()

    async def work(connection: Connection) -> bool:
        async with connection.transaction():
            organization = await organizations.create(connection, given.name, given.slug, "UTC")
            if organization is None:
                raise ArgumentsError(f"the slug {given.slug} is taken")
            email = given.owner.lower()
            made = await accounts.create(connection, email, hash_password(password), None, verified=True)
            owner = made or (await accounts.credentials(connection, email) or {})["id"]
            await members.add(connection, organization, owner, "owner")
            await accounts.choose_organization(connection, owner, organization)
            change = Change("organization.created", "organization", organization, None, {"owner": email})
            await audit.append(connection, organization, OPERATOR, change)
        return made is not None

    if with_connection(given, work):
        print(f"{given.owner} owns {given.slug}; password: {password}")
    else:
        print(f"{given.owner} owns {given.slug}")
    return 0


def restore_organization(given: argparse.Namespace) -> int:
    """Bring a deleted organization back."""

    async def work(connection: Connection) -> None:
        async with connection.transaction():
            organization = await organizations.restore(connection, given.slug)
            if organization is None:
                raise ArgumentsError(f"there is no deleted organization {given.slug}")
            change = Change("organization.restored", "organization", organization)
            await audit.append(connection, organization, OPERATOR, change)

    with_connection(given, work)
    print(f"{given.slug} is back")
    return 0


def purge_organization(given: argparse.Namespace) -> int:
    """Remove everything of a deleted organization but its audit log; without --yes, say how much that is."""

    async def work(connection: Connection) -> Record:
        row = await purging.find(connection, given.slug)
        if row is None or row["deleted_at"] is None:
            raise ArgumentsError(f"there is no deleted organization {given.slug}: only what is deleted can be removed")
        if row["legal_hold_since"] is not None:
            raise ArgumentsError(f"{given.slug} is on legal hold since {row['legal_hold_since']:%Y-%m-%d}")
        found = await purging.look(connection, row["id"])
        if found["archive_files"]:
            raise ArgumentsError(f"{given.slug} has {found['archive_files']} files in the archive: remove those first")
        if given.yes:
            await _purge(connection, row, found)
        return found

    found = with_connection(given, work)
    for name, count in found.items():
        print(f"{name.replace('_', ' ')}: {count}")
    print(f"{given.slug} is removed" if given.yes else "nothing is removed: --yes does it", file=sys.stderr)
    return 0


async def _purge(connection: Connection, row: Record, found: Record) -> None:
    await purging.remove_measured(connection, row["id"])
    async with connection.transaction():
        if not await purging.remove(connection, row["id"]):
            raise ArgumentsError(f"{row['slug']} was brought back, or put on legal hold, meanwhile")
        counts = dict(found.items())
        change = Change("organization.purged", "organization", row["id"], {"slug": row["slug"], **counts})
        await audit.append(connection, None, OPERATOR, change)


async def _organization(connection: Connection, slug: str) -> UUID:
    row = await hierarchy.find_organization(connection, slug)
    if row is None:
        raise ArgumentsError(f"there is no organization {slug}")
    found: UUID = row["id"]
    return found


def list_gateways(given: argparse.Namespace) -> int:
    """Print an organization's gateways."""

    async def work(connection: Connection) -> list[Record]:
        organization = await _organization(connection, given.organization)
        return await gateways.page(connection, organization, Page(sort="serial", limit=10_000), Wanted())

    headings = ("serial", "kind", "name", "has credentials", "online", "last heard at", "sensor count")
    return _print(given, with_connection(given, work), headings)


def issue_credentials(given: argparse.Namespace) -> int:
    """Make a new password and print it, on standard output alone."""
    password = new_password()
    with_connection(given, lambda connection: _set_credentials(connection, given, mosquitto_hash(password)))
    print(password)
    if given.kind == "native":  # the broker knows no networks
        print("write it to the broker: frostguard mqtt-accounts", file=sys.stderr)
    return 0


def revoke_credentials(given: argparse.Namespace) -> int:
    """Shut a gateway out."""
    with_connection(given, lambda connection: _set_credentials(connection, given, None))
    print(f"{given.serial} is shut out; write that to the broker: frostguard mqtt-accounts", file=sys.stderr)
    return 0


async def _set_credentials(connection: Connection, given: argparse.Namespace, password_hash: str | None) -> None:
    organization = await _organization(connection, given.organization)
    rows = await gateways.page(connection, organization, Page(sort="serial", limit=100_000), Wanted())
    for row in rows:
        if row["serial"] == given.serial and row["kind"] == given.kind:
            await gateways.set_credentials(connection, organization, OPERATOR, row["id"], password_hash)
            return
    raise ArgumentsError(f"{given.organization} has no gateway {given.serial} of kind {given.kind}")
