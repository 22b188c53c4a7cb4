-- The roles themselves stay: they belong to the server, and other databases may use them.
do $$
declare
  one record;
begin
  for one in select tablename, policyname from pg_policies where schemaname = current_schema() loop
    execute format('drop policy %I on %I', one.policyname, one.tablename);
    execute format('alter table %I disable row level security', one.tablename);
  end loop;
  for one in select g.role, g.relation from role_grants g join pg_roles r on r.rolname = g.role
              where to_regclass(g.relation) is not null loop
    execute format('revoke all on %I from %I', one.relation, one.role);
  end loop;
  for one in select rolname from pg_roles where rolname in ('frostguard_api', 'frostguard_ingest') loop
    execute format('revoke all on sequence feed_ids, feed_swept from %I', one.rolname);
    execute format('revoke all on function audit_append from %I', one.rolname);
    execute format('revoke usage on schema %I from %I', current_schema(), one.rolname);
  end loop;
end $$;
alter function audit_append security invoker;
alter function audit_append reset search_path;
alter function organization_keeps_an_owner security invoker;
alter function organization_keeps_an_owner reset search_path;
grant execute on function audit_append to public;
drop function grant_roles();
drop function fenced_organization();
drop function make_readings_week(timestamptz);
drop table role_grants;
