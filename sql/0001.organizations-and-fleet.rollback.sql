drop table sensors, gateways, units, areas, sites, user_roles, profiles, users, organizations;
drop function notify_config();
drop function notify_config_organization();
drop type unit_type, unit_status, alert_type, alert_severity, alert_status, app_role, subscription_plan, subscription_status;
