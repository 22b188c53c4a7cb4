"""The organizations family of the table: what its rows must have in common."""

from api.routes import ROUTES
from api.routes.organizations import ROUTES as FAMILY


def test_every_change_of_a_membership_is_heard_everywhere() -> None:
    assert set(FAMILY) <= set(ROUTES)
    changing = [route for route in FAMILY if "/members" in route.path and route.mutates]
    assert changing
    assert all(route.settles for route in changing)
