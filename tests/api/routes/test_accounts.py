"""The accounts family of the table: what its rows must have in common."""

from api.routes import ROUTES
from api.routes.accounts import ROUTES as FAMILY
from api.routing import Gate


def test_whatever_takes_a_secret_from_anybody_is_limited_or_counts_failures() -> None:
    assert set(FAMILY) <= set(ROUTES)
    open_to_all = [route for route in FAMILY if route.gate is Gate.PUBLIC]
    assert [route.path for route in open_to_all if route.limit is None] == ["/auth/login"]


def test_whatever_ends_access_is_heard_everywhere_before_it_is_answered() -> None:
    ending = {"/auth/logout", "/auth/password", "/auth/password/reset", "/account", "/auth/sessions"}
    assert all(route.settles for route in FAMILY if route.path in ending and route.method != "GET")
