"""Alerts, windows of silence, corrective actions."""

from api.handlers import alert_figures, alerts, corrective_actions, suppressions
from api.routing import Route
from api.shapes import alerts as a
from api.shapes import common as c
from frostguard.domain.access import Action

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/organizations/{orgId}/alerts", alerts.list_of_organization, Action.ALERTS_VIEW, "The alerts",
        list[a.Alert], query=a.OrganizationAlertQuery,
    ),
    Route(
        "GET", "/organizations/{orgId}/alerts/count", alert_figures.count, Action.ALERTS_VIEW, "How many are open",
        a.Counts, query=a.CountQuery,
    ),
    Route(
        "GET", "/organizations/{orgId}/alert-analytics", alert_figures.analyse, Action.ALERTS_VIEW,
        "How many there were, and how long they took",
        a.Analytics, query=a.AnalyticsQuery,
    ),
    Route(
        "GET", "/organizations/{orgId}/alert-timeline", alerts.timeline_of_organization, Action.ALERTS_VIEW,
        "What happened to the alerts",
        list[a.OrganizationTimelineEntry], query=a.TimelineQuery,
    ),
    Route(
        "GET", "/sites/{siteId}/alerts", alerts.list_of_site, Action.ALERTS_VIEW, "The alerts of a site",
        list[a.Alert], query=a.AlertQuery,
    ),
    Route(
        "GET", "/units/{unitId}/alerts", alerts.list_of_unit, Action.ALERTS_VIEW, "The alerts of a unit",
        list[a.Alert], query=a.AlertQuery,
    ),
    Route("GET", "/alerts/{alertId}", alerts.get, Action.ALERTS_VIEW, "An alert with its timeline", a.AlertDetail),
    Route(
        "PUT", "/alerts/{alertId}/acknowledge", alerts.acknowledge_alert, Action.ALERTS_ACKNOWLEDGE,
        "Acknowledge an alert",
        a.Alert, a.Acknowledgement, audit="alert.acknowledged",
    ),
    Route(
        "POST", "/alerts/{alertId}/acknowledge", alerts.acknowledge_alert, Action.ALERTS_ACKNOWLEDGE,
        "The same as PUT",
        a.Alert, a.Acknowledgement, refusals=(409,), audit="alert.acknowledged",
    ),
    Route(
        "PUT", "/alerts/{alertId}/resolve", alerts.resolve_alert, Action.ALERTS_RESOLVE, "Resolve an alert by hand",
        a.Alert, a.Resolution, audit="alert.resolved",
    ),
    Route(
        "POST", "/alerts/{alertId}/resolve", alerts.resolve_alert, Action.ALERTS_RESOLVE, "The same as PUT",
        a.Alert, a.Resolution, refusals=(409,), audit="alert.resolved",
    ),
    Route(
        "POST", "/alerts/{alertId}/corrective-actions", corrective_actions.add_to_alert, Action.ALERTS_ACKNOWLEDGE,
        "Write down what was done about an alert",
        a.CorrectiveAction, a.CorrectiveActionRequest, status=201, audit="corrective_action.created",
    ),
    Route(
        "POST", "/units/{unitId}/corrective-actions", corrective_actions.add_to_unit, Action.MANUAL_LOGS_CREATE,
        "Write down what was done about a unit",
        a.CorrectiveAction, a.CorrectiveActionRequest, status=201, audit="corrective_action.created",
    ),
    Route(
        "GET", "/organizations/{orgId}/corrective-actions", corrective_actions.list_of_organization,
        Action.ALERTS_VIEW, "What was done",
        list[a.CorrectiveAction], query=a.CorrectiveActionQuery,
    ),
    Route(
        "GET", "/organizations/{orgId}/suppressions", suppressions.list_of_organization, Action.ALERTS_VIEW,
        "The windows of silence",
        list[a.Suppression], query=a.SuppressionQuery,
    ),
    Route(
        "POST", "/organizations/{orgId}/suppressions", suppressions.create, Action.ALERTS_RESOLVE,
        "Plan a window of silence",
        a.Suppression, a.SuppressionRequest, status=201, audit="suppression.created",
    ),
    Route(
        "GET", "/organizations/{orgId}/suppressions/{suppressionId}", suppressions.get, Action.ALERTS_VIEW,
        "A window of silence",
        a.Suppression,
    ),
    Route(
        "PATCH", "/organizations/{orgId}/suppressions/{suppressionId}", suppressions.change, Action.ALERTS_RESOLVE,
        "Change a window of silence",
        a.Suppression, a.SuppressionChange, audit="suppression.updated",
    ),
    Route(
        "DELETE", "/organizations/{orgId}/suppressions/{suppressionId}", suppressions.end, Action.ALERTS_RESOLVE,
        "End a window of silence",
        c.Done, refusals=(409,), audit="suppression.ended",
    ),
)
