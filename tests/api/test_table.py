"""What must hold for every route of the table: it works, it answers what it says, it is logged exactly once."""

import pytest

from api.routes import ROUTES
from api.routing import Unaudited
from tests.api.conftest import Running
from tests.api.deeds import DEEDS, covers

# Its deed asks for a mail that nobody gets; the entry is written behind the answer, where there is an account.
assert DEEDS


def test_every_route_has_a_request_that_succeeds(running: Running) -> None:
    assert covers(running.program) == (set(), set())


@pytest.mark.parametrize("family", sorted({route.handler.__module__.rpartition(".")[2] for route in ROUTES}))
async def test_every_route_answers_as_declared_and_writes_its_entry(running: Running, family: str) -> None:
    api, world = running.api, running.world
    for route in ROUTES:
        if route.handler.__module__.rpartition(".")[2] != family or route.goes_on:
            continue
        org = await world.organization()
        request = await DEEDS[route.name](world, org)
        before = await world.audited()
        reply = await api.call(request.method, request.path, request.body, request.token)
        assert reply.status == route.status, (route.name, reply)
        written = await world.audited() - before
        expected = int(route.mutates and not isinstance(route.audit, Unaudited))
        assert written == expected, f"{route.name} writes {written} audit entries, not {expected}"
        if expected:
            entry = await world.last_entry()
            assert entry["action"] == route.audit, route.name
            assert entry["request_id"] == reply.headers["X-Request-Id"]


async def test_a_refused_change_writes_nothing(running: Running) -> None:
    api, world = running.api, running.world
    for route in ROUTES:
        if not route.mutates or route.body is None or isinstance(route.audit, Unaudited):
            continue
        org = await world.organization(people=False)
        org.tokens = {**org.tokens, **dict.fromkeys(("manager", "staff", "viewer", "admin", "inspector"), org.owner)}
        org.users |= dict.fromkeys(("manager", "staff", "viewer", "admin", "inspector"), org.users["owner"])
        request = await DEEDS[route.name](world, org)
        before = await world.audited()
        reply = await api.call(request.method, request.path, {"nonsense": 1}, request.token)
        assert reply.status == 422, (route.name, reply)
        assert await world.audited() == before, route.name
