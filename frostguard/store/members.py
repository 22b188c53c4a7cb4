"""Who belongs to an organization, in which role, and who is invited.

Arguments of what changes something: $1 organization, $2 to $5 who does it (audit.By).
"""

from typing import NamedTuple
from uuid import UUID

from frostguard.store.audit import By
from frostguard.store.connection import Connection, Record, translated

LIST_MEMBERS = """
select r.user_id, p.email, p.full_name, p.avatar_url, r.role, r.created_at, r.updated_at,
       u.disabled_at is not null as disabled
  from user_roles r join users u on u.id = r.user_id left join profiles p on p.user_id = r.user_id
 where r.organization_id = $1
 order by r.role, lower(p.email), r.user_id
 limit 5000
"""

GET_MEMBER = """
select r.user_id, p.email, p.full_name, p.avatar_url, r.role, r.created_at, r.updated_at,
       u.disabled_at is not null as disabled
  from user_roles r join users u on u.id = r.user_id left join profiles p on p.user_id = r.user_id
 where r.organization_id = $1 and r.user_id = $2
"""

ADD_MEMBER = """
insert into user_roles (organization_id, user_id, role) values ($1, $2, $3::text::app_role)
on conflict (user_id, organization_id) do nothing
returning id
"""

# The role that was judged must still be the one that is changed, and so must the granter's.
CHANGE_ROLE = """
with changed as (
  update user_roles set role = $7::text::app_role, updated_at = now()
   where organization_id = $1 and user_id = $6 and role = $8::text::app_role
     and exists (select from user_roles g
                  where g.organization_id = $1 and g.user_id = $2 and g.role = $9::text::app_role)
  returning user_id
)
select audit_append($1, $2, $3, 'member.role_changed', 'user', user_id, json_build_object('role', $8::text)::text,
                    json_build_object('role', $7::text)::text, $4, $5)
  from changed
"""

REMOVE_MEMBER = """
with gone as (
  delete from user_roles
   where organization_id = $1 and user_id = $6 and role = $7::text::app_role
  returning user_id
), profile as (
  update profiles p set organization_id = null from gone where p.user_id = gone.user_id and p.organization_id = $1
)
select audit_append($1, $2, $3, case when $2 = user_id then 'member.left' else 'member.removed' end, 'user', user_id,
                    json_build_object('role', $7::text)::text, null, $4, $5)
  from gone
"""

PROMOTE_TO_OWNER = """
update user_roles set role = 'owner', updated_at = now() where organization_id = $1 and user_id = $2 returning user_id
"""

STEP_DOWN = """
update user_roles set role = 'admin', updated_at = now()
 where organization_id = $1 and user_id = $2 and role = 'owner' returning user_id
"""

LIST_INVITATIONS = """
select i.id, i.email, i.role, i.created_at, i.expires_at, p.full_name as invited_by_name, i.invited_by
  from invitations i left join profiles p on p.user_id = i.invited_by
 where i.organization_id = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
 order by i.created_at desc, i.id
 limit 1000
"""

WITHDRAW_OLD_INVITATION = """
update invitations set revoked_at = now()
 where organization_id = $1 and email = $2 and accepted_at is null and revoked_at is null
"""

INVITE = """
with added as (
  insert into invitations (organization_id, email, role, token_hash, invited_by, expires_at)
  select $1, $6, $7::text::app_role, $8, $2, now() + make_interval(secs => $9)
   where not exists (select from user_roles r join users u on u.id = r.user_id
                      where r.organization_id = $1 and u.email = $6)
  returning id, email, role, created_at, expires_at, invited_by
)
select id, email, role, created_at, expires_at, invited_by,
       audit_append($1, $2, $3, 'invitation.created', 'invitation', id, null,
                    json_build_object('email', $6::text, 'role', $7::text)::text, $4, $5) as audited
  from added
"""

REVOKE_INVITATION = """
with gone as (
  update invitations set revoked_at = now()
   where organization_id = $1 and id = $6 and accepted_at is null and revoked_at is null
  returning id, email, role
)
select audit_append($1, $2, $3, 'invitation.revoked', 'invitation', id,
                    json_build_object('email', email, 'role', role)::text, null, $4, $5)
  from gone
"""

