"""What machines ask: alive, ready, how it is doing, what it can do."""

from api.handlers import probes
from api.routing import Gate, Route
from api.shapes import common as c

PUBLIC = Gate.PUBLIC

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET", "/health", probes.health, PUBLIC, "Whether requests can be served", c.Done),
    Route("GET", "/livez", probes.livez, PUBLIC, "Whether the process runs", c.Done),
    Route("GET", "/readyz", probes.readyz, PUBLIC, "Whether requests can be sent here", c.Done),
    Route("GET", "/metrics", probes.metrics, PUBLIC, "Counters for Prometheus", media="text/plain"),
    Route("GET", "/openapi.json", probes.document, PUBLIC, "This document"),
    Route("GET", "/docs", probes.docs, PUBLIC, "This document as a page", media="text/html"),
)
