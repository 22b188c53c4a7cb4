"""The probes family of the table: what its rows must have in common."""

from api.routes import ROUTES
from api.routes.probes import ROUTES as FAMILY
from api.routing import Gate


def test_probes_are_open_and_change_nothing() -> None:
    assert set(FAMILY) <= set(ROUTES)
    assert all(route.gate is Gate.PUBLIC and not route.mutates for route in FAMILY)
