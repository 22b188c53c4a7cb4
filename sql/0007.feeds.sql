-- depends: 0006.late-marks
-- What is new, in the order of the commits, for whoever shows it live. docs/decisions/0005-feeds.md says why it is so.
-- Unlogged: it reaches back some minutes, everything in it is true elsewhere, and after a crash it begins anew.

create unlogged table feed (
  first bigint primary key, -- the ids of its pieces: microseconds since 1970 or, if those are taken, the next ones
  last bigint not null check (last >= first),
  kind text not null check (length(kind) <= 20),
  body bytea not null -- JSON, see frostguard/wire/feed.py
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
alter table feed alter column body set storage external; -- compressing costs more than it saves in some minutes

-- Sequences, because they are read and set past every snapshot: the last id given, and up to where old rows are gone.
create unlogged sequence feed_ids;
create unlogged sequence feed_swept;

-- Appends one row as this transaction's last act. Who appends holds the lock until the commit is visible, so ids become
-- visible in their order: who has seen an id has seen all below it that there will ever be.
create function feed_append(kind text, pieces integer, body bytea) returns bigint language plpgsql
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  id bigint;
  gone bigint;
begin
  perform pg_advisory_xact_lock(1181181540, 0);
  id := greatest((select s.last_value from feed_ids s) + 1,
                 (extract(epoch from clock_timestamp()) * 1000000)::bigint);
  perform setval('feed_ids', id + pieces - 1);
  insert into feed (first, last, kind, body) values (id, id + pieces - 1, kind, body);
  -- Every append takes up to three old rows away: no sweep is ever long, and dead ones are not walked over again.
  with old as (
    select f.first from feed f
     where f.first > (select s.last_value from feed_swept s) and f.first < id - 300000000
     order by f.first limit 3
  ), swept as (
    delete from feed f using old where f.first = old.first returning f.first
  )
  select max(swept.first) into gone from swept;
  if gone is not null then
    perform setval('feed_swept', gone);
  end if;
  perform pg_notify('feed', '');
  return id;
end $$;

-- What a transaction will append when it commits. Empty for everybody else.
create unlogged table feed_drafts (
  id bigint generated always as identity primary key,
  events bigint[],
  units json, -- [unit, organization and site before]
  access text check (length(access) <= 100)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

create function feed_instant(value timestamptz) returns text language sql immutable parallel safe as $$
  select to_char(value at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- Both bodies in plpgsql, because it keeps their plans.
create function feed_events_body(ids bigint[]) returns bytea language plpgsql stable as $$
begin
  return (select convert_to(json_agg(json_build_array(
           e.organization_id, e.unit_id, e.kind, feed_instant(e.at), e.data, row_to_json(alert)) order by e.id)::text, 'UTF8')
    from events e
    left join lateral (
      select a.id, a.organization_id, a.unit_id, a.site_id, a.area_id, a.gateway_id, a.sensor_id, a.alert_type,
             a.severity, a.status, a.title, a.celsius, a.extreme_celsius,
             (a.limits ->> 'low')::double precision as low, (a.limits ->> 'high')::double precision as high,
             feed_instant(a.opened_at) as opened_at, feed_instant(a.began_at) as began_at,
             feed_instant(a.raised_at) as raised_at, feed_instant(a.acknowledged_at) as acknowledged_at,
             a.acknowledged_by, a.acknowledgment_notes, feed_instant(a.resolved_at) as resolved_at, a.resolved_by,
             a.resolve_reason, a.linked_to, a.backfilled, u.name as unit_name, s.name as site_name
        from alerts a
        left join units u on u.organization_id = a.organization_id and u.id = a.unit_id
        left join sites s on s.organization_id = a.organization_id and s.id = a.site_id
       where e.kind = 'alert' and a.organization_id = e.organization_id and a.id = (e.data ->> 'alertId')::uuid
    ) alert on true
   where e.id = any(ids));
end $$;

-- A unit that is gone has no place any more, only the one that it had. One by one: the server takes any array for a
-- hundred elements long, and would read all units for the one that was changed.
create function feed_units_body(changed json) returns bytea language plpgsql stable as $$
begin
  return (select convert_to(json_agg(json_build_array(
           n ->> 0, u.organization_id, u.site_id, u.area_id, u.name, u.unit_type, u.sort_order,
           feed_instant(u.updated_at), n ->> 1, n ->> 2))::text, 'UTF8')
    from json_array_elements(changed) n
    left join lateral (
      select u.organization_id, a.site_id, u.area_id, u.name, u.unit_type, u.sort_order, u.updated_at
        from units u join areas a on a.id = u.area_id
       where u.id = (n ->> 0)::uuid and u.deleted_at is null
       limit 1
    ) u on true);
end $$;

create function feed_publish() returns trigger language plpgsql as $$
begin
  if new.events is not null then
    perform feed_append('events', cardinality(new.events), feed_events_body(new.events));
  elsif new.units is not null then
    perform feed_append('units', json_array_length(new.units), feed_units_body(new.units));
  else
    perform feed_append('access', 1, convert_to(new.access, 'UTF8'));
  end if;
  delete from feed_drafts d where d.id = new.id;
  return null;
end $$;

-- Only when the transaction commits: the lock is held while the server commits, never while it waits for a client.
create constraint trigger publish after insert on feed_drafts deferrable initially deferred
  for each row execute function feed_publish();

create function feed_of_events() returns trigger language plpgsql as $$
begin
  insert into feed_drafts (events) select array_agg(id order by id) from added having count(*) > 0;
  return null;
end $$;
create trigger feed after insert on events referencing new table as added
  for each statement execute function feed_of_events();

create function feed_of_units() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into feed_drafts (units) select json_agg(json_build_array(id)) from changed having count(*) > 0;
  elsif tg_op = 'DELETE' then
    insert into feed_drafts (units)
    select json_agg(json_build_array(o.id, o.organization_id, a.site_id))
      from changed o left join areas a on a.id = o.area_id
    having count(*) > 0;
  else
    insert into feed_drafts (units)
    select json_agg(json_build_array(o.id, o.organization_id, a.site_id))
      from changed n join before o using (id) left join areas a on a.id = o.area_id
     where (n.organization_id, n.area_id, n.name, n.unit_type, n.sort_order, n.deleted_at, n.updated_at)
           is distinct from (o.organization_id, o.area_id, o.name, o.unit_type, o.sort_order, o.deleted_at, o.updated_at)
    having count(*) > 0;
  end if;
  return null;
end $$;
create trigger feed_added after insert on units referencing new table as changed
  for each statement execute function feed_of_units();
create trigger feed_changed after update on units referencing old table as before new table as changed
  for each statement execute function feed_of_units();
create trigger feed_deleted after delete on units referencing old table as changed
  for each statement execute function feed_of_units();

-- Changes of access are in the feed too, so that nothing that was committed after one is shown to whom it shuts out.
create or replace function notify_access() returns trigger language plpgsql as $$
declare
  what constant text := case tg_table_name
    when 'sessions' then 'session:' || old.id
    when 'organizations' then 'organization:' || old.id
    when 'gateways' then 'gateway:' || old.id
    else 'user:' || old.id end;
begin
  perform pg_notify('access', what);
  if tg_table_name <> 'gateways' then
    insert into feed_drafts (access) values (what);
  end if;
  return null;
end $$;

create or replace function notify_membership() returns trigger language plpgsql as $$
declare
  what constant text := 'user:' || coalesce(new.user_id, old.user_id);
begin
  perform pg_notify('access', what);
  insert into feed_drafts (access) values (what);
  return null;
end $$;

-- Tickets: a token's stand-in for one socket. Not worth more than the half minute that they live.
create unlogged table feed_tickets (
  hash bytea primary key check (length(hash) = 32),
  session_id uuid not null references sessions (id) on delete cascade,
  expires_at timestamptz not null
);
create index feed_tickets_session on feed_tickets (session_id);
