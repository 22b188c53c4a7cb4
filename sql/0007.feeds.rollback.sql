drop table feed_tickets;

create or replace function notify_access() returns trigger language plpgsql as $$
begin
  perform pg_notify('access', case tg_table_name
    when 'sessions' then 'session:' || old.id
    when 'organizations' then 'organization:' || old.id
    when 'gateways' then 'gateway:' || old.id
    else 'user:' || old.id end);
  return null;
end $$;

create or replace function notify_membership() returns trigger language plpgsql as $$
begin
  perform pg_notify('access', 'user:' || coalesce(new.user_id, old.user_id));
  return null;
end $$;

drop trigger feed_added on units;
drop trigger feed_changed on units;
drop trigger feed_deleted on units;
drop trigger feed on events;
drop table feed_drafts;
drop function feed_of_units, feed_of_events, feed_publish, feed_units_body, feed_events_body, feed_instant, feed_append;
drop sequence feed_ids, feed_swept;
drop table feed;
