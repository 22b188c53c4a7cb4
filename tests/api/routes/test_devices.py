"""The devices family of the table: what its rows must have in common."""

from api.routes import ROUTES
from api.routes.devices import ROUTES as FAMILY


def test_credentials_end_everywhere_at_once() -> None:
    assert set(FAMILY) <= set(ROUTES)
    assert all(route.settles for route in FAMILY if route.path.endswith("/credentials"))
