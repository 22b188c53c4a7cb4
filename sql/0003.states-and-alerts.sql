-- depends: 0002.readings
-- Where each unit stands, its alerts and their timeline, what is to be said to people, manual logs, windows of silence.

-- Everything the machines know of a unit (frostguard/domain/unit_state.py: UnitRow). The rows of a batch and the states
-- that they moved are one transaction, so a restart reads the states back and recomputes nothing.
drop table unit_states;
create table unit_states (
  unit_id uuid primary key references units (id) on delete cascade,
  organization_id uuid not null references organizations (id) on delete cascade,
  status unit_status not null,
  status_since timestamptz,
  temperature_phase text not null check (temperature_phase in ('normal', 'excursion', 'alarm', 'restoring')),
  temperature_since timestamptz,
  excursion_began_at timestamptz,
  critical_since timestamptz,
  inside_count integer not null,
  extreme_celsius double precision,
  data_phase text not null check (data_phase in ('never', 'fresh', 'late', 'interrupted', 'manual')),
  data_since timestamptz,
  logged_at timestamptz,
  log_out_of_limits boolean not null,
  door_open boolean,
  door_since timestamptz,
  door_level smallint not null,
  battery_level smallint not null,
  battery_since timestamptz,
  faulty boolean not null,
  fault_since timestamptz,
  calibration_due_at timestamptz,
  last_reading_at timestamptz,       -- the last valid temperature,
  last_reading_by uuid,              -- of which sensor,
  last_temperature double precision, -- °C
  seen_by uuid,                      -- and the last check-in of any sensor
  seen_at timestamptz,
  seen_seq bigint not null default 0
) with (fillfactor = 50); -- updated in place, many times a minute: nothing that changes is indexed
create index unit_states_organization on unit_states (organization_id);

-- Every sensor's own last check-in. That of the sensor heard last is newer in unit_states.seen_at.
create table sensor_states (
  unit_id uuid not null references units (id) on delete cascade,
  sensor_id uuid not null references sensors (id) on delete cascade,
  last_at timestamptz not null,
  last_seq bigint not null,
  battery_percent smallint,
  battery_level smallint not null,
  fault text,
  door_open boolean,
  primary key (unit_id, sensor_id)
) with (fillfactor = 70);

alter table gateway_states
  add column lost_at timestamptz,      -- its last will came and nothing since
  add column silent_since timestamptz; -- a gateway_silent alert stands

-- Until when each shard listened, and the spans in which it did not: nobody else is blamed for those.
create table listening (
  shard integer primary key,
  until timestamptz not null
);
create table outages (
  shard integer not null,
  began timestamptz not null,
  drained timestamptz not null check (drained >= began),
  primary key (shard, began)
);

create table alerts (
  id uuid primary key, -- follows from subject, type and opening, so that a replay finds the same
  organization_id uuid not null references organizations (id) on delete cascade,
  subject_id uuid not null, -- the unit, the gateway, or the organization itself
  unit_id uuid references units (id) on delete cascade,
  site_id uuid,
  area_id uuid,
  gateway_id uuid references gateways (id) on delete cascade,
  alert_type alert_type not null,
  severity alert_severity not null,
  status alert_status not null,
  title text not null check (length(title) <= 200),
  opened_at timestamptz not null,                -- event time
  raised_at timestamptz not null default now(),  -- our clock
  began_at timestamptz,                          -- of the condition
  celsius double precision,                      -- the reading that raised it
  extreme_celsius double precision,              -- the farthest out since
  sensor_id uuid,
  limits jsonb,                                  -- those in force when it opened
  acknowledged_at timestamptz,
  acknowledged_by uuid references users (id) on delete set null,
  acknowledgment_notes text check (length(acknowledgment_notes) <= 2000),
  resolved_at timestamptz,
  resolved_by uuid references users (id) on delete set null,
  resolve_reason text check (resolve_reason in ('sensor_removed', 'out_of_service')),
  backfilled boolean not null default false,
  told alert_severity, -- what a notification has carried so far
  linked_to uuid,      -- the alert that speaks for this one
  owed boolean not null default false, -- worse than what was told, and something holds the telling
  version integer not null default 1,
  check ((status = 'resolved') = (resolved_at is not null)),
  check (num_nonnulls(unit_id, gateway_id) <= 1)
);
-- At most one open alert of a type per subject: an index, not a hope.
create unique index alerts_open on alerts (subject_id, alert_type) where resolved_at is null;
create index alerts_subject on alerts (subject_id, alert_type, opened_at desc);
create index alerts_unit on alerts (unit_id, opened_at desc, id desc);
create index alerts_organization on alerts (organization_id, opened_at desc, id desc);
create index alerts_organization_open on alerts (organization_id, opened_at desc, id desc) where resolved_at is null;
create index alerts_site on alerts (site_id, opened_at desc, id desc);
create index alerts_owed on alerts (organization_id) where owed;

