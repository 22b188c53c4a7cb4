"""Members of an organization and invitations to it. Nobody grants his own height, nobody changes himself."""

from api import problems
from api.answers import Answer, members_of, shown
from api.call import Call
from api.handlers.sessions import check_password
from api.problems import FieldError
from frostguard.domain.access import Role, may_grant, may_manage
from frostguard.security import hash_token, new_token, password_problem
from frostguard.store import accounts, audit, members
from frostguard.store.audit import By, Change
from frostguard.store.connection import Connection, Record
from frostguard.store.letters import Letter
from frostguard.store.members import Invitation, RoleChange

INVITATION_SECONDS = 7 * 24 * 3600
MEANWHILE = "The roles changed meanwhile: read them again."


async def list_members(call: Call) -> Answer:
    """List the members, owners first."""
    async with call.program.lanes.lane() as connection:
        return shown([members_of(row) for row in await members.members(connection, call.organization_id)])


async def _other_member(call: Call, connection: Connection) -> Record:
    row = await members.member(connection, call.organization_id, call.ids["userId"])
    if row is None:
        raise problems.not_found()
    if row["user_id"] == call.principal.user_id:
        raise problems.forbidden("Somebody else must change your own membership.")
    if not may_manage(call.role, Role(row["role"])):
        raise problems.forbidden("This member's role is as high as yours.")
    return row


async def change_role(call: Call) -> Answer:
    """Give a member another role."""
    role: Role = call.body.role
    async with call.program.lanes.lane() as connection:
        row = await _other_member(call, connection)
        if not may_grant(call.role, role):
            raise problems.forbidden("You cannot give away this role. Ownership is handed over, not granted.")
        change = RoleChange(row["user_id"], role, row["role"], call.role)
        if not await members.change_role(connection, call.organization_id, call.by, change):
            raise problems.conflict(MEANWHILE)
        after = await members.member(connection, call.organization_id, row["user_id"])
    if after is None:
        raise problems.not_found()
    return shown(members_of(after))


async def remove(call: Call) -> Answer:
    """End somebody's membership; his sessions lose the organization with the next request."""
    async with call.program.lanes.lane() as connection:
        row = await _other_member(call, connection)
        if not await members.remove(connection, call.organization_id, call.by, row["user_id"], row["role"]):
            raise problems.conflict(MEANWHILE)
    return shown({"status": "ok"})


async def leave(call: Call) -> Answer:
    """End one's own membership. The last owner cannot."""
    async with call.program.lanes.lane() as connection:
        user = call.principal.user_id
        if not await members.remove(connection, call.organization_id, call.by, user, call.role):
            raise problems.conflict(MEANWHILE)
    return shown({"status": "ok"})


async def hand_over(call: Call) -> Answer:
    """Make another member the owner, and oneself an admin."""
    await check_password(call, call.body.password)
    successor, owner = call.body.user_id, call.principal.user_id
    async with call.program.lanes.transaction() as connection:
        row = await members.member(connection, call.organization_id, successor)
        if row is None or row["disabled"] or successor == owner:
            raise problems.invalid(FieldError("userId", "is no other member of this organization"))
        if not await members.hand_over(connection, call.organization_id, owner, successor):
            raise problems.conflict(MEANWHILE)
        change = Change(
            "organization.ownership_transferred", "organization", call.organization_id,
            {"owner": str(owner)}, {"owner": str(successor)},
        )  # fmt: skip
        await audit.append(connection, call.organization_id, call.by, change)
    return shown({"status": "ok"})


async def list_invitations(call: Call) -> Answer:
    """List the invitations that may still be accepted."""
    async with call.program.lanes.lane() as connection:
        return shown([members_of(row) for row in await members.invitations(connection, call.organization_id)])


async def invite(call: Call) -> Answer:
    """Invite an address. The token goes out by mail and is nowhere else: it proves who reads that mailbox."""
    given = call.body
    if not may_grant(call.role, given.role):
        raise problems.forbidden("You cannot give away this role. Ownership is handed over, not granted.")
    nobodys = hash_token(new_token())  # until the letter is sent: its token is made then
    invitation = Invitation(given.email, given.role, nobodys, INVITATION_SECONDS)
    async with call.program.lanes.transaction() as connection:
        row = await members.invite(connection, call.organization_id, call.by, invitation)
        if row is None:
            raise problems.conflict("This address belongs to a member already.", "email")
        await call.program.outbox.post(
            connection, Letter("invitation", given.email, INVITATION_SECONDS, row["id"], call.request_id)
        )
        inviter = await members.member(connection, call.organization_id, call.principal.user_id)
    call.program.outbox.wake()
    found = members_of(row) | {"invitedByName": inviter["full_name"] if inviter else None}
    del found["audited"]
    return shown(found, 201)


async def revoke_invitation(call: Call) -> Answer:
    """Withdraw an invitation."""
    async with call.program.lanes.lane() as connection:
        target = call.ids["invitationId"]
        if not await members.revoke_invitation(connection, call.organization_id, call.by, target):
            raise problems.not_found()
    return shown({"status": "ok"})


async def preview(call: Call) -> Answer:
    """Show the holder of a token what it invites to."""
    async with call.program.lanes.lane() as connection:
        row = await members.invitation(connection, hash_token(call.body.token))
    if row is None:
        raise problems.invalid(FieldError("token", "is unknown, used, withdrawn or too old"))
    found = members_of(row)
    del found["id"]
    return shown(found)


async def accept(call: Call) -> Answer:
    """Join. An address without an account gets one with the given password; one that has an account signs in first."""
    program, given = call.program, call.body
    token_hash = hash_token(given.token)
    async with program.lanes.lane() as connection:
        offer = await members.invitation(connection, token_hash)
    if offer is None:
        raise problems.invalid(FieldError("token", "is unknown, used, withdrawn or too old"))
    if offer["account_exists"]:
        principal = await program.principals.admit(call.request.headers.get("Authorization"))
        if principal.email != offer["email"]:
            raise problems.forbidden("This invitation is for another address than the one you signed in with.")
        return await _join(call, token_hash, offer, None)
    complaint = password_problem(given.password or "", offer["email"])
    if complaint:
        raise problems.invalid(FieldError("password", complaint))
    return await _join(call, token_hash, offer, await program.passwords.hash(given.password))


async def _join(call: Call, token_hash: bytes, offer: Record, password_hash: str | None) -> Answer:
    email, organization = offer["email"], offer["organization_id"]
    async with call.program.lanes.transaction() as connection:
        if password_hash is not None:
            await accounts.create(connection, email, password_hash, call.body.full_name, verified=True)
        user = await accounts.credentials(connection, email)
        accepted = None if user is None else await members.accept(connection, token_hash, user["id"])
        if (
            user is None
            or accepted is None
            or not await members.add(connection, organization, user["id"], offer["role"])
        ):
            raise problems.conflict("This invitation was used or withdrawn meanwhile.")
        if user["organization_id"] is None:
            await accounts.choose_organization(connection, user["id"], organization)
        change = Change("invitation.accepted", "user", user["id"], None, {"email": email, "role": offer["role"]})
        await audit.append(connection, organization, By(user["id"], request_id=call.request_id), change)
    return shown({"organizationId": organization, "userId": user["id"], "role": offer["role"]}, 201)
