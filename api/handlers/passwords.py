"""Passwords: changed by who knows the old one, or set anew by who reads the mail. Both end the other sessions."""

from api import problems
from api.answers import Answer, shown
from api.call import Call
from api.handlers.sessions import DAYS, chain_of, check_password
from api.problems import FieldError
from frostguard.security import hash_token, password_problem
from frostguard.store import accounts, audit, sessions
from frostguard.store.accounts import Door
from frostguard.store.audit import By, Change
from frostguard.store.letters import Letter

HOUR = 3600


async def change(call: Call) -> Answer:
    """Change the password. This session goes on, all others end."""
    program, principal, given = call.program, call.principal, call.body
    complaint = password_problem(given.new_password, principal.email)
    if complaint:
        raise problems.invalid(FieldError("newPassword", complaint))
    await check_password(call, given.current_password)
    password_hash = await program.passwords.hash(given.new_password)
    async with program.lanes.transaction() as connection:
        await accounts.set_password(connection, principal.user_id, password_hash)
        count = await sessions.revoke_all(connection, principal.user_id, "password_changed", keep=principal.session_id)
        entry = Change("account.password_changed", "user", principal.user_id, new={"sessionsEnded": count})
        await audit.append(connection, chain_of(principal), call.by, entry)
        await program.outbox.post(connection, Letter("password_changed", principal.email, DAYS))
    program.outbox.wake()
    return shown({"status": "ok", "sessions": count})


async def forgot(call: Call) -> Answer:
    """Mail a link to a new password, if there is such an account; the answer is always the same, and as fast."""
    await call.program.outbox.asked_for(Letter("reset", call.body.email, HOUR, None, call.request_id))
    return shown({"status": "ok"}, 202)


async def reset(call: Call) -> Answer:
    """Set a new password with the token of the mail, which counts once. All sessions end, all lockouts too."""
    program, given = call.program, call.body
    complaint = password_problem(given.password)
    if complaint:
        raise problems.invalid(FieldError("password", complaint))
    password_hash = await program.passwords.hash(given.password)
    async with program.lanes.transaction() as connection:
        user = await accounts.use_email_token(connection, hash_token(given.token), "reset")
        row = None if user is None else await accounts.credentials_of(connection, user)
        if user is None or row is None:
            raise problems.invalid(FieldError("token", "is unknown, used or too old"))
        await accounts.set_password(connection, user, password_hash)
        await accounts.set_verified(connection, user)
        await accounts.forgive(connection, Door(hash_token(row["email"]), call.address, row["email"]), everywhere=True)
        await sessions.revoke_all(connection, user, "password_reset")
        entry = Change("account.password_reset", "user", user)
        await audit.append(connection, row["organization_id"], By(user, request_id=call.request_id), entry)
        await program.outbox.post(connection, Letter("password_changed", row["email"], DAYS))
    program.outbox.wake()
    return shown({"status": "ok"})