LOOK_AT_INVITATION = """
select i.id, i.organization_id, o.name as organization_name, i.email, i.role, i.expires_at,
       exists (select from users u where u.email = i.email and u.disabled_at is null) as account_exists
  from invitations i join organizations o on o.id = i.organization_id and o.deleted_at is null
 where i.token_hash = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
"""

OFFER_INVITATION = """
update invitations i set token_hash = $2
  from organizations o
 where i.id = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
   and o.id = i.organization_id and o.deleted_at is null
returning o.name
"""

ACCEPT_INVITATION = """
update invitations i set accepted_at = now(), accepted_by = $2
  from organizations o
 where i.token_hash = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
   and o.id = i.organization_id and o.deleted_at is null
returning i.id, i.organization_id, i.email, i.role
"""


class Invitation(NamedTuple):
    """Whom to invite as what; the token's hash; for how many seconds it counts."""

    email: str
    role: str
    token_hash: bytes
    seconds: int


async def members(connection: Connection, organization: UUID) -> list[Record]:
    """Return the members, owners first."""
    with translated():
        return list(await connection.fetch(LIST_MEMBERS, organization))


async def member(connection: Connection, organization: UUID, user: UUID) -> Record | None:
    """Return one member."""
    with translated():
        return await connection.fetchrow(GET_MEMBER, organization, user)


async def add(connection: Connection, organization: UUID, user: UUID, role: str) -> bool:
    """Make a user a member; False if he is one already."""
    with translated():
        return await connection.fetchval(ADD_MEMBER, organization, user, role) is not None


class RoleChange(NamedTuple):
    """Of whom, to which role, from which role, and the role of who changes it."""

    user: UUID
    role: str
    before: str
    granter: str


async def change_role(connection: Connection, organization: UUID, by: By, change: RoleChange) -> bool:
    """Change a role, logged; False if a role involved is not the one that was judged any more."""
    with translated():
        return await connection.fetchval(CHANGE_ROLE, organization, *by, *change) is not None


async def remove(connection: Connection, organization: UUID, by: By, user: UUID, role: str) -> bool:
    """End a membership, logged; False if there is none in this role."""
    with translated():
        return await connection.fetchval(REMOVE_MEMBER, organization, *by, user, role) is not None


async def hand_over(connection: Connection, organization: UUID, owner: UUID, successor: UUID) -> bool:
    """Make one member the owner and the owner an admin, in the caller's transaction; False if either is not there."""
    with translated():
        promoted = await connection.fetchval(PROMOTE_TO_OWNER, organization, successor)
        stepped_down = await connection.fetchval(STEP_DOWN, organization, owner)
    return promoted is not None and stepped_down is not None


async def invitations(connection: Connection, organization: UUID) -> list[Record]:
    """Return the invitations that may still be accepted."""
    with translated():
        return list(await connection.fetch(LIST_INVITATIONS, organization))


async def invite(connection: Connection, organization: UUID, by: By, invitation: Invitation) -> Record | None:
    """Invite somebody, logged, in the caller's transaction; an older invitation counts no more. None: a member."""
    with translated():
        await connection.execute(WITHDRAW_OLD_INVITATION, organization, invitation.email)
        return await connection.fetchrow(INVITE, organization, *by, *invitation)


async def revoke_invitation(connection: Connection, organization: UUID, by: By, invitation: UUID) -> bool:
    """Withdraw an invitation, logged; False if there is none that is open."""
    with translated():
        return await connection.fetchval(REVOKE_INVITATION, organization, *by, invitation) is not None


async def invitation(connection: Connection, token_hash: bytes) -> Record | None:
    """Return what an open invitation says."""
    with translated():
        return await connection.fetchrow(LOOK_AT_INVITATION, token_hash)


async def offer(connection: Connection, invitation: UUID, token_hash: bytes) -> str | None:
    """Let a token open an invitation and return the organization's name; None if it is not open any more."""
    with translated():
        name: str | None = await connection.fetchval(OFFER_INVITATION, invitation, token_hash)
    return name


async def accept(connection: Connection, token_hash: bytes, user: UUID) -> Record | None:
    """Spend an invitation; None if it is unknown, spent, withdrawn or too old."""
    with translated():
        return await connection.fetchrow(ACCEPT_INVITATION, token_hash, user)
