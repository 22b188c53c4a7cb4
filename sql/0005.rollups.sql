-- depends: 0004.accounts
-- Readings summed over spans, so that long ranges are read as fast as short ones; what people did about an alert or a
-- temperature; readings that came by HTTP.

-- The temperatures of one sensor in one unit over one span. A row follows from sensor_readings alone: which sensor
-- speaks for the unit is asked when it is read. No row where nothing was measured: gaps stay gaps.
create table reading_buckets (
  unit_id uuid not null,
  at timestamptz not null,         -- the begin, a multiple of the span since 1970 (UTC)
  sensor_id uuid not null,
  total double precision not null, -- the sum, °C; divided by `readings`, the mean
  lowest double precision not null,
  highest double precision not null,
  readings integer not null check (readings > 0),
  span smallint not null,          -- minutes
  primary key (unit_id, at, sensor_id, span)
) partition by list (span);
create table reading_buckets_5m partition of reading_buckets for values in (5);
create table reading_buckets_1h partition of reading_buckets for values in (60);
create table reading_buckets_1d partition of reading_buckets for values in (1440);

-- The stretch of time whose buckets are there, per shard of the daemon. Outside of it only sensor_readings knows.
create table rollup_progress (
  shard integer primary key,
  since timestamptz not null check (since = date_trunc('day', since, 'UTC')),
  upto timestamptz not null check (upto >= since)
);

-- Hours whose buckets a reading came too late for, to be summed anew. Written with the reading. No key: two batches
-- that mark the same hour must not wait for each other.
create table late_hours (
  id bigint generated always as identity primary key,
  unit_id uuid not null,
  hour timestamptz not null
);

-- What was done about an alert, or a temperature that somebody read. Never changed afterwards.
create table corrective_actions (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  unit_id uuid,
  alert_id uuid references alerts (id) on delete set null,
  manual_log_id uuid references manual_logs (id) on delete set null,
  action_taken text not null check (length(action_taken) between 1 and 2000),
  root_cause text check (length(root_cause) <= 2000),
  preventive_measures text check (length(preventive_measures) <= 2000),
  completed_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  created_by uuid references users (id) on delete set null,
  foreign key (unit_id, organization_id) references units (id, organization_id) on delete cascade
);
create index corrective_actions_unit on corrective_actions (unit_id, completed_at desc, id desc);
create index corrective_actions_organization on corrective_actions (organization_id, completed_at desc, id desc);
create index corrective_actions_alert on corrective_actions (alert_id) where alert_id is not null;
create index corrective_actions_log on corrective_actions (manual_log_id) where manual_log_id is not null;

-- Messages that came by HTTP, as they would have come from the broker. The daemon takes them through its one route and
-- removes them in the transaction that stores them.
create table http_inbox (
  id bigint generated always as identity primary key,
  received_at timestamptz not null default now(),
  gateway_id uuid not null references gateways (id) on delete cascade,
  topic text not null check (length(topic) <= 1000),
  payload bytea not null check (length(payload) <= 65536)
);

create function notify_inbox() returns trigger language plpgsql as $$
begin
  perform pg_notify('config', 'inbox');
  return null;
end $$;
create trigger config after insert on http_inbox for each statement execute function notify_inbox();

-- For the lists of a whole organization.
create index manual_logs_organization on manual_logs (organization_id, logged_at desc, id desc);
create index alert_timeline_organization on alert_timeline (organization_id, id desc);
