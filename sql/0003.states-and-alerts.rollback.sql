drop table events, manual_logs, suppressions, notification_outbox, alert_timeline, alerts, outages, listening,
  sensor_states, unit_states;
drop function notify_manual_log();
drop function notify_alerts();
alter table gateway_states drop column lost_at, drop column silent_since;
create table unit_states (
  unit_id uuid primary key references units (id) on delete cascade,
  organization_id uuid not null references organizations (id) on delete cascade,
  last_reading_at timestamptz,
  last_received_at timestamptz,
  last_temperature double precision
) with (fillfactor = 50);
create index unit_states_organization on unit_states (organization_id);
