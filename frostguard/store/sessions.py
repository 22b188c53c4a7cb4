"""Sessions and their refresh tokens, what a session may do, and which API processes keep that in memory."""

from typing import NamedTuple
from uuid import UUID

from frostguard.store.connection import Connection, Record, translated

# Everything that a request is judged by. Nothing of it comes from the token.
GET_PRINCIPAL = """
select s.id as session_id, s.user_id, u.email, s.expires_at, p.organization_id,
       coalesce((select json_object_agg(r.organization_id, r.role) from user_roles r
                   join organizations o on o.id = r.organization_id and o.deleted_at is null
                  where r.user_id = u.id), '{}') as roles
  from sessions s
  join users u on u.id = s.user_id
  left join profiles p on p.user_id = u.id
 where s.id = $1 and s.revoked_at is null and s.expires_at > now() and u.disabled_at is null
"""

GET_GATEWAYS = """
select g.id, g.organization_id, g.serial, g.kind, g.password_hash, o.slug
  from gateways g join organizations o on o.id = g.organization_id and o.deleted_at is null
 where g.serial = $1 and g.deleted_at is null and g.password_hash is not null
"""

INSERT_SESSION = """
with added as (
  insert into sessions (user_id, address, user_agent, expires_at)
  values ($1, $2, $3, now() + make_interval(secs => $4))
  returning id
), token as (
  insert into refresh_tokens (hash, session_id, expires_at)
  select $5, id, now() + make_interval(secs => $6) from added
)
select id from added
"""

ROTATE = """
with used as (
  update refresh_tokens t set used_at = now(), successor = $2
    from sessions s join users u on u.id = s.user_id
   where t.hash = $1 and t.used_at is null and t.expires_at > now()
     and s.id = t.session_id and s.revoked_at is null and s.expires_at > now() and u.disabled_at is null
  returning s.id, s.user_id
), successor as (
  insert into refresh_tokens (hash, session_id, expires_at)
  select $2, id, now() + make_interval(secs => $3) from used
), seen as (
  update sessions s set last_used_at = now(), address = $4, user_agent = $5 from used where s.id = used.id
)
select id as session_id, user_id from used
"""

# The answer with the successor was lost: the same client asks again at once, and nobody has used the successor.
REISSUE = """
with gone as (
  update refresh_tokens lost set used_at = now()
    from refresh_tokens t, sessions s, users u
   where t.hash = $1 and t.used_at > now() - interval '10 seconds' and t.reissued_at is null
     and lost.hash = t.successor and lost.used_at is null
     and s.id = t.session_id and s.revoked_at is null and s.expires_at > now()
     and u.id = s.user_id and u.disabled_at is null
     and s.address is not distinct from $4 and s.user_agent is not distinct from $5
  returning s.id, s.user_id
), old as (
  update refresh_tokens t set successor = $2, reissued_at = now() from gone where t.hash = $1
), successor as (
  insert into refresh_tokens (hash, session_id, expires_at)
  select $2, id, now() + make_interval(secs => $3) from gone
)
select id as session_id, user_id from gone
"""

REVOKE_FAMILY = """
update sessions s set revoked_at = now(), revoked_because = 'refresh_reused'
  from refresh_tokens t, users u
 where t.hash = $1 and t.used_at is not null and s.id = t.session_id and u.id = s.user_id and s.revoked_at is null
returning s.id as session_id, s.user_id, u.email
"""

REVOKE_SESSION = """
update sessions set revoked_at = now(), revoked_because = $3
 where user_id = $1 and id = $2 and revoked_at is null
returning id
"""

REVOKE_SESSIONS = """
update sessions set revoked_at = now(), revoked_because = $2
 where user_id = $1 and revoked_at is null and ($3::uuid is null or id <> $3)
returning id
"""

LIST_SESSIONS = """
select id, created_at, last_used_at, expires_at, host(address) as address, user_agent
  from sessions
 where user_id = $1 and revoked_at is null and expires_at > now()
 order by last_used_at desc, id
 limit 200
"""

DELETE_OLD_SESSIONS = """
delete from sessions where expires_at < now() - interval '30 days' or revoked_at < now() - interval '120 days'
"""

DELETE_OLD_TOKENS = """
delete from refresh_tokens where expires_at < now() - interval '1 day'
"""

RENEW_TRUST = """
insert into api_processes (id, trusts_until) values ($1, clock_timestamp() + make_interval(secs => $2))
on conflict (id) do update set trusts_until = excluded.trusts_until
"""

