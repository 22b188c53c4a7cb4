drop index alert_timeline_organization, manual_logs_organization;
drop table http_inbox, corrective_actions, late_hours, rollup_progress, reading_buckets;
drop function notify_inbox();
