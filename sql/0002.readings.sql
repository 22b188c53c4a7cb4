-- depends: 0001.organizations-and-fleet
-- What the daemon writes. The column order of sensor_readings puts the wide columns first (no padding).
-- No foreign keys here: a check per row costs more than the row, and only the daemon writes, from ids that it has just
-- read. No DEFAULT partition: creating a range whose rows sit in it fails, and attaching needs to scan it.

create table sensor_readings (
  unit_id uuid not null,
  recorded_at timestamptz not null, -- the device's clock
  sensor_id uuid not null,
  seq bigint not null default 0,    -- the gateway's number; without it a clock that steps back would make two readings one
  received_at timestamptz not null default now(), -- our clock
  temperature double precision check (temperature between -100 and 150), -- °C; NaN is above 150 for PostgreSQL
  humidity real check (humidity between 0 and 100),
  battery_volts real check (battery_volts between 0 and 10),
  snr real check (snr between -50 and 50),
  battery_percent smallint check (battery_percent between 0 and 100),
  rssi smallint check (rssi between -150 and 0),
  door_open boolean, -- null = not measured; never a default
  fault text check (length(fault) <= 50),
  primary key (unit_id, recorded_at, sensor_id, seq)
) partition by range (recorded_at);

-- Rows come in the order of our clock, so a few bytes per range of pages find the newest ones.
create index sensor_readings_received on sensor_readings using brin (received_at) with (autosummarize = on);

-- Readings of sensors that nobody has assigned to a unit yet.
create table held_readings (
  sensor_id uuid not null references sensors (id) on delete cascade,
  recorded_at timestamptz not null,
  seq bigint not null default 0,
  received_at timestamptz not null default now(),
  temperature double precision,
  humidity real,
  battery_volts real,
  snr real,
  battery_percent smallint,
  rssi smallint,
  door_open boolean,
  fault text,
  primary key (sensor_id, recorded_at, seq)
);

create table dead_letters (
  id bigint generated always as identity primary key,
  received_at timestamptz not null default now(),
  organization_id uuid references organizations (id) on delete cascade, -- null = no known gateway sent it
  gateway_id uuid references gateways (id) on delete set null,
  topic text not null check (length(topic) <= 1000),
  payload bytea not null check (length(payload) <= 65536),
  reason text not null check (length(reason) <= 100),
  detail text not null default '' check (length(detail) <= 500),
  replay_requested_at timestamptz, -- the daemon takes it through the whole route again
  replayed_at timestamptz          -- and it was stored
);
create index dead_letters_open on dead_letters (id) where replayed_at is null;
create index dead_letters_organization on dead_letters (organization_id, id desc);
create index dead_letters_replay on dead_letters (id) where replay_requested_at is not null and replayed_at is null;

-- What came beyond the cap per gateway and hour: counted, not kept.
create table dead_letter_overflows (
  source text not null check (length(source) <= 200), -- gateway id, or the topic's first levels where there is none
  hour timestamptz not null,
  reason text not null,
  dropped bigint not null,
  primary key (source, hour, reason)
);

-- How far each gateway's numbered readings are stored or dead-lettered, without a gap.
create table gateway_watermarks (
  gateway_id uuid not null references gateways (id) on delete cascade,
  boot text not null check (length(boot) between 1 and 64),
  upto bigint not null check (upto >= 0),
  beyond bigint[] not null default '{}', -- what is settled above the first gap: first, last, first, last, ...
  updated_at timestamptz not null default now(),
  primary key (gateway_id, boot)
);

-- What the broker and the messages say of a gateway.
create table gateway_states (
  gateway_id uuid primary key references gateways (id) on delete cascade,
  online boolean,          -- birth message or last will; null = never said
  online_since timestamptz,
  last_heard_at timestamptz -- our clock, any message; written at most once a minute
);

-- Where each unit stands, written with the readings that moved it: a restart reads it back.
create table unit_states (
  unit_id uuid primary key references units (id) on delete cascade,
  organization_id uuid not null references organizations (id) on delete cascade,
  last_reading_at timestamptz,
  last_received_at timestamptz,
  last_temperature double precision
) with (fillfactor = 50); -- updated in place: nothing of it is indexed but the key
create index unit_states_organization on unit_states (organization_id);
