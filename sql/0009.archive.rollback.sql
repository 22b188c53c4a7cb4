-- Refused while files hold what the database no longer has: restore those weeks first (frostguard archive restore).
do $$
begin
  if exists (select from archive_files where deleted_at is null) then
    raise exception 'readings are in the archive: restore them, and remove the rows of archive_files' using errcode = '55000';
  end if;
end $$;
drop trigger archived on late_hours;
drop function late_hour_is_archived();
drop table archive_files, archive_uploads, reading_weeks;
alter table organizations drop column retention_days, drop column legal_hold_since, drop column legal_hold_reason;