create table alert_timeline (
  id bigint generated always as identity primary key,
  organization_id uuid not null references organizations (id) on delete cascade,
  alert_id uuid not null references alerts (id) on delete cascade,
  at timestamptz not null,                          -- event time, or the moment of a person's deed
  written_at timestamptz not null default now(),
  action text not null check (length(action) <= 50),
  actor_id uuid references users (id) on delete set null, -- null = the system
  detail text check (length(detail) <= 2000)
);
create index alert_timeline_alert on alert_timeline (alert_id, id);

-- What people are to be told. Written with the alert; whoever delivers takes it from here, at least once, by its key.
create table notification_outbox (
  id bigint generated always as identity primary key,
  organization_id uuid not null references organizations (id) on delete cascade,
  alert_id uuid not null references alerts (id) on delete cascade,
  severity alert_severity not null,
  occasion text not null check (length(occasion) <= 100), -- with the alert, the idempotency key
  together integer not null default 1,                    -- how many alerts it speaks for, itself included
  created_at timestamptz not null default now(),
  delivered_at timestamptz,
  unique (alert_id, occasion)
);
create index notification_outbox_open on notification_outbox (id) where delivered_at is null;

-- Windows in which alerts open but do not speak.
create table suppressions (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  site_id uuid,
  unit_id uuid,
  alert_types alert_type[] not null default '{}', -- empty = all
  reason text not null default 'other' check (reason in ('maintenance', 'defrost', 'relocation', 'snooze', 'other')),
  note text check (length(note) <= 500),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  created_by uuid references users (id) on delete set null,
  created_at timestamptz not null default now(),
  check (ends_at > starts_at),
  check (site_id is null or unit_id is null),
  foreign key (site_id, organization_id) references sites (id, organization_id) on delete cascade,
  foreign key (unit_id, organization_id) references units (id, organization_id) on delete cascade
);
create index suppressions_organization on suppressions (organization_id, ends_at desc);

-- A temperature that a person read.
create table manual_logs (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  unit_id uuid not null,
  logged_at timestamptz not null,                -- when it was read
  created_at timestamptz not null default now(), -- when it came in
  celsius double precision not null check (celsius between -100 and 150),
  logged_by uuid references users (id) on delete set null,
  notes text check (length(notes) <= 500),
  in_range boolean,
  idempotency_key text check (length(idempotency_key) <= 100),
  judged_at timestamptz, -- the daemon has folded it into the unit's state
  foreign key (unit_id, organization_id) references units (id, organization_id) on delete cascade
);
create unique index manual_logs_key on manual_logs (organization_id, idempotency_key) where idempotency_key is not null;
create index manual_logs_unit on manual_logs (unit_id, logged_at desc, id desc);
create index manual_logs_unjudged on manual_logs (unit_id) where judged_at is null;

-- What happened to units and alerts, in the order in which it became known: what the feeds show, and resume from.
create table events (
  id bigint generated always as identity primary key,
  written_at timestamptz not null default now(),
  organization_id uuid not null references organizations (id) on delete cascade,
  site_id uuid,
  unit_id uuid,
  kind text not null check (length(kind) <= 50),
  at timestamptz not null, -- event time
  data jsonb not null default '{}'
);
create index events_organization on events (organization_id, id);
create index events_unit on events (unit_id, at desc) where unit_id is not null;

create function notify_manual_log() returns trigger language plpgsql as $$
begin
  perform pg_notify('config', 'manual-logs');
  return null;
end $$;
create trigger config after insert on manual_logs for each statement execute function notify_manual_log();

create function notify_alerts() returns trigger language plpgsql as $$
begin
  perform pg_notify('config', 'alerts');
  return null;
end $$;
create trigger config after insert or update or delete on suppressions for each statement execute function notify_alerts();
