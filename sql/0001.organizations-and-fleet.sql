-- depends:
-- The tenant and what it owns: organization > site > area > unit, and the sensors and gateways that watch the units.
-- Every row below an organization carries organization_id, and composite foreign keys keep it equal to its parent's,
-- so that one WHERE organization_id = $1 is enough in every statement.

create type unit_type as enum ('fridge', 'freezer', 'display_case', 'walk_in_cooler', 'walk_in_freezer', 'blast_chiller');
create type unit_status as enum
  ('ok', 'excursion', 'alarm_active', 'monitoring_interrupted', 'manual_required', 'restoring', 'offline');
create type alert_type as enum
  ('alarm_active', 'monitoring_interrupted', 'missed_manual_entry', 'low_battery', 'sensor_fault', 'door_open',
   'calibration_due', 'suspected_cooling_failure', 'temp_excursion', 'gateway_silent', 'ingest_degraded');
create type alert_severity as enum ('info', 'warning', 'critical');
create type alert_status as enum ('active', 'acknowledged', 'resolved', 'escalated');
create type app_role as enum ('owner', 'admin', 'manager', 'staff', 'viewer', 'inspector');
create type subscription_plan as enum ('starter', 'pro', 'haccp', 'enterprise');
create type subscription_status as enum ('trial', 'active', 'past_due', 'canceled', 'paused');

