"""Every route of the API, family by family: the index of this program and the source of its OpenAPI document.

The columns of a row: method, path, handler, who may, summary; then answer, body and query shapes, the status of
success, the audit entry (or why there is none), and whether access changes (`settles`: every process has heard before
the answer leaves). A family is one module; a new one is added here.
"""

from api.routes import (
    accounts,
    alerts,
    devices,
    feeds,
    hierarchy,
    ingest,
    manual_logs,
    organizations,
    page,
    probes,
    readings,
)
from api.routing import Route

ROUTES: tuple[Route, ...] = (
    *probes.ROUTES,
    *accounts.ROUTES,
    *organizations.ROUTES,
    *hierarchy.ROUTES,
    *devices.ROUTES,
    *readings.ROUTES,
    *alerts.ROUTES,
    *manual_logs.ROUTES,
    *ingest.ROUTES,
    *feeds.ROUTES,
    *page.ROUTES,
)
