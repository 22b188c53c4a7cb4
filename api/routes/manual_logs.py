"""Temperatures that people read."""

from api.handlers import manual_logs
from api.routing import Gate, Route
from api.shapes import manual_logs as m
from frostguard.domain.access import Action

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/units/{unitId}/manual-logs", manual_logs.list_of_unit, Action.READINGS_VIEW, "A unit's manual logs",
        list[m.ManualLog], query=m.ManualLogQuery,
    ),
    Route(
        "POST", "/units/{unitId}/manual-logs", manual_logs.create, Action.MANUAL_LOGS_CREATE,
        "Write down a temperature",
        m.ManualLog, m.ManualLogRequest, status=201, refusals=(409,), audit="manual_log.created",
    ),
    Route(
        "GET", "/organizations/{orgId}/manual-logs", manual_logs.list_of_organization, Action.READINGS_VIEW,
        "The manual logs",
        list[m.ManualLog], query=m.OrganizationLogQuery,
    ),
    Route(
        "GET", "/organizations/{orgId}/manual-logs/due", manual_logs.due, Action.READINGS_VIEW,
        "Which temperatures people must read, and until when",
        list[m.DueLog], query=m.DueQuery,
    ),
    Route(
        "POST", "/manual-logs/batch", manual_logs.create_batch, Gate.SIGNED_IN,
        "Write down what was read without a connection",
        m.BatchAnswer, m.ManualLogBatch, audit="manual_log.batch_created",
    ),
)
