"""Accounts: registered, verified, looked at, changed, closed."""

import logging
import re
import secrets
import unicodedata
from uuid import UUID

import orjson

from api import problems
from api.answers import Answer, as_fragment, members_of, shown
from api.call import Call
from api.handlers.sessions import chain_of, check_password
from api.problems import FieldError
from frostguard.domain.access import permissions
from frostguard.security import hash_token, password_problem
from frostguard.store import accounts, audit, members, organizations, sessions
from frostguard.store.audit import By, Change
from frostguard.store.connection import Connection
from frostguard.store.letters import Letter

DAY = 86_400
SLUG_TRIES = 5

log = logging.getLogger("api.accounts")


def slug_of(name: str) -> str:
    """Return a slug made from a name: ASCII, lower case, hyphens; 2 to 40 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    return slug if len(slug) >= 2 else f"org-{secrets.token_hex(3)}"


async def make_organization(connection: Connection, owner: UUID, name: str, slug: str | None = None) -> UUID:
    """Add an organization with its first owner. Raises a 409 Problem where the given slug is taken."""
    wanted = slug or slug_of(name)
    for _ in range(SLUG_TRIES):
        organization = await organizations.create(connection, name, wanted, "UTC")
        if organization is not None:
            await members.add(connection, organization, owner, "owner")
            await accounts.choose_organization(connection, owner, organization)
            return organization
        if slug is not None:
            break
        wanted = f"{slug_of(name)}-{secrets.token_hex(2)}"
    raise problems.conflict("Another organization has this slug.", "slug")


async def register(call: Call) -> Answer:
    """Make an account, and with a name an organization. For an address that has one, only its owner hears."""
    program, given = call.program, call.body
    if program.auth.registration == "closed":
        raise problems.forbidden("Accounts are made by invitation here.")
    complaint = password_problem(given.password, given.email)
    if complaint:
        raise problems.invalid(FieldError("password", complaint))
    password_hash = await program.passwords.hash(given.password)
    async with program.lanes.transaction() as connection:
        user = await accounts.create(connection, given.email, password_hash, given.full_name, verified=False)
        if user is not None:
            await _settle_in(call, connection, user)
        if user is None:
            await program.outbox.post(connection, Letter("account_exists", given.email, DAY))
        elif program.auth.verify_email:
            await program.outbox.post(connection, Letter("verify", given.email, DAY))
    program.outbox.wake()
    return shown({"status": "ok", "verificationRequired": program.auth.verify_email}, 201)


async def _settle_in(call: Call, connection: Connection, user: UUID) -> None:
    given, organization = call.body, None
    if given.organization_name is not None:
        organization = await make_organization(connection, user, given.organization_name)
    change = Change("account.registered", "user", user, new={"organization": given.organization_name})
    await audit.append(connection, organization, By(user, request_id=call.request_id), change)


async def verify_email(call: Call) -> Answer:
    """Take the token of the mail as proof of the address."""
    async with call.program.lanes.transaction() as connection:
        user = await accounts.use_email_token(connection, hash_token(call.body.token), "verify")
        if user is None:
            raise problems.invalid(FieldError("token", "is unknown, used or too old"))
        await accounts.set_verified(connection, user)
        by = By(user, request_id=call.request_id)
        await audit.append(connection, None, by, Change("account.verified", "user", user))
    return shown({"status": "ok"})


async def resend_verification(call: Call) -> Answer:
    """Send the mail again, if there is an account that needs it; the answer is always the same."""
    await call.program.outbox.asked_for(Letter("verify", call.body.email, DAY))
    return shown({"status": "ok"}, 202)


async def me(call: Call) -> Answer:
    """Show the signed-in user."""
    return await _shown_me(call)


async def _shown_me(call: Call) -> Answer:
    principal = call.principal
    async with call.program.lanes.lane() as connection:
        row = await accounts.me(connection, principal.user_id)
    if row is None:
        raise problems.unauthorized("Your session has ended.")
    found = members_of(row)
    del found["updatedAt"]
    memberships = orjson.loads(row["memberships"])
    role = principal.roles.get(row["organization_id"])
    found |= {
        "notificationPreferences": as_fragment(row["notification_preferences"]),
        "memberships": memberships,
        "organizationId": row["organization_id"] if role else None,
        "role": role,
        "permissions": permissions(role) if role else [],
    }
    return shown(found)


async def change_profile(call: Call) -> Answer:
    """Change what users say of themselves."""
    changes = call.body.model_dump(exclude_unset=True)
    if not changes:
        raise problems.invalid(FieldError("body", "names nothing to change"))
    principal = call.principal
    async with call.program.lanes.transaction() as connection:
        await accounts.update_profile(connection, principal.user_id, orjson.dumps(changes).decode())
        change = Change("profile.updated", "user", principal.user_id, new={"fields": sorted(changes)})
        await audit.append(connection, chain_of(principal), call.by, change)
    return await _shown_me(call)


async def choose_organization(call: Call) -> Answer:
    """Remember the organization that the user works in."""
    async with call.program.lanes.lane() as connection:
        if not await accounts.choose_organization(connection, call.principal.user_id, call.body.organization_id):
            raise problems.not_found()
    return shown({"status": "ok"})


async def close(call: Call) -> Answer:
    """Close the user's account for good: what names the person goes, what he did stays on record under his id."""
    principal = call.principal
    await check_password(call, call.body.password)
    async with call.program.lanes.transaction() as connection:
        owned = await accounts.sole_ownerships(connection, principal.user_id)
        if owned:
            raise problems.conflict(f"You are the only owner of {owned[0]['name']}: hand it over or delete it first.")
        change = Change("account.closed", "user", principal.user_id)
        await audit.append(connection, chain_of(principal), call.by, change)
        await sessions.revoke_all(connection, principal.user_id, "account_closed")
        await accounts.anonymise(connection, principal.user_id)
    return shown({"status": "ok"})