END_TRUST = "delete from api_processes where id = $1 or trusts_until < now() - interval '1 hour'"

# The barrier is behind every earlier notification in the queue: who has read it has read those.
SEND_BARRIER = "select pg_notify('access', 'barrier:' || $1)"

CONFIRM_BARRIER = "select pg_notify('access_confirmed', $1)"

SELECT_TRUSTING = """
select id, extract(epoch from trusts_until - clock_timestamp())::float8 as seconds
  from api_processes where trusts_until > clock_timestamp()
"""


class Client(NamedTuple):
    """From where a session is used."""

    address: str
    user_agent: str | None


class Lives(NamedTuple):
    """How long: the session at all, a refresh token without being used; seconds."""

    session: int
    refresh: int


class Renewal(NamedTuple):
    """A refresh token, what takes its place (both hashed), for how many seconds, and who asks."""

    token_hash: bytes
    successor: bytes
    seconds: int
    address: str
    user_agent: str | None


async def principal(connection: Connection, session: UUID) -> Record | None:
    """Return who is behind a living session and with which roles (JSON text); None if the session is no more."""
    with translated():
        return await connection.fetchrow(GET_PRINCIPAL, session)


async def gateways(connection: Connection, serial: str) -> list[Record]:
    """Return the gateways and networks of this name that have a password: at most one of each kind."""
    with translated():
        return list(await connection.fetch(GET_GATEWAYS, serial))


async def begin(connection: Connection, user: UUID, client: Client, lives: Lives, token_hash: bytes) -> UUID:
    """Begin a session with its first refresh token."""
    with translated():
        session: UUID = await connection.fetchval(
            INSERT_SESSION, user, client.address, client.user_agent, lives.session, token_hash, lives.refresh
        )
    return session


async def rotate(connection: Connection, renewal: Renewal) -> Record | None:
    """Use a refresh token once and put its successor in its place: session and user, or None if it is not usable."""
    with translated():
        return await connection.fetchrow(ROTATE, *renewal)


async def reissue(connection: Connection, renewal: Renewal) -> Record | None:
    """Answer once more a token used within the last 10 s whose successor nobody has used, to the same client."""
    with translated():
        return await connection.fetchrow(REISSUE, *renewal)


async def revoke_family(connection: Connection, token_hash: bytes) -> Record | None:
    """End the session of a refresh token that was used before; None if there is nothing to end."""
    with translated():
        return await connection.fetchrow(REVOKE_FAMILY, token_hash)


async def revoke(connection: Connection, user: UUID, session: UUID, because: str) -> bool:
    """End one session of this user; False if there is none."""
    with translated():
        return await connection.fetchval(REVOKE_SESSION, user, session, because) is not None


async def revoke_all(connection: Connection, user: UUID, because: str, keep: UUID | None = None) -> int:
    """End all sessions of a user but one. Returns how many."""
    with translated():
        return len(await connection.fetch(REVOKE_SESSIONS, user, because, keep))


async def list_of(connection: Connection, user: UUID) -> list[Record]:
    """Return a user's living sessions, the last used first."""
    with translated():
        return list(await connection.fetch(LIST_SESSIONS, user))


async def forget_old(connection: Connection) -> None:
    """Drop sessions and tokens that ended long ago."""
    with translated():
        await connection.execute(DELETE_OLD_TOKENS)
        await connection.execute(DELETE_OLD_SESSIONS)


async def renew_trust(connection: Connection, process: UUID, seconds: float) -> None:
    """Note that this process may trust its memory for so long from now."""
    with translated():
        await connection.execute(RENEW_TRUST, process, seconds)


async def end_trust(connection: Connection, process: UUID) -> None:
    """Note that this process is gone."""
    with translated():
        await connection.execute(END_TRUST, process)


async def send_barrier(connection: Connection, name: str) -> None:
    """Ask every process to confirm that it has read all notifications up to here."""
    with translated():
        await connection.execute(SEND_BARRIER, name)


async def confirm_barrier(connection: Connection, answer: str) -> None:
    """Confirm: `answer` is the barrier's name and the process's id."""
    with translated():
        await connection.execute(CONFIRM_BARRIER, answer)


async def trusting(connection: Connection) -> dict[UUID, float]:
    """Return the processes that may still trust their memory, and for how many seconds."""
    with translated():
        return {row["id"]: row["seconds"] for row in await connection.fetch(SELECT_TRUSTING)}
