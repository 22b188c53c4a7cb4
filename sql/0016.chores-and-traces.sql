-- depends: 0015.shards
-- What became of the work that commands do, for the metrics; and which trace a message that came by HTTP belongs to.

-- One row for each: the commands run for minutes and are gone when somebody asks.
create table chores (
  name text primary key check (name in ('archive', 'retention', 'housekeeping', 'backup')),
  succeeded_at timestamptz,             -- when it last ended well
  failed_at timestamptz,
  seconds double precision,             -- how long that took which ended well
  runs bigint not null default 0,       -- all of them, also those that failed
  failures bigint not null default 0,
  row_count bigint not null default 0,  -- archived, removed, saved by all runs
  byte_count bigint not null default 0  -- of the files that were written
);

-- W3C Trace Context, where the request was traced: the daemon goes on with the trace.
alter table http_inbox add column traceparent text check (traceparent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$');

insert into role_grants (role, privileges, relation) values ('frostguard_api', 'select', 'chores');
do $$ begin perform grant_roles(); end $$;
