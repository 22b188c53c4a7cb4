"""The database roles of the programs: made with a login, and looked at: docs/decisions/0007-roles.md."""

import base64
import hashlib
import hmac
import os
import re
import secrets

from frostguard.store.connection import Connection, translated

PROGRAMS = ("api", "ingest")
ROUNDS = 4096  # PostgreSQL's own; the passwords are 192 random bits
_NAME = re.compile(r"^[a-z_][a-z0-9_]{0,62}$")

LIST_ROLES = """
select r.rolname, r.rolcanlogin, r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb as mighty,
       array(select m.rolname::text from pg_auth_members a join pg_roles m on m.oid = a.member
              where a.roleid = r.oid and m.rolcanlogin and not m.rolsuper order by 1) as logins
  from pg_roles r where r.rolname in ('frostguard_api', 'frostguard_ingest') order by 1
"""

# Every table once for each role, with what it should have and has. Partitions: nothing, only their parent.
LIST_RIGHTS = """
select r.role, c.relname::text as relation, coalesce(g.privileges, '') as wanted,
       concat_ws(', ', case when has_table_privilege(r.role, c.oid, 'select') then 'select' end,
                       case when has_table_privilege(r.role, c.oid, 'insert') then 'insert' end,
                       case when has_table_privilege(r.role, c.oid, 'update') then 'update' end,
                       case when has_table_privilege(r.role, c.oid, 'delete') then 'delete' end,
                       case when has_table_privilege(r.role, c.oid, 'truncate') then 'truncate' end) as has
  from unnest(array['frostguard_api', 'frostguard_ingest']) r (role)
 cross join pg_class c left join role_grants g on g.role = r.role and g.relation = c.relname
 where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v') and c.relname !~ 'yoyo'
 order by 1, 2
"""

# The row and what protects it: an owner who is a program's login could change everything.
COUNT_OWNED = """
select count(*) from pg_class c join pg_roles o on o.oid = c.relowner
 where c.relnamespace = current_schema()::regnamespace and o.rolname in ('frostguard_api', 'frostguard_ingest')
"""

GRANT_ROLES = "select grant_roles()"
SELECT_PRIVILEGED = "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
LOGIN_EXISTS = "select exists (select from pg_roles where rolname = $1)"


async def may_create(connection: Connection) -> bool:
    """Tell whether the connection's user may make roles."""
    with translated():
        return bool(await connection.fetchval(SELECT_PRIVILEGED))


async def create_login(connection: Connection, program: str, login: str) -> str:
    """Make the program's role if it is not there, and a login in it with a new password, which is returned.

    A login that is there gets another password. In one transaction with the rights. Raises ValueError for a name that
    would need quoting, UsageError where the user may not make roles.
    """
    if not _NAME.match(login) or program not in PROGRAMS:
        raise ValueError(f"not the name of a role: {login!r}")
    password = secrets.token_urlsafe(24)
    with translated():
        async with connection.transaction():
            for group in PROGRAMS:
                if not await connection.fetchval(LOGIN_EXISTS, f"frostguard_{group}"):
                    await connection.execute(f"create role frostguard_{group} nologin")
            word = "alter" if await connection.fetchval(LOGIN_EXISTS, login) else "create"
            await connection.execute(f"{word} role {login} login password '{scram(password)}'")
            await connection.execute(f"grant frostguard_{program} to {login}")
            await connection.fetchval(GRANT_ROLES)
    return password


async def faults(connection: Connection) -> list[str]:
    """Return what is not as it should be, in words; empty where all is. Changes nothing."""
    with translated():
        roles = {row["rolname"]: row for row in await connection.fetch(LIST_ROLES)}
        missing = [f"there is no role frostguard_{p}" for p in PROGRAMS if f"frostguard_{p}" not in roles]
        if missing:
            return missing
        rights = await connection.fetch(LIST_RIGHTS)
        owned = await connection.fetchval(COUNT_OWNED)
    found = [f"{name} may more than its tables: superuser, bypassrls, createrole or createdb"
             for name, row in roles.items() if row["mighty"]]  # fmt: skip
    found += [f"{row['role']} has on {row['relation']}: {row['has'] or 'nothing'}; wanted: {row['wanted'] or 'nothing'}"
              for row in rights if row["has"] != row["wanted"]]  # fmt: skip
    return found + (["a program's role owns tables"] if owned else [])


async def logins(connection: Connection) -> dict[str, list[str]]:
    """Return the logins of each role that is there (superusers are members of nothing)."""
    with translated():
        return {row["rolname"]: row["logins"] for row in await connection.fetch(LIST_ROLES)}


def scram(password: str) -> str:
    """Return the verifier that PostgreSQL keeps (RFC 5802), so that no statement and no log holds the password."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored, server = hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ROUNDS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
