"""Readings that come by HTTP."""

from api.handlers import ingest
from api.routing import Gate, Route, Unaudited
from api.shapes import ingest as i

MEASURED = Unaudited("readings are not what people change: they are recorded as readings, or as dead letters")

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route(
        "POST", "/ingest/readings", ingest.take_readings, Gate.GATEWAY_KEY, "Take readings from a gateway",
        i.Taken, i.Message, status=202, refusals=(403,), audit=MEASURED,
    ),
    Route(
        "POST", "/ingest/ttn", ingest.take_uplink, Gate.GATEWAY_KEY, "Take an uplink of The Things Stack",
        i.Taken, i.Uplink, status=202, refusals=(403,), audit=MEASURED,
    ),
    Route(
        "POST", "/ingest/chirpstack", ingest.take_event, Gate.GATEWAY_KEY, "Take an event of ChirpStack",
        i.Taken, i.Event, query=i.EventQuery, status=202, refusals=(403,), audit=MEASURED,
    ),
)
