"""Every parameter of every query, with values that mean nothing or too much: refused as declared, never a 500."""

from urllib.parse import quote

import pytest

from api.routes import ROUTES
from api.routing import Gate
from tests.api.conftest import Running
from tests.api.deeds import DEEDS

VALUES = (
    "", "-1", "0", "1e9", "1e400", "NaN", "Infinity", "9223372036854775808", "[]", "2026-11-22", "2026-11-22T10:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "not-a-uuid", "' or 1=1 --",
    "x" * 3000, "\0", "\U0001f600", "a,b", "WyJhIl0", "W10",
)  # fmt: skip

# One route for each shape of a query.
ASKING = list(
    {r.query: r for r in ROUTES if r.query is not None and r.method == "GET" and r.gate is not Gate.PUBLIC}.values()
)


def names(route) -> list[str]:
    return [field.alias or name for name, field in route.query.model_fields.items()]


@pytest.mark.parametrize("route", ASKING, ids=lambda route: route.name)
async def test_odd_parameters(running: Running, route) -> None:
    org = await running.world.organization(people=False)
    org.tokens |= dict.fromkeys(("manager", "staff", "viewer", "admin", "inspector"), org.owner)
    request = await DEEDS[route.name](running.world, org)
    base = request.path.partition("?")[0]
    for name in names(route):
        for value in VALUES:
            reply = await running.api.get(f"{base}?{name}={quote(value, safe='')}", request.token)
            assert reply.status in (route.status, 422), (name, value, reply)
    for odd in ("?", "?&&", "?=1", "?unknown=1", f"?{names(route)[0]}=1&{names(route)[0]}=1", "?" + "a=1&" * 500):
        assert (await running.api.get(base + odd, request.token)).status in (route.status, 422), odd
