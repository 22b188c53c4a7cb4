"""Logins: begun with a password, renewed with a refresh token that counts once, ended one by one or all at once."""

import logging
from typing import TYPE_CHECKING
from uuid import UUID

from api import problems
from api.answers import Answer, members_of, shown
from api.call import Call
from frostguard.security import hash_token, needs_rehash, new_token
from frostguard.store import accounts, audit, sessions
from frostguard.store.accounts import Door
from frostguard.store.audit import By, Change
from frostguard.store.connection import Record
from frostguard.store.letters import Letter
from frostguard.store.sessions import Client, Renewal

if TYPE_CHECKING:
    from api.principals import Principal

log = logging.getLogger("api.sessions")

DAYS = 2 * 86_400  # after which a letter is not worth sending any more
WRONG = "E-mail or password is wrong, or the address is not verified yet."


def chain_of(principal: "Principal") -> UUID | None:
    """Return in whose audit log a user's own doings are written: the chosen organization's, else any of his."""
    if principal.organization_id in principal.roles:
        return principal.organization_id
    return next(iter(principal.roles), None)


def door_of(call: Call, email: str) -> Door:
    """Return the account as this client stands before it."""
    return Door(hash_token(email), call.address, email)


async def check_password(call: Call, password: str) -> None:
    """Ask a signed-in user for the password again; wrong ones count like failed logins."""
    program, principal = call.program, call.principal
    door = door_of(call, principal.email)
    async with program.lanes.lane() as connection:
        wait = await accounts.seconds_to_wait(connection, door)
        row = await accounts.credentials_of(connection, principal.user_id)
    if wait:
        raise problems.too_many(wait)
    if not await program.passwords.verify(password, row["password_hash"] if row else None):
        async with program.lanes.lane() as connection:
            await accounts.count_failure(connection, door)
        raise problems.forbidden("The password is wrong.")


async def login(call: Call) -> Answer:
    """Begin a session. Unknown, disabled, unverified and wrong look alike, in body and in time."""
    program, given = call.program, call.body
    door = door_of(call, given.email)
    wait = program.failed_logins.wait(door.address)
    async with program.lanes.lane() as connection:
        wait = max(wait, await accounts.seconds_to_wait(connection, door))
        row = await accounts.credentials(connection, given.email)
    if wait:
        program.metrics.logins.labels("throttled").inc()
        raise problems.too_many(wait)
    matched = await program.passwords.verify(given.password, row["password_hash"] if row else None)
    if row is None or not matched or not _may_enter(row, verified=program.auth.verify_email):
        await _count_failure(call, door)
        raise problems.unauthorized(WRONG)
    await _strengthen(call, row, given.password)
    program.metrics.logins.labels("succeeded").inc()
    return await _begin(call, row, door)


def _may_enter(row: Record, *, verified: bool) -> bool:
    return row["disabled_at"] is None and (row["email_verified_at"] is not None or not verified)


async def _count_failure(call: Call, door: Door) -> None:
    call.program.failed_logins.take(door.address)
    call.program.metrics.logins.labels("failed").inc()
    async with call.program.lanes.lane() as connection:
        await accounts.count_failure(connection, door)
    log.info("login failed", extra={"address": door.address, "request_id": call.request_id})


async def _strengthen(call: Call, row: Record, password: str) -> None:
    if needs_rehash(row["password_hash"], call.program.passwords.cost):
        stronger = await call.program.passwords.hash(password)
        async with call.program.lanes.lane() as connection:
            await accounts.replace_hash(connection, row["id"], row["password_hash"], stronger)


async def _begin(call: Call, row: Record, door: Door) -> Answer:
    program, refresh = call.program, new_token()
    client = Client(call.address, call.user_agent)
    async with program.lanes.transaction() as connection:
        await accounts.forgive(connection, door)
        session = await sessions.begin(connection, row["id"], client, program.lives, hash_token(refresh))
        change = Change("session.opened", "session", session, new=client._asdict())
        by = By(row["id"], request_id=call.request_id)
        await audit.append(connection, row["organization_id"], by, change)
    return _tokens(call, row["id"], session, refresh)


def _tokens(call: Call, user: UUID, session: UUID, refresh: str) -> Answer:
    signer = call.program.signer
    return shown(
        {
            "access_token": signer.issue(user, session),
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": signer.lifetime,
        }
    )


async def refresh(call: Call) -> Answer:
    """Renew a session. A token that comes a second time ends it, unless the answer to the first was lost."""
    program, successor = call.program, new_token()
    renewal = Renewal(
        hash_token(call.body.refresh_token), hash_token(successor), program.lives.refresh, call.address, call.user_agent
    )
    async with program.lanes.lane() as connection:
        row, outcome = await sessions.rotate(connection, renewal), "succeeded"
        if row is None:
            row, outcome = await sessions.reissue(connection, renewal), "reissued"
    if row is None:
        await _end_family(call, renewal.token_hash)
        program.metrics.refreshes.labels("refused").inc()
        raise problems.unauthorized("Your session has ended.")
    program.metrics.refreshes.labels(outcome).inc()
    return _tokens(call, row["user_id"], row["session_id"], successor)


async def _end_family(call: Call, token_hash: bytes) -> None:
    program = call.program
    async with program.lanes.transaction() as connection:
        row = await sessions.revoke_family(connection, token_hash)
        if row is None:
            return
        change = Change("session.refresh_reused", "session", row["session_id"])
        await audit.append(connection, None, By(row["user_id"], request_id=call.request_id), change)
        await program.outbox.post(connection, Letter("session_ended", row["email"], DAYS))
    program.metrics.refreshes.labels("reused").inc()
    program.outbox.wake()
    await program.lanes.flushed()
    await program.principals.settled()


async def logout(call: Call) -> Answer:
    """End this session."""
    principal = call.principal
    async with call.program.lanes.transaction() as connection:
        if await sessions.revoke(connection, principal.user_id, principal.session_id, "logout"):
            change = Change("session.closed", "session", principal.session_id)
            await audit.append(connection, chain_of(principal), call.by, change)
    return shown({"status": "ok"})


async def list_sessions(call: Call) -> Answer:
    """List the user's sessions."""
    async with call.program.lanes.lane() as connection:
        rows = await sessions.list_of(connection, call.principal.user_id)
    return shown([{**members_of(row), "current": row["id"] == call.principal.session_id} for row in rows])


async def end_session(call: Call) -> Answer:
    """End one session of the user's."""
    principal, session = call.principal, call.ids["sessionId"]
    async with call.program.lanes.transaction() as connection:
        if not await sessions.revoke(connection, principal.user_id, session, "revoked"):
            raise problems.not_found()
        await audit.append(connection, chain_of(principal), call.by, Change("session.revoked", "session", session))
    return shown({"status": "ok"})


async def end_other_sessions(call: Call) -> Answer:
    """End all sessions of the user's but this."""
    principal = call.principal
    async with call.program.lanes.transaction() as connection:
        count = await sessions.revoke_all(connection, principal.user_id, "revoked", keep=principal.session_id)
        change = Change("session.others_revoked", "user", principal.user_id, new={"sessions": count})
        await audit.append(connection, chain_of(principal), call.by, change)
    return shown({"status": "ok", "sessions": count})
