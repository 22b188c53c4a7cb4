-- depends: 0005.rollups
-- One mark for all units of a batch that have late readings of the same hour: a backlog from before the summed stretch
-- would otherwise write as many marks as a third of its readings.
alter table late_hours add column unit_ids uuid[];
update late_hours set unit_ids = array[unit_id];
alter table late_hours alter column unit_ids set not null, drop column unit_id;
