"""Sites, areas and units."""

from api.handlers import areas, audit, settings, sites, units
from api.routing import Route
from api.shapes import audit as u
from api.shapes import common as c
from api.shapes import hierarchy as h
from api.shapes import settings as s
from frostguard.domain.access import Action

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/organizations/{orgId}/sites", sites.list_of_organization, Action.ORGANIZATION_VIEW, "The sites",
        list[h.Site], query=h.SiteQuery,
    ),
    Route(
        "POST", "/organizations/{orgId}/sites", sites.create, Action.SITES_CREATE, "Add a site",
        h.Site, h.SiteRequest, status=201, refusals=(409,), audit="site.created",
    ),
    Route("GET", "/sites/{siteId}", sites.get, Action.ORGANIZATION_VIEW, "A site", h.Site),
    Route(
        "PATCH", "/sites/{siteId}", sites.change, Action.SITES_UPDATE, "Change a site",
        h.Site, h.SiteChange, audit="site.updated",
    ),
    Route(
        "DELETE", "/sites/{siteId}", sites.delete, Action.SITES_DELETE, "Delete a site with its areas and units",
        c.Deleted, refusals=(412,), audit="site.deleted",
    ),
    Route(
        "GET", "/sites/{siteId}/deletion-preview", sites.preview_deletion, Action.ORGANIZATION_VIEW,
        "What a deletion would take along",
        h.DeletionPreview,
    ),
    Route(
        "POST", "/sites/{siteId}/restore", sites.restore, Action.ENTITIES_RESTORE, "Bring a deleted site back",
        h.Site, refusals=(409,), audit="site.restored",
    ),
    Route(
        "GET", "/sites/{siteId}/history", audit.history, Action.AUDIT_VIEW, "What was changed on a site",
        list[s.AuditEntry], query=u.HistoryQuery,
    ),
    Route(
        "GET", "/sites/{siteId}/settings", settings.of_site, Action.ORGANIZATION_VIEW, "What a site overrides",
        s.LevelSettings,
    ),
    Route(
        "PATCH", "/sites/{siteId}/settings", settings.change_site, Action.ALERTS_CONFIGURE, "Change a site's settings",
        s.LevelSettings, s.SettingsChange, audit="site.settings_changed",
    ),
    Route("GET", "/sites/{siteId}/areas", areas.list_of_site, Action.ORGANIZATION_VIEW, "The areas", list[h.Area]),
    Route(
        "POST", "/sites/{siteId}/areas", areas.create, Action.AREAS_CREATE, "Add an area",
        h.Area, h.AreaRequest, status=201, refusals=(409,), audit="area.created",
    ),
    Route("GET", "/areas/{areaId}", areas.get, Action.ORGANIZATION_VIEW, "An area", h.Area),
    Route(
        "PATCH", "/areas/{areaId}", areas.change, Action.AREAS_UPDATE, "Change an area",
        h.Area, h.AreaChange, audit="area.updated",
    ),
    Route(
        "DELETE", "/areas/{areaId}", areas.delete, Action.AREAS_DELETE, "Delete an area with its units",
        c.Deleted, refusals=(412,), audit="area.deleted",
    ),
    Route(
        "GET", "/areas/{areaId}/deletion-preview", areas.preview_deletion, Action.ORGANIZATION_VIEW,
        "What a deletion would take along",
        h.DeletionPreview,
    ),
    Route(
        "POST", "/areas/{areaId}/restore", areas.restore, Action.ENTITIES_RESTORE, "Bring a deleted area back",
        h.Area, refusals=(409,), audit="area.restored",
    ),
    Route(
        "GET", "/areas/{areaId}/history", audit.history, Action.AUDIT_VIEW, "What was changed on an area",
        list[s.AuditEntry], query=u.HistoryQuery,
    ),
    Route("GET", "/areas/{areaId}/units", units.list_of_area, Action.READINGS_VIEW, "The units", list[h.Unit]),
    Route(
        "POST", "/areas/{areaId}/units", units.create, Action.UNITS_CREATE, "Add a unit",
        h.Unit, h.UnitRequest, status=201, refusals=(409,), audit="unit.created",
    ),
    Route(
        "GET", "/organizations/{orgId}/units", units.list_of_organization, Action.READINGS_VIEW,
        "The units of an organization",
        list[h.Unit], query=h.UnitQuery,
    ),
    Route("GET", "/units/{unitId}", units.get, Action.READINGS_VIEW, "A unit", h.Unit),
    Route(
        "PUT", "/units/{unitId}", units.change, Action.UNITS_UPDATE,
        "Change a unit: any part of it, or all as received",
        h.Unit, h.UnitChange, audit="unit.updated",
    ),
    Route(
        "PATCH", "/units/{unitId}", units.change, Action.UNITS_UPDATE, "The same as PUT",
        h.Unit, h.UnitChange, audit="unit.updated",
    ),
    Route(
        "DELETE", "/units/{unitId}", units.delete, Action.UNITS_DELETE, "Delete a unit",
        c.Deleted, refusals=(412,), audit="unit.deleted",
    ),
    Route(
        "GET", "/units/{unitId}/deletion-preview", units.preview_deletion, Action.ORGANIZATION_VIEW,
        "What a deletion would take along",
        h.DeletionPreview,
    ),
    Route(
        "POST", "/units/{unitId}/restore", units.restore, Action.ENTITIES_RESTORE, "Bring a deleted unit back",
        h.Unit, refusals=(409,), audit="unit.restored",
    ),
    Route(
        "POST", "/units/{unitId}/move", units.move, Action.UNITS_UPDATE, "Move a unit to another area",
        h.Unit, h.Move, refusals=(409, 412), audit="unit.moved",
    ),
    Route(
        "GET", "/units/{unitId}/history", audit.history, Action.READINGS_VIEW, "What was changed on a unit",
        list[s.AuditEntry], query=u.HistoryQuery,
    ),
    Route(
        "GET", "/units/{unitId}/settings", settings.of_unit, Action.READINGS_VIEW,
        "What a unit overrides, and what is in force",
        s.UnitSettings,
    ),
    Route(
        "PATCH", "/units/{unitId}/settings", settings.change_unit, Action.UNITS_EDIT_LIMITS,
        "Change a unit's settings",
        s.UnitSettings, s.SettingsChange, audit="unit.settings_changed",
    ),
)
