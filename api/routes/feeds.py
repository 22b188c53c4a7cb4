"""What happens, while it happens."""

from api.handlers import feeds
from api.routing import Gate, Limit, Route, Unaudited
from api.shapes import feeds as f

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/ws", feeds.socket, Gate.PUBLIC, "The feeds as a WebSocket (docs/feeds.md); the first message signs in",
        status=101, refusals=(403, 426),
    ),
    Route(
        "GET", "/events", feeds.stream, Gate.PUBLIC, "The feeds as server-sent events (docs/feeds.md)",
        refusals=(401, 403, 404, 422, 429), media="text/event-stream",
    ),
    Route(
        "POST", "/auth/ticket", feeds.ticket, Gate.SIGNED_IN, "A stand-in for the token, for one socket or stream",
        f.Ticket, status=201, limit=Limit(120), audit=Unaudited("it opens what the session may see, for half a minute"),
    ),
)
