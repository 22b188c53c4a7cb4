"""Users and their profiles: registration, passwords, verified addresses, the end of an account."""

from typing import NamedTuple
from uuid import UUID

from frostguard.store.connection import Connection, Record, translated

GET_CREDENTIALS = """
select u.id, u.email, u.password_hash, u.email_verified_at, u.disabled_at, p.full_name, p.organization_id
  from users u left join profiles p on p.user_id = u.id
 where u.email = $1
"""

GET_USER_CREDENTIALS = """
select u.id, u.email, u.password_hash, u.email_verified_at, u.disabled_at, p.full_name, p.organization_id
  from users u left join profiles p on p.user_id = u.id
 where u.id = $1
"""

INSERT_USER = """
with added as (
  insert into users (email, password_hash, email_verified_at) values ($1, $2, case when $4 then now() end)
  on conflict (email) do nothing
  returning id, email
)
insert into profiles (user_id, email, full_name) select id, email, $3 from added
returning user_id
"""

STORE_HASH = """
update users set password_hash = $2, updated_at = now() where id = $1 and disabled_at is null
"""

REPLACE_HASH = """
update users set password_hash = $3, updated_at = now() where id = $1 and password_hash = $2
"""

SET_VERIFIED = """
update users set email_verified_at = coalesce(email_verified_at, now()), updated_at = now() where id = $1
"""

GET_ME = """
select u.id, u.email, u.email_verified_at is not null as email_verified, u.created_at, p.full_name, p.phone,
       p.avatar_url, p.notification_preferences, p.organization_id, p.updated_at,
       (select coalesce(json_agg(json_build_object('organizationId', o.id, 'organizationName', o.name,
                                                   'slug', o.slug, 'role', r.role) order by lower(o.name), o.id), '[]')
          from user_roles r join organizations o on o.id = r.organization_id and o.deleted_at is null
         where r.user_id = u.id) as memberships
  from users u join profiles p on p.user_id = u.id
 where u.id = $1
"""

UPDATE_PROFILE = """
update profiles p
   set (full_name, phone, avatar_url, notification_preferences) =
       (select n.full_name, n.phone, n.avatar_url, n.notification_preferences
          from jsonb_populate_record(p, $2::jsonb) n),
       updated_at = now()
 where user_id = $1
"""

CHOOSE_ORGANIZATION = """
update profiles p set organization_id = $2, updated_at = now()
 where user_id = $1
   and exists (select from user_roles r join organizations o on o.id = r.organization_id and o.deleted_at is null
                where r.user_id = $1 and r.organization_id = $2)
"""

LIST_SOLE_OWNERSHIPS = """
select o.id, o.name from organizations o join user_roles r on r.organization_id = o.id
 where r.user_id = $1 and r.role = 'owner' and o.deleted_at is null
   and not exists (select from user_roles other where other.organization_id = o.id and other.role = 'owner'
                      and other.user_id <> $1)
 order by o.name
"""

ANONYMISE_USER = """
update users set email = 'deleted-' || id || '@deleted.invalid', password_hash = null, disabled_at = now(),
       updated_at = now()
 where id = $1
"""

ANONYMISE_PROFILE = """
update profiles set email = 'deleted-' || user_id || '@deleted.invalid', full_name = null, phone = null,
       avatar_url = null, organization_id = null, updated_at = now()
 where user_id = $1
"""

DELETE_MEMBERSHIPS = "delete from user_roles where user_id = $1"

DISABLE_USER = """
update users set disabled_at = case when $2 then coalesce(disabled_at, now()) end, updated_at = now() where email = $1
returning id
"""

LIST_USERS = """
select u.id, u.email, p.full_name, u.email_verified_at, u.disabled_at, u.created_at,
       (select string_agg(o.slug || ':' || r.role, ' ' order by o.slug) from user_roles r
          join organizations o on o.id = r.organization_id and o.deleted_at is null where r.user_id = u.id) as roles
  from users u left join profiles p on p.user_id = u.id
 order by u.email
 limit $1
"""

INSERT_MAILED = """
insert into email_tokens (hash, user_id, purpose, expires_at) values ($1, $2, $3, now() + make_interval(secs => $4))
on conflict (hash) do update set expires_at = excluded.expires_at
"""

USE_MAILED = """
update email_tokens t set used_at = now()
 where hash = $1 and purpose = $2 and used_at is null and expires_at > now()
   and exists (select from users u where u.id = t.user_id and u.disabled_at is null)
returning user_id
"""

SPEND_MAILED = """
update email_tokens set used_at = now() where user_id = $1 and purpose = $2 and used_at is null and hash <> $3
"""

# A failure of long ago counts no more; from the fifth on the wait doubles, up to a quarter of an hour. Guesses from
# many addresses slow each other down too, but never an address from which the account was used before: its owner's.
SELECT_WAIT = """
with own as (
  select failures, last_at from login_failures
   where account = $1 and address = $2 and last_at > now() - interval '1 day'
), everyone as (
  select sum(failures) as failures, max(last_at) as last_at
    from login_failures where account = $1 and last_at > now() - interval '15 minutes'
), known as (
  select exists (select from users u join sessions s on s.user_id = u.id
                  where u.email = $3 and s.address = $2 and s.created_at > now() - interval '90 days') as yes
)
select greatest(0,
  (select extract(epoch from last_at - now()) + least(power(2, least(failures - 5, 20)), 900) from own
    where failures >= 5),
  (select extract(epoch from last_at - now()) + least(power(2, least(failures - 50, 20)), 900) from everyone, known
    where failures >= 50 and not yes))::float8
"""

