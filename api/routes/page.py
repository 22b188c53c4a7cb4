"""The page for people: overview, units, alerts; and the wall display."""

from api.handlers import page
from api.routing import Gate, Route

PUBLIC = Gate.PUBLIC

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET", "/", page.document, PUBLIC, "The page for people", media="text/html"),
    Route("GET", "/wall", page.document, PUBLIC, "The same for a display on a wall", media="text/html"),
    Route("GET", "/page/{version}/{file}", page.asset, PUBLIC, "A file of the page", media="text/plain"),
)
