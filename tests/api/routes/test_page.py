"""The page's family of the table: what its rows must have in common."""

from api.routes import ROUTES
from api.routes.page import ROUTES as FAMILY
from api.routing import Gate


def test_the_page_is_open_and_shows_nothing_by_itself() -> None:
    assert set(FAMILY) <= set(ROUTES)
    assert all(route.gate is Gate.PUBLIC and not route.mutates and route.answer is None for route in FAMILY)