COUNT_FAILURE = """
insert into login_failures as f (account, address) values ($1, $2)
on conflict (account, address) do update
   set failures = case when f.last_at > now() - interval '1 day' then f.failures + 1 else 1 end, last_at = now()
"""

FORGIVE_ADDRESS = "delete from login_failures where account = $1 and address = $2"

FORGIVE_ACCOUNT = "delete from login_failures where account = $1"

DELETE_OLD_FAILURES = "delete from login_failures where last_at < now() - interval '2 days'"


class Door(NamedTuple):
    """One account as seen from one address: the SHA-256 of the e-mail, the address, and the e-mail itself."""

    account: bytes
    address: str
    email: str


async def credentials(connection: Connection, email: str) -> Record | None:
    """Return what a login needs to know of this e-mail address (lower case)."""
    with translated():
        return await connection.fetchrow(GET_CREDENTIALS, email)


async def credentials_of(connection: Connection, user: UUID) -> Record | None:
    """Return the same for a user id."""
    with translated():
        return await connection.fetchrow(GET_USER_CREDENTIALS, user)


async def create(
    connection: Connection, email: str, password_hash: str, full_name: str | None, *, verified: bool
) -> UUID | None:
    """Add a user with a profile; None, and nothing is added, where the address has an account already."""
    with translated():
        user: UUID | None = await connection.fetchval(INSERT_USER, email, password_hash, full_name, verified)
    return user


async def set_password(connection: Connection, user: UUID, password_hash: str) -> None:
    """Store a new password."""
    with translated():
        await connection.execute(STORE_HASH, user, password_hash)


async def replace_hash(connection: Connection, user: UUID, old: str, new: str) -> None:
    """Store the same password under a stronger hash, unless it was changed meanwhile."""
    with translated():
        await connection.execute(REPLACE_HASH, user, old, new)


async def set_verified(connection: Connection, user: UUID) -> None:
    """Note that the user reads the mails to this address."""
    with translated():
        await connection.execute(SET_VERIFIED, user)


async def me(connection: Connection, user: UUID) -> Record | None:
    """Return user, profile and memberships (JSON text) in one row."""
    with translated():
        return await connection.fetchrow(GET_ME, user)


async def update_profile(connection: Connection, user: UUID, changes: str) -> None:
    """Change the profile's columns that `changes` (a JSON object) names."""
    with translated():
        await connection.execute(UPDATE_PROFILE, user, changes)


async def choose_organization(connection: Connection, user: UUID, organization: UUID) -> bool:
    """Remember the organization that the user works in; False if the user is no member."""
    with translated():
        done: str = await connection.execute(CHOOSE_ORGANIZATION, user, organization)
    return done.endswith(" 1")


async def sole_ownerships(connection: Connection, user: UUID) -> list[Record]:
    """Return the living organizations whose only owner this is."""
    with translated():
        return list(await connection.fetch(LIST_SOLE_OWNERSHIPS, user))


async def anonymise(connection: Connection, user: UUID) -> None:
    """End an account: what names the person goes, the id stays for the records."""
    with translated():
        await connection.execute(DELETE_MEMBERSHIPS, user)
        await connection.execute(ANONYMISE_PROFILE, user)
        await connection.execute(ANONYMISE_USER, user)


async def set_disabled(connection: Connection, email: str, *, disabled: bool) -> UUID | None:
    """Shut a user out, or let one in again. Returns the id; None where there is no such address."""
    with translated():
        user: UUID | None = await connection.fetchval(DISABLE_USER, email, disabled)
    return user


async def everybody(connection: Connection, limit: int = 10_000) -> list[Record]:
    """Return the users of all organizations, for operators."""
    with translated():
        return list(await connection.fetch(LIST_USERS, limit))


async def add_email_token(connection: Connection, token_hash: bytes, user: UUID, purpose: str, seconds: int) -> None:
    """Keep the hash of a token that was mailed (verify, reset). Others of the same purpose stop counting.

    The same token may come again, when its letter was not sent at the first try: then it lasts longer.
    """
    with translated():
        await connection.execute(SPEND_MAILED, user, purpose, token_hash)
        await connection.execute(INSERT_MAILED, token_hash, user, purpose, seconds)


async def use_email_token(connection: Connection, token_hash: bytes, purpose: str) -> UUID | None:
    """Spend a mailed token and return whose it is; None if it is unknown, used or too old."""
    with translated():
        user: UUID | None = await connection.fetchval(USE_MAILED, token_hash, purpose)
    return user


async def seconds_to_wait(connection: Connection, door: Door) -> float:
    """Return how long this address must wait before it may try this account again; 0 is not at all."""
    with translated():
        wait: float = await connection.fetchval(SELECT_WAIT, *door)
    return wait


async def count_failure(connection: Connection, door: Door) -> None:
    """Note a wrong password, whether the account exists or not."""
    with translated():
        await connection.execute(COUNT_FAILURE, door.account, door.address)


async def forgive(connection: Connection, door: Door, *, everywhere: bool = False) -> None:
    """Forget the failures: after the right password from this address, after a reset from everywhere."""
    with translated():
        if everywhere:
            await connection.execute(FORGIVE_ACCOUNT, door.account)
        else:
            await connection.execute(FORGIVE_ADDRESS, door.account, door.address)


async def forget_old_failures(connection: Connection) -> None:
    """Drop what counts no more."""
    with translated():
        await connection.execute(DELETE_OLD_FAILURES)
