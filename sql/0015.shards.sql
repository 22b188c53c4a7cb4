-- depends: 0013.roles 0014.deleting
-- Several daemons, each for the organizations whose id hashes to it. docs/decisions/0008-shards.md says why it is so.

-- The shard of an organization: the last 32 bits of its id, modulo the number of shards. frostguard/domain/shards.py
-- says the same, and a test compares them. What belongs to no organization belongs to shard 0.
create function shard_of(organization_id uuid, shards integer) returns integer language sql immutable parallel safe
return (('x' || right(coalesce(organization_id::text, '00000000'), 8))::bit(32)::bigint % shards)::integer;

-- Whose a topic is; null where nobody we know has it.
create function organization_of_topic(topic text) returns uuid language sql stable parallel safe
begin atomic
  select case split_part(topic, '/', 1)
           when 'frostguard' then
             (select o.id from organizations o where o.slug = split_part(topic, '/', 3) and o.deleted_at is null)
           when 'v3' then
             (select g.organization_id from gateways g
               where g.kind = 'tts' and g.serial = split_part(topic, '/', 2) and g.deleted_at is null)
           when 'application' then
             (select g.organization_id from gateways g
               where g.kind = 'chirpstack' and g.serial = split_part(topic, '/', 2) and g.deleted_at is null)
         end;
end;

-- How many shards there are (no row: one), and how many there will be once the daemons have been exchanged.
create table shard_layout (
  single boolean primary key default true check (single),
  shards integer not null check (shards between 1 and 1024),
  following integer check (following between 1 and 1024),
  preparation bigint not null default 0, -- grows with each preparation of a next layout
  prepared_at timestamptz                -- when the newest began: its sessions know the organizations of then
);

-- Which preparation a shard has answered: it has taken everything that was queued for it before the next layout's
-- sessions were there.
alter table listening add column preparation bigint not null default 0;

-- Of how many shards the one was that did not listen: an organization's silences are those of its shard at that time.
alter table outages add column shards integer not null default 1 check (shards > 0);
alter table outages alter column shards drop default, drop constraint outages_pkey,
  add primary key (shards, shard, began);

-- Whose units they are: another shard may have summed less far.
alter table late_hours add column shard integer not null default 0;

-- The daemon that begins a new layout writes anew what is kept for each shard.
insert into role_grants (role, privileges, relation)
  values ('frostguard_ingest', 'select, insert, update', 'shard_layout'), ('frostguard_api', 'select', 'shard_layout');
update role_grants set privileges = privileges || ', delete'
 where role = 'frostguard_ingest' and relation in ('listening', 'rollup_progress');
do $$ begin perform grant_roles(); end $$;
