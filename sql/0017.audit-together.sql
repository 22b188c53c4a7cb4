-- depends: 0016.chores-and-traces
-- Several entries of the audit log at once, for changes that are made together: docs/decisions/0009-api-speed.md.

-- What is logged of one change. `audit_log` adds the chain, the number, the time and the hashes.
create type audit_entry as (
  actor_id uuid, actor text, action text, object_type text, object_id uuid, old_values text, new_values text,
  reason text, request_id text
);

-- Adds entries to an organization's chain, in their order, and returns the number of the last. Serialised per chain
-- until the transaction ends.
create function audit_append_all(organization uuid, entries audit_entry[]) returns bigint language plpgsql
-- The plan that looks up the newest entry is made while the log is small, and must still be right when it is large.
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  chain_id constant uuid := coalesce(organization, '00000000-0000-0000-0000-000000000000');
  e audit_entry;
  last_n bigint;
  last_hash bytea;
  previous bytea;
  moment timestamptz;
begin
  perform pg_advisory_xact_lock(hashtextextended(chain_id::text, 1181169013));
  select a.n, a.hash into last_n, last_hash from audit_log a where a.chain = chain_id order by a.n desc limit 1;
  last_n := coalesce(last_n, 0);
  last_hash := coalesce(last_hash, ''::bytea);
  foreach e in array entries loop
    last_n := last_n + 1;
    previous := last_hash;
    moment := clock_timestamp();
    last_hash := sha256(previous || convert_to(json_build_array(
      chain_id, last_n, audit_instant(moment), e.actor_id, e.actor, e.action, e.object_type, e.object_id, e.old_values,
      e.new_values, e.reason, e.request_id)::text, 'UTF8'));
    insert into audit_log (chain, n, at, actor_id, actor, action, object_type, object_id, old_values, new_values, reason,
                           request_id, prev_hash, hash)
    values (chain_id, last_n, moment, e.actor_id, e.actor, e.action, e.object_type, e.object_id, e.old_values,
            e.new_values, e.reason, e.request_id, previous, last_hash);
  end loop;
  return last_n;
end $$;

-- One entry. The rule of the chain stands above, once.
create or replace function audit_append(
  organization uuid, actor_id uuid, actor text, action text, object_type text, object_id uuid,
  old_values text, new_values text, reason text, request_id text
) returns bigint language sql as $$
  select audit_append_all(organization, array[row(actor_id, actor, action, object_type, object_id, old_values, new_values,
                                                  reason, request_id)::audit_entry])
$$;
alter function audit_append security invoker reset all;

do $$
begin
  execute format('alter function audit_append_all security definer set search_path = %I, pg_temp', current_schema());
  revoke execute on function audit_append_all from public;
end $$;

-- As before, with the function that adds several entries. May be repeated; without the roles it does nothing.
create or replace function grant_roles() returns boolean language plpgsql as $$
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
  grant execute on function audit_append, audit_append_all to frostguard_api;
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

do $$ begin perform grant_roles(); end $$;
