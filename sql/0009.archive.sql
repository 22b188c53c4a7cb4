-- depends: 0006.late-marks
-- Old weeks leave the database: how long an organization keeps its readings, which files hold them, and what became of
-- each week.

alter table organizations
  add column retention_days integer check (retention_days between 366 and 36600), -- null = RETENTION_DAYS
  add column legal_hold_since timestamptz, -- while it is set, nothing of the organization is removed
  add column legal_hold_reason text check (length(legal_hold_reason) between 1 and 500),
  add constraint organizations_legal_hold check ((legal_hold_since is null) = (legal_hold_reason is null));

-- What became of a week of sensor_readings. No row: it lies there as it came.
create table reading_weeks (
  week timestamptz primary key check (week = date_trunc('week', week, 'UTC')), -- Monday 00:00 UTC
  compacted_at timestamptz,  -- its index was made dense, and it was vacuumed
  archived_at timestamptz,   -- it left the table; since then the archive adds late readings to the sums, not the daemon
  restored_until timestamptz -- it was put back: not archived again before
);

-- Files of the archive: the readings of one organization in one week, or those that came later. A reading is in one file,
-- and may be in sensor_readings too: readers drop what they meet twice. No foreign key: an organization that is removed
-- from the database leaves its files behind, for retention to remove.
create table archive_files (
  id bigint generated always as identity primary key,
  organization_id uuid not null, -- all zeros: of units that nobody knows any more
  week timestamptz not null,
  key text not null unique check (length(key) between 1 and 500),
  readings bigint not null check (readings > 0),
  size bigint not null check (size > 0), -- bytes
  sha256 bytea not null check (length(sha256) = 32),  -- of the file
  content bytea not null check (length(content) = 32), -- of the readings, as the database sent them
  first_at timestamptz not null,
  last_at timestamptz not null,
  created_at timestamptz not null default now(),
  deleted_at timestamptz, -- no longer read
  removed_at timestamptz, -- and the file is gone; the row stays, as a receipt
  check (removed_at is null or deleted_at is not null)
);
create index archive_files_week on archive_files (organization_id, week) where deleted_at is null;
create index archive_files_deleted on archive_files (id) where deleted_at is not null and removed_at is null;

-- Keys of files that are being put there. What a run that died left behind is removed by the next one.
create table archive_uploads (
  key text primary key,
  begun_at timestamptz not null default now()
);

-- An hour of a week that was archived cannot be summed from sensor_readings any more: what came late is added to its
-- buckets when it is archived itself.
create function late_hour_is_archived() returns trigger language plpgsql as $$
begin
  if exists (select from reading_weeks w
              where w.week = date_trunc('week', new.hour, 'UTC') and w.archived_at is not null) then
    return null;
  end if;
  return new;
end $$;
create trigger archived before insert on late_hours for each row execute function late_hour_is_archived();