create table organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 100),
  slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{1,49}$'), -- also the first level of its MQTT topics
  logo_url text,
  timezone text not null default 'UTC',
  compliance_mode text not null default 'standard' check (compliance_mode in ('standard', 'haccp')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index organizations_slug on organizations (slug) where deleted_at is null;

create table users (
  id uuid primary key default gen_random_uuid(),
  email text not null check (email = lower(email) and length(email) between 3 and 254),
  password_hash text check (length(password_hash) <= 200), -- bcrypt; null = cannot sign in with a password
  email_verified_at timestamptz,
  disabled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index users_email on users (email);

create table profiles (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null unique references users (id) on delete cascade,
  organization_id uuid references organizations (id) on delete set null, -- the one last chosen; membership is user_roles
  email text not null,
  full_name text check (length(full_name) <= 200),
  phone text check (length(phone) <= 50),
  avatar_url text,
  notification_preferences jsonb not null default '{"push": true, "email": true, "sms": false}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table user_roles (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users (id) on delete cascade,
  organization_id uuid not null references organizations (id) on delete cascade,
  role app_role not null default 'viewer',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, organization_id)
);
create index user_roles_organization on user_roles (organization_id, role);

create table sites (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  name text not null check (length(name) between 1 and 100),
  address text check (length(address) <= 200),
  city text check (length(city) <= 100),
  state text check (length(state) <= 50),
  postal_code text check (length(postal_code) <= 20),
  country text check (length(country) <= 100),
  timezone text, -- null = the organization's
  latitude double precision check (latitude between -90 and 90),
  longitude double precision check (longitude between -180 and 180),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  unique (id, organization_id)
);
create unique index sites_name on sites (organization_id, lower(name)) where deleted_at is null;

create table areas (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  site_id uuid not null,
  name text not null check (length(name) between 1 and 100),
  description text check (length(description) <= 500),
  sort_order integer not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  unique (id, organization_id),
  foreign key (site_id, organization_id) references sites (id, organization_id) on delete cascade
);
create unique index areas_name on areas (site_id, lower(name)) where deleted_at is null;
create index areas_organization on areas (organization_id);

create table units (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null,
  area_id uuid not null,
  name text not null check (length(name) between 1 and 100),
  unit_type unit_type not null default 'fridge',
  temp_min double precision check (temp_min between -100 and 150), -- null = inherited; 0 is a limit like any other
  temp_max double precision check (temp_max between -100 and 150),
  make text check (length(make) <= 100),
  model text check (length(model) <= 100),
  serial_number text check (length(serial_number) <= 100),
  notes text check (length(notes) <= 500),
  sort_order integer not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  unique (id, organization_id),
  check (temp_min < temp_max),
  foreign key (area_id, organization_id) references areas (id, organization_id) on delete cascade
);
create unique index units_name on units (area_id, lower(name)) where deleted_at is null;
create index units_organization on units (organization_id);

-- A gateway is whatever publishes for several sensors: a box of ours, or an application of a LoRaWAN network server.
create table gateways (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  site_id uuid,
  kind text not null default 'native' check (kind in ('native', 'tts', 'chirpstack')),
  -- native: its id in the topic and its MQTT user name; tts: application@tenant; chirpstack: the application id
  serial text not null check (
    case kind when 'native' then serial ~ '^[A-Za-z0-9_-]{1,64}$' else serial ~ '^[A-Za-z0-9_@.-]{1,128}$' end),
  name text not null check (length(name) between 1 and 100),
  description text check (length(description) <= 500),
  password_hash text, -- of its MQTT and HTTP credential, in Mosquitto's format; null = none issued
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  unique (id, organization_id),
  foreign key (site_id, organization_id) references sites (id, organization_id)
);
-- Its name is a user name of the broker, which knows no organizations: unique over all of them.
create unique index gateways_serial on gateways (kind, serial) where deleted_at is null;
create index gateways_organization on gateways (organization_id);

create table sensors (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  gateway_id uuid, -- the one that was heard last with it, for a start
  unit_id uuid,    -- null = pending: its readings are held until somebody assigns it
  serial text not null check (serial ~ '^[^A-Z[:cntrl:]]{1,64}$'), -- device EUI or serial number, in normal form
  name text check (length(name) between 1 and 100),
  kind text not null default 'temperature' check (kind in
    ('temperature', 'temperature_humidity', 'door', 'combo', 'contact', 'motion', 'leak', 'metering', 'gps',
     'air_quality', 'multi_sensor')),
  model text check (length(model) <= 100),
  battery_chemistry text check (length(battery_chemistry) <= 50),
  report_interval_seconds integer not null default 300 check (report_interval_seconds between 1 and 604800),
  range_low double precision not null default -60 check (range_low >= -100),   -- what the sensor can measure, °C
  range_high double precision not null default 125 check (range_high <= 150),
  is_primary boolean not null default false, -- the unit's temperature sensor, which its states follow
  assigned_at timestamptz,
  first_seen_at timestamptz,
  calibrated_at timestamptz,
  calibration_due_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  unique (id, organization_id),
  check (range_low < range_high),
  check ((unit_id is null) = (assigned_at is null)),
  foreign key (unit_id, organization_id) references units (id, organization_id),
  foreign key (gateway_id, organization_id) references gateways (id, organization_id)
);
create unique index sensors_serial on sensors (organization_id, serial) where deleted_at is null;
create unique index sensors_primary on sensors (unit_id) where is_primary and deleted_at is null;
create index sensors_unit on sensors (unit_id) where unit_id is not null;
create index sensors_pending on sensors (organization_id, first_seen_at desc) where unit_id is null and deleted_at is null;

-- Wakes the daemon: one message per organization and transaction (equal messages fold into one).
create function notify_config() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    perform pg_notify('config', old.organization_id::text);
  end if;
  if tg_op <> 'DELETE' then
    perform pg_notify('config', new.organization_id::text);
  end if;
  return null;
end $$;

create function notify_config_organization() returns trigger language plpgsql as $$
begin
  perform pg_notify('config', coalesce(new.id, old.id)::text);
  return null;
end $$;

create trigger config after insert or update or delete on organizations
  for each row execute function notify_config_organization();
create trigger config after insert or update or delete on sites for each row execute function notify_config();
create trigger config after insert or update or delete on units for each row execute function notify_config();
create trigger config after insert or update or delete on gateways for each row execute function notify_config();
create trigger config after insert or update or delete on sensors for each row execute function notify_config();
