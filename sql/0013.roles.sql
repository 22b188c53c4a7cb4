-- depends: 0007.feeds 0009.archive 0011.letters
-- What each program may do, by a role for each: docs/decisions/0007-roles.md. Nothing changes for who owns the tables.

-- Who may do what: one row for each table. A later migration adds rows for its tables and calls grant_roles() again.
create table role_grants (
  role text not null check (role in ('frostguard_api', 'frostguard_ingest')),
  privileges text not null,
  relation text not null,
  primary key (role, relation)
);
insert into role_grants (role, privileges, relation)
select g.role, g.privileges, btrim(t.relation, E' \n')
  from (values
    ('frostguard_api', 'select', 'archive_files, audit_log, gateway_states, held_readings, reading_buckets,
      rollup_progress, sensor_readings, unit_states'),
    ('frostguard_api', 'select, insert', 'alert_timeline, corrective_actions, events, http_inbox, notification_outbox'),
    ('frostguard_api', 'select, insert, update', 'alerts, areas, email_tokens, gateways, invitations, manual_logs,
      organizations, profiles, sensors, sites, units, users'),
    ('frostguard_api', 'select, insert, update, delete', 'api_processes, feed_tickets, letters, login_failures,
      refresh_tokens, sessions, suppressions, user_roles'),
    ('frostguard_api', 'select, insert, delete', 'feed, feed_drafts'),
    ('frostguard_ingest', 'select', 'areas, gateways, organizations, reading_weeks, sites, suppressions, units'),
    ('frostguard_ingest', 'select, insert', 'alert_timeline, events, notification_outbox, outages, sensor_readings,
      sensors'),
    ('frostguard_ingest', 'select, insert, update', 'alerts, dead_letter_overflows, dead_letters, gateway_states,
      listening, reading_buckets, rollup_progress, unit_states'),
    ('frostguard_ingest', 'select, insert, delete', 'feed, feed_drafts, held_readings, late_hours'),
    ('frostguard_ingest', 'select, insert, update, delete', 'gateway_watermarks, sensor_states'),
    ('frostguard_ingest', 'select, update', 'manual_logs'),
    ('frostguard_ingest', 'select, delete', 'http_inbox')
  ) g (role, privileges, relations), unnest(string_to_array(g.relations, ',')) t (relation);

-- A week's partition, made or attached by whoever may run this: attaching needs the owner, and the daemon is none.
create function make_readings_week(monday timestamptz) returns void language plpgsql security definer as $$
declare
  week constant text := 'sensor_readings_' || to_char(monday at time zone 'UTC', 'IYYY"w"IW');
begin
  if monday <> date_trunc('week', monday, 'UTC') then
    raise exception 'not the begin of a week: %', monday using errcode = 'invalid_parameter_value';
  end if;
  if exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid
              where i.inhparent = 'sensor_readings'::regclass and c.relname = week and i.inhdetachpending) then
    execute format('alter table sensor_readings detach partition %I finalize', week);
  end if;
  if to_regclass(week) is null then
    execute format('create table %I (like sensor_readings including all)', week);
  end if;
  execute format('alter table sensor_readings attach partition %I for values from (%L) to (%L)',
                 week, monday, monday + interval '168 hours');
end $$;

-- The organization that the present change is about, as the API says before it makes one; null: none.
create function fenced_organization() returns uuid language sql stable as $$
  select nullif(current_setting('frostguard.organization', true), '')::uuid
$$;

-- Gives the roles what role_grants says, and puts up the fences. May be repeated; without the roles it does nothing.
create function grant_roles() returns boolean language plpgsql as $$
declare
  one record;
  owned text;
begin
  if (select count(*) from pg_roles where rolname in ('frostguard_api', 'frostguard_ingest')) < 2 then
    return false;
  end if;
  execute format('grant usage on schema %I to frostguard_api, frostguard_ingest', current_schema());
  for one in select g.role, g.privileges, g.relation from role_grants g where to_regclass(g.relation) is not null loop
    execute format('revoke all on %I from %I', one.relation, one.role);
    execute format('grant %s on %I to %I', one.privileges, one.relation, one.role);
  end loop;
  grant select, update, usage on sequence feed_ids, feed_swept to frostguard_api, frostguard_ingest;
  grant execute on function make_readings_week to frostguard_ingest;
  grant execute on function audit_append to frostguard_api;
  -- The second fence: whatever a statement of the API says, it changes rows of the one organization that the request is
  -- about. Reading is not fenced, and neither is who owns the tables or the daemon, which serves all organizations.
  foreach owned in array array['organizations', 'sites', 'areas', 'units', 'gateways', 'sensors', 'alerts',
                               'alert_timeline', 'suppressions', 'manual_logs', 'corrective_actions'] loop
    execute format('alter table %I enable row level security', owned);
    for one in select policyname from pg_policies where schemaname = current_schema() and tablename = owned loop
      execute format('drop policy %I on %I', one.policyname, owned);
    end loop;
    execute format('create policy reading on %I for select using (true)', owned);
    execute format('create policy daemon on %I to frostguard_ingest using (true) with check (true)', owned);
    execute format('create policy adding on %I for insert to frostguard_api with check (%s)', owned,
                   case owned when 'organizations' then 'true' else 'organization_id = (select fenced_organization())' end);
    execute format('create policy changing on %I for update to frostguard_api using (%2$s) with check (%2$s)', owned,
                   case owned when 'organizations' then 'id' else 'organization_id' end
                   || ' = (select fenced_organization())');
    execute format('create policy removing on %I for delete to frostguard_api using (%s)', owned,
                   case owned when 'organizations' then 'id' else 'organization_id' end
                   || ' = (select fenced_organization())');
  end loop;
  return true;
end $$;

-- Only through the function, which makes the chain: no role can write an entry of its own making.
do $$
begin
  execute format('alter function audit_append security definer set search_path = %I, pg_temp', current_schema());
  execute format('alter function make_readings_week set search_path = %I, pg_temp', current_schema());
  -- It locks the organization's row, which the fence may hide from who takes a person out of several organizations.
  execute format('alter function organization_keeps_an_owner security definer set search_path = %I, pg_temp',
                 current_schema());
  revoke execute on function audit_append from public;
  revoke execute on function make_readings_week from public;
end $$;

-- Where we may make roles, and where somebody else did. `frostguard roles create` does it later otherwise.
do $$
declare
  name text;
begin
  foreach name in array array['frostguard_api', 'frostguard_ingest'] loop
    begin
      if not exists (select from pg_roles where rolname = name) then
        execute format('create role %I nologin', name);
      end if;
    exception
      when insufficient_privilege then raise notice 'no role % was made: not allowed', name;
      when duplicate_object or unique_violation then null; -- another database of this server was faster
    end;
  end loop;
  perform grant_roles();
end $$;
