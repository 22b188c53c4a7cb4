"""Who may do what: one table of roles and actions, and the rules for giving roles away.

The table is the earlier system's permission matrix with its holes closed. Creating and changing units is for owners and
admins; a manager may change limits, which the settings routes offer.
"""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is in one organization, mightiest first."""

    OWNER = "owner"
    ADMIN = "admin"
    MANAGER = "manager"
    STAFF = "staff"
    VIEWER = "viewer"
    INSPECTOR = "inspector"


class Action(StrEnum):
    """Everything that a permission is asked for."""

    ORGANIZATION_VIEW = "organization.view"
    ORGANIZATION_UPDATE = "organization.update"
    ORGANIZATION_DELETE = "organization.delete"
    ORGANIZATION_TRANSFER = "organization.transfer_ownership"
    ORGANIZATION_BILLING = "organization.manage_billing"
    AUDIT_VIEW = "organization.view_audit_logs"
    MEMBERS_VIEW = "members.view"
    MEMBERS_INVITE = "members.invite"
    MEMBERS_UPDATE_ROLE = "members.update_role"
    MEMBERS_REMOVE = "members.remove"
    SITES_CREATE = "sites.create"
    SITES_UPDATE = "sites.update"
    SITES_DELETE = "sites.delete"
    AREAS_CREATE = "areas.create"
    AREAS_UPDATE = "areas.update"
    AREAS_DELETE = "areas.delete"
    UNITS_CREATE = "units.create"
    UNITS_UPDATE = "units.update"
    UNITS_DELETE = "units.delete"
    UNITS_EDIT_LIMITS = "units.edit_temp_limits"
    UNITS_EDIT_COMPLIANCE = "units.edit_compliance_settings"
    SENSORS_MANAGE = "sensors.manage"
    GATEWAYS_MANAGE = "gateways.manage"
    READINGS_VIEW = "readings.view"
    MANUAL_LOGS_CREATE = "manual_logs.create"
    ALERTS_VIEW = "alerts.view"
    ALERTS_ACKNOWLEDGE = "alerts.acknowledge"
    ALERTS_RESOLVE = "alerts.resolve"
    ALERTS_CONFIGURE = "alerts.configure_rules"
    DASHBOARD_VIEW = "dashboard.view"
    DASHBOARD_CUSTOMIZE = "dashboard.customize"
    REPORTS_VIEW = "reports.view"
    REPORTS_EXPORT = "reports.export"
    ENTITIES_RESTORE = "entities.restore"
    ENTITIES_PURGE = "entities.permanently_delete"


_O, _A, _M, _S, _V, _I = Role
_EVERYONE = frozenset(Role)
_OWNERS = frozenset({_O})
_ADMINS = frozenset({_O, _A})
_MANAGERS = frozenset({_O, _A, _M})
_STAFF = frozenset({_O, _A, _M, _S})

MATRIX: dict[Action, frozenset[Role]] = {
    Action.ORGANIZATION_VIEW: _EVERYONE,
    Action.ORGANIZATION_UPDATE: _ADMINS,
    Action.ORGANIZATION_DELETE: _OWNERS,
    Action.ORGANIZATION_TRANSFER: _OWNERS,
    Action.ORGANIZATION_BILLING: _OWNERS,
    Action.AUDIT_VIEW: _ADMINS,
    Action.MEMBERS_VIEW: _EVERYONE,
    Action.MEMBERS_INVITE: _ADMINS,
    Action.MEMBERS_UPDATE_ROLE: _ADMINS,
    Action.MEMBERS_REMOVE: _ADMINS,
    Action.SITES_CREATE: _ADMINS,
    Action.SITES_UPDATE: _ADMINS,
    Action.SITES_DELETE: _ADMINS,
    Action.AREAS_CREATE: _ADMINS,
    Action.AREAS_UPDATE: _ADMINS,
    Action.AREAS_DELETE: _ADMINS,
    Action.UNITS_CREATE: _ADMINS,
    Action.UNITS_UPDATE: _ADMINS,
    Action.UNITS_DELETE: _ADMINS,
    Action.UNITS_EDIT_LIMITS: _MANAGERS,
    Action.UNITS_EDIT_COMPLIANCE: _ADMINS,
    Action.SENSORS_MANAGE: _ADMINS,
    Action.GATEWAYS_MANAGE: _ADMINS,
    Action.READINGS_VIEW: _EVERYONE,
    Action.MANUAL_LOGS_CREATE: _STAFF,
    Action.ALERTS_VIEW: _EVERYONE,
    Action.ALERTS_ACKNOWLEDGE: _STAFF,
    Action.ALERTS_RESOLVE: _MANAGERS,
    Action.ALERTS_CONFIGURE: _ADMINS,
    Action.DASHBOARD_VIEW: _EVERYONE,
    Action.DASHBOARD_CUSTOMIZE: _MANAGERS,
    Action.REPORTS_VIEW: _EVERYONE,
    Action.REPORTS_EXPORT: _MANAGERS | {_I},
    Action.ENTITIES_RESTORE: _ADMINS,
    Action.ENTITIES_PURGE: _ADMINS,
}

_GRANTABLE: dict[Role, frozenset[Role]] = {
    Role.OWNER: frozenset({_A, _M, _S, _V, _I}),
    Role.ADMIN: frozenset({_M, _S, _V, _I}),
}


def may(role: Role, action: Action) -> bool:
    """Tell whether somebody of this role may do it."""
    return role in MATRIX[action]


def permissions(role: Role) -> list[Action]:
    """Return everything this role may do, in the order of the table."""
    return [action for action, roles in MATRIX.items() if role in roles]


def may_grant(granter: Role, role: Role) -> bool:
    """Tell whether `granter` may make somebody a `role`: never one of his own height. Ownership is transferred."""
    return role in _GRANTABLE.get(granter, frozenset())


def may_manage(granter: Role, member: Role) -> bool:
    """Tell whether `granter` may change or remove a member who is a `member`. An owner may also remove owners."""
    return granter is Role.OWNER or member in _GRANTABLE.get(granter, frozenset())
