-- One daemon serves all again; silences of several are joined as if all of them had been deaf.
delete from role_grants where relation = 'shard_layout';
update role_grants set privileges = replace(privileges, ', delete', '')
 where role = 'frostguard_ingest' and relation in ('listening', 'rollup_progress');
do $$ begin perform grant_roles(); end $$;
alter table late_hours drop column shard;
create temporary table joined on commit drop as
  select range_agg(tstzrange(began, drained)) as spans from outages where shards > 1 or shard > 0;
delete from outages where shards > 1 or shard > 0;
alter table outages drop constraint outages_pkey, drop column shards, add primary key (shard, began);
insert into outages (shard, began, drained)
  select 0, lower(span), upper(span) from joined, unnest(joined.spans) span where not isempty(span)
  on conflict do nothing;
alter table listening drop column preparation;
update listening set until = (select min(until) from listening) where shard = 0;
delete from listening where shard > 0;
update rollup_progress set (since, upto) = (select max(since), greatest(min(upto), max(since)) from rollup_progress);
delete from rollup_progress where shard > 0;
drop table shard_layout;
drop function organization_of_topic(text);
drop function shard_of(uuid, integer);
