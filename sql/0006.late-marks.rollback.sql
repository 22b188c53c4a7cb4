alter table late_hours add column unit_id uuid;
insert into late_hours (unit_id, hour, unit_ids)
select u, m.hour, '{}' from late_hours m cross join unnest(m.unit_ids) u where m.unit_id is null;
delete from late_hours where unit_id is null;
alter table late_hours alter column unit_id set not null, drop column unit_ids;
