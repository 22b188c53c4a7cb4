"""What a route declares."""

import pytest

from api.routes import ROUTES
from api.routing import KINDS, Gate, Limit, Route, check
from api.shapes.accounts import Login
from frostguard.domain.access import Action
from frostguard.errors import UsageError


async def handler(call):
    raise AssertionError


def test_the_table_is_sound() -> None:
    check(ROUTES, KINDS)


def test_a_route_that_is_declared_twice_does_not_start() -> None:
    with pytest.raises(UsageError, match="twice"):
        check([*ROUTES, ROUTES[0]], KINDS)


def test_refusals_follow_from_the_declaration() -> None:
    route = Route(
        "PUT",
        "/units/{unitId}",
        handler,
        Action.UNITS_UPDATE,
        "x",
        body=Login,
        audit="x",
        limit=Limit(5),
        refusals=(418,),
    )
    assert route.statuses == [400, 401, 403, 404, 408, 409, 412, 413, 415, 418, 422, 429, 500, 503]
    assert Route("GET", "/x", handler, Gate.PUBLIC, "x").statuses == [400, 500, 503]
    assert (route.name, route.mutates, route.parameters) == ("PUT /units/{unitId}", True, ["unitId"])


def test_summaries_and_handlers_say_something() -> None:
    for route in ROUTES:
        assert route.summary
        assert route.summary[0].isupper()
        assert route.handler.__doc__, route.name
