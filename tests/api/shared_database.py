"""One database for all tests of the API, emptied after each: making a new one costs more than most of the tests."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from frostguard.local.postgres import PostgresServer

# The triggers sleep meanwhile, also the one that keeps the audit log from being changed.
EMPTY = """
set session_replication_role = replica;
do $$
declare
  one record;
begin
  for one in
    select c.oid::regclass as name from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname !~ '^_?yoyo'
  loop
    execute 'delete from ' || one.name;
  end loop;
  for one in select c.oid::regclass as name from pg_class c
              where c.relnamespace = 'public'::regnamespace and c.relkind = 'S' and c.relname !~ 'yoyo'
  loop
    perform setval(one.name, 1, false);
  end loop;
end $$;
set session_replication_role = origin;
alter table audit_log enable trigger append_only;
"""


@contextmanager
def made(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a migrated database, dropped at the end."""
    name = f"api_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute(f"create database {name} template template strategy file_copy")
        yield postgres.url(name)
        c.execute(f"drop database {name} with (force)")


def empty(url: str) -> None:
    """Remove every row, and begin numbers anew."""
    with psycopg.connect(url, autocommit=True) as c:
        c.execute(EMPTY)
