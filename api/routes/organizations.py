"""Organizations, their members, settings and audit log."""

from api.handlers import audit, members, organizations, retention, settings
from api.routing import Gate, Route
from api.shapes import accounts as a
from api.shapes import audit as u
from api.shapes import common as c
from api.shapes import hierarchy as h
from api.shapes import retention as r
from api.shapes import settings as s
from frostguard.domain.access import Action

SIGNED_IN = Gate.SIGNED_IN

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET", "/organizations", organizations.list_own, SIGNED_IN, "One's organizations", list[h.OwnOrganization]),
    Route(
        "POST", "/organizations", organizations.create, SIGNED_IN, "Make an organization",
        h.Organization, h.OrganizationRequest, status=201, refusals=(409,), settles=True, audit="organization.created",
    ),
    Route(
        "GET", "/organizations/slug-available", organizations.slug_available, SIGNED_IN, "Whether a slug can be had",
        h.SlugAnswer, query=h.SlugQuery,
    ),
    Route(
        "GET", "/organizations/{orgId}", organizations.get, Action.ORGANIZATION_VIEW, "An organization",
        h.Organization,
    ),
    Route(
        "PATCH", "/organizations/{orgId}", organizations.change, Action.ORGANIZATION_UPDATE, "Change an organization",
        h.Organization, h.OrganizationChange, audit="organization.updated",
    ),
    Route(
        "DELETE", "/organizations/{orgId}", organizations.delete, Action.ORGANIZATION_DELETE, "Delete an organization",
        c.Deleted, refusals=(412,), settles=True, audit="organization.deleted",
    ),
    Route(
        "GET", "/organizations/{orgId}/nav-tree", organizations.tree, Action.DASHBOARD_VIEW, "All sites, areas, units",
        list[h.TreeSite],
    ),
    Route(
        "GET", "/organizations/{orgId}/deleted", organizations.deleted, Action.ENTITIES_RESTORE,
        "What can be restored",
        list[h.DeletedObject],
    ),
    Route(
        "POST", "/organizations/{orgId}/transfer-ownership", members.hand_over, Action.ORGANIZATION_TRANSFER,
        "Make another member the owner",
        c.Done, a.Handover, refusals=(409, 429), settles=True, audit="organization.ownership_transferred",
    ),
    Route(
        "POST", "/organizations/{orgId}/leave", members.leave, Action.ORGANIZATION_VIEW, "End one's own membership",
        c.Done, refusals=(409,), settles=True, audit="member.left",
    ),
    Route(
        "GET", "/organizations/{orgId}/members", members.list_members, Action.MEMBERS_VIEW, "The members",
        list[a.Member],
    ),
    Route(
        "PATCH", "/organizations/{orgId}/members/{userId}", members.change_role, Action.MEMBERS_UPDATE_ROLE,
        "Give a member another role",
        a.Member, a.RoleChange, settles=True, audit="member.role_changed",
    ),
    Route(
        "DELETE", "/organizations/{orgId}/members/{userId}", members.remove, Action.MEMBERS_REMOVE, "End a membership",
        c.Done, refusals=(409,), settles=True, audit="member.removed",
    ),
    Route(
        "GET", "/organizations/{orgId}/invitations", members.list_invitations, Action.MEMBERS_INVITE,
        "The open invitations",
        list[a.Invitation],
    ),
    Route(
        "POST", "/organizations/{orgId}/invitations", members.invite, Action.MEMBERS_INVITE, "Invite an address",
        a.Invitation, a.InvitationRequest, status=201, refusals=(409,), audit="invitation.created",
    ),
    Route(
        "DELETE", "/organizations/{orgId}/invitations/{invitationId}", members.revoke_invitation,
        Action.MEMBERS_INVITE, "Withdraw an invitation",
        c.Done, audit="invitation.revoked",
    ),
    Route(
        "GET", "/organizations/{orgId}/settings", settings.of_organization, Action.ORGANIZATION_VIEW,
        "What the organization overrides",
        s.LevelSettings,
    ),
    Route(
        "PATCH", "/organizations/{orgId}/settings", settings.change_organization, Action.ALERTS_CONFIGURE,
        "Change the organization's settings",
        s.LevelSettings, s.SettingsChange, audit="organization.settings_changed",
    ),
    Route(
        "GET", "/organizations/{orgId}/retention", retention.show, Action.ORGANIZATION_VIEW,
        "How long readings are kept",
        r.Retention,
    ),
    Route(
        # What becomes too old by it is removed for good: for those who may delete the organization.
        "PATCH", "/organizations/{orgId}/retention", retention.change, Action.ORGANIZATION_DELETE,
        "Keep readings longer, or shorter",
        r.Retention, r.RetentionChange, audit="organization.retention_changed",
    ),
    Route(
        "GET", "/organizations/{orgId}/audit", audit.list_of_organization, Action.AUDIT_VIEW,
        "What was changed, newest first",
        list[s.AuditEntry], query=u.AuditQuery,
    ),
    Route(
        "GET", "/organizations/{orgId}/audit/verify", audit.verify, Action.AUDIT_VIEW, "Check the whole chain",
        s.AuditCheck,
    ),
    Route(
        "GET", "/organizations/{orgId}/audit/export", audit.export, Action.AUDIT_VIEW,
        "The whole chain as a file, to be checked offline",
        media="application/x-ndjson",
    ),
    Route("GET", "/settings", settings.table, SIGNED_IN, "Every setting there is", list[s.SettingDescription]),
)
