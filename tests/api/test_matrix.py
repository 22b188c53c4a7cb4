"""Who may do what, generated from the route table: every route, every principal, every kind of object.

A permitted change is sent with a body that means nothing (422), or on an object made for it, so that every cell sees
the same world. What must never happen: a status that the table does not declare, an answer that tells a foreign object
from an absent one, a changed row of the other organization.
"""

import re
from uuid import UUID, uuid4

import pytest

from api.routes import ROUTES
from api.routing import KINDS, Gate, Route
from frostguard.domain.access import Action, Role, may
from tests.api.conftest import Running
from tests.api.deeds import DEEDS
from tests.api.world import Organization, Reply, World

OBJECTS = ("own", "foreign", "absent", "deleted", "malformed")
OUTSIDERS = ("nobody", "forged", "revoked", "disabled", "former member")
NONSENSE = {"nonsense": 1}
SAME = {"X-Request-Id": "the-same-for-all"}
FINDS_DELETED = re.compile(r".*/(restore|history)$")

GUARDED = [route for route in ROUTES if isinstance(route.gate, Action)]


class Cells:
    """The two organizations and the outsiders of one test."""

    def __init__(self, running: Running, own: Organization, foreign: Organization, outsiders: dict[str, str]) -> None:
        self.running = running
        self.own = own
        self.foreign = foreign
        self.outsiders = outsiders

    def path(self, route: Route, first: str, rest: str | None = None) -> str:
        """The route's path with this first parameter; further ones are ids that name nothing."""
        names = route.parameters
        values = {name: rest or str(uuid4()) for name in names[1:]}
        return route.path.format(**{**values, names[0]: first})

    async def send(self, route: Route, path: str, token: str | None) -> Reply:
        body = NONSENSE if route.body is not None else None
        return await self.running.api.call(route.method, path, body, token, headers=SAME)


@pytest.fixture
async def cells(running: Running) -> Cells:
    world = running.world
    own, foreign = await world.organization(), await world.organization()
    outsiders = {"forged": own.owner[:-3] + ("abc" if not own.owner.endswith("abc") else "xyz")}
    revoked = await world.member(own.id, "owner")
    outsiders["revoked"] = await world.token(revoked)
    await world.sql.execute("update sessions set revoked_at = now() where user_id = $1", revoked)
    disabled = await world.member(own.id, "owner")
    outsiders["disabled"] = await world.token(disabled)
    await world.sql.execute("update users set disabled_at = now() where id = $1", disabled)
    outsiders["former member"] = await world.token(await world.user())
    return Cells(running, own, foreign, outsiders)


def named(org: Organization, kind: str) -> UUID:
    return org.id if kind == "organization" else getattr(org, kind)


async def deleted_one(world: World, org: Organization, kind: str) -> UUID:
    match kind:
        case "organization":
            gone = await world.organization(people=False)
            for role, user in org.users.items():
                await world.sql.execute(
                    "insert into user_roles (user_id, organization_id, role) values ($1, $2, $3::text::app_role)",
                    user, gone.id, role,
                )  # fmt: skip
            await world.sql.execute("update organizations set deleted_at = now() where id = $1", gone.id)
            return gone.id
        case "site":
            return await world.site(org.id, deleted=True)
        case "area":
            return await world.area(org.id, org.site, deleted=True)
        case "unit":
            return await world.unit(org.id, org.area, deleted=True)
        case "sensor":
            return await world.sensor(org.id, deleted=True)
        case _:
            return await world.gateway(org.id, deleted=True)


async def test_nobody_gets_in_without_a_living_session(cells: Cells) -> None:
    for route in ROUTES:
        if route.gate is Gate.PUBLIC:
            continue
        kind = KINDS.get(route.parameters[0], "organization") if route.parameters else "organization"
        path = cells.path(route, str(named(cells.own, kind))) if route.parameters else route.path
        for outsider in ("nobody", "forged", "revoked", "disabled"):
            reply = await cells.send(route, path, cells.outsiders.get(outsider))
            assert reply.status == 401, (route.name, outsider, reply)
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")


async def test_who_belongs_to_no_organization_finds_nothing(cells: Cells) -> None:
    for route in GUARDED:
        kind = KINDS[route.parameters[0]]
        for target in (named(cells.own, kind), named(cells.foreign, kind), uuid4(), "malformed"):
            reply = await cells.send(route, cells.path(route, str(target)), cells.outsiders["former member"])
            assert reply.status == 404, (route.name, target, reply)


def expected(route: Route, role: Role, what: str) -> set[int]:
    """The statuses that the declaration of the route allows in this cell."""
    assert isinstance(route.gate, Action)
    if what == "malformed" or (KINDS[route.parameters[0]] == "organization" and what != "own"):
        return {404}
    if not may(role, route.gate):
        return {403}
    if what == "own":
        return {422} if route.body is not None else {404} if len(route.parameters) > 1 else {route.status}
    if what == "deleted" and FINDS_DELETED.match(route.path):
        return {route.status, 409}
    # A body is looked at before the object: nothing is told of either.
    return {422} if route.body is not None else {404}


@pytest.mark.parametrize("role", list(Role))
async def test_every_route_keeps_to_its_declaration(cells: Cells, role: Role) -> None:
    world, wrong = cells.running.world, []
    for route in GUARDED:
        kind = KINDS[route.parameters[0]]
        for what in OBJECTS:
            allowed = expected(route, role, what)
            changes = route.mutates and route.body is None and what == "own" and allowed == {route.status}
            if changes:
                continue  # tests/api/test_table.py does these, and the test below those that are refused
            target = {
                "own": named(cells.own, kind),
                "foreign": named(cells.foreign, kind),
                "absent": uuid4(),
                "malformed": "not-a-uuid",
            }.get(what) or await deleted_one(world, cells.own, kind)
            reply = await cells.send(route, cells.path(route, str(target)), cells.own.tokens[role])
            if reply.status not in allowed:
                wrong.append((route.name, what, reply.status, sorted(allowed)))
    assert wrong == []


async def test_permitted_changes_without_a_body_are_permitted_to_exactly_those_roles(cells: Cells) -> None:
    world, wrong = cells.running.world, []
    for route in GUARDED:
        if not route.mutates or route.body is not None:
            continue
        for role in Role:
            org = await world.organization()
            request = await DEEDS[route.name](world, org)
            if route.path.endswith("/leave") and role is Role.OWNER:
                continue  # the last owner may not: tests/api/handlers/test_members.py
            reply = await cells.running.api.call(request.method, request.path, request.body, org.tokens[role])
            assert isinstance(route.gate, Action)
            allowed = {route.status} if may(role, route.gate) else {403}
            if route.path.endswith("/members/{userId}") and role is Role.STAFF:
                allowed = {403}
            if reply.status not in allowed:
                wrong.append((route.name, role, reply.status))
    assert wrong == []


async def test_a_foreign_object_answers_byte_for_byte_like_an_absent_one(cells: Cells) -> None:
    for route in ROUTES:
        if not route.parameters or route.gate is Gate.PUBLIC:
            continue
        kind = KINDS.get(route.parameters[0], "session")
        other = cells.running.program.signer.verify(cells.foreign.owner).session
        foreign_id = other if kind == "session" else named(cells.foreign, kind)
        for role in Role:
            token = cells.own.tokens[role]
            foreign = await cells.send(route, cells.path(route, str(foreign_id), str(cells.foreign.users[role])), token)
            absent = await cells.send(route, cells.path(route, str(uuid4())), token)
            assert (foreign.status, foreign.body) == (absent.status, absent.body), (route.name, role)
            assert strip(foreign) == strip(absent), (route.name, role)


async def test_ids_of_others_in_the_second_place_name_nothing_either(cells: Cells) -> None:
    org = cells.own
    for route in GUARDED:
        if len(route.parameters) < 2 or route.body is not None:
            continue
        foreign = cells.path(route, str(org.id), str(cells.foreign.users[Role.STAFF]))
        absent = cells.path(route, str(org.id))
        first = await cells.send(route, foreign, org.owner)
        second = await cells.send(route, absent, org.owner)
        assert (first.status, first.body) == (second.status, second.body) == (404, second.body), route.name


async def test_nobody_changes_or_sees_a_row_of_the_other_organization(cells: Cells) -> None:
    api, own, foreign = cells.running.api, cells.own, cells.foreign
    before = await rows_of(cells.running.world, foreign)
    marks = {str(getattr(foreign, kind)) for kind in ("site", "area", "unit", "sensor", "gateway")} | {foreign.slug}
    for route in GUARDED:
        request = await DEEDS[route.name](cells.running.world, foreign)
        reply = await api.call(request.method, request.path, request.body, own.owner)
        assert reply.status in {403, 404, 422}, (route.name, reply)
        assert not any(mark.encode() in reply.body for mark in marks), route.name
    after = await rows_of(cells.running.world, foreign)
    # The deeds' own preparations.
    made = {"sites", "areas", "units", "sensors", "gateways", "invitations", "suppressions"}
    assert {t: after[t] for t in after if t not in made} == {t: before[t] for t in before if t not in made}
    for table in made:
        assert before[table] <= after[table], table


async def test_ids_of_others_in_a_body_are_refused(cells: Cells) -> None:
    api, own, foreign = cells.running.api, cells.own, cells.foreign
    for path, body in (
        (f"/units/{own.unit}/move", {"areaId": str(foreign.area)}),
        (f"/sensors/{own.sensor}/assign", {"unitId": str(foreign.unit)}),
        (f"/organizations/{own.id}/gateways", {"serial": "x1", "name": "x", "siteId": str(foreign.site)}),
    ):
        assert (await api.post(path, body, own.owner)).status == 422, path
    assert (await api.patch(f"/gateways/{own.gateway}", {"siteId": str(foreign.site)}, own.owner)).status == 422
    assert (await api.put("/auth/organization", {"organizationId": str(foreign.id)}, own.owner)).status == 404
    page = await api.get(f"/organizations/{own.id}/units?siteId={foreign.site}", own.owner)
    assert page.json == []
    page = await api.get(f"/organizations/{own.id}/sensors?gatewayId={foreign.gateway}", own.owner)
    assert page.json == []


async def test_a_member_of_two_organizations_has_his_own_role_in_each(running: Running) -> None:
    api, world = running.api, running.world
    one, two, three = await world.organization(), await world.organization(), await world.organization()
    user = await world.member(one.id, "viewer")
    await world.member(two.id, "admin", user)
    token = await world.token(user)
    assert (await api.get(f"/units/{one.unit}", token)).status == 200
    assert (await api.get(f"/units/{two.unit}", token)).status == 200
    assert (await api.put(f"/units/{two.unit}", {"name": "A"}, token)).status == 200
    assert (await api.put(f"/units/{one.unit}", {"name": "A"}, token)).status == 403
    assert (await api.put(f"/units/{three.unit}", {"name": "A"}, token)).status == 404
    assert (await api.put(f"/units/{uuid4()}", {"name": "A"}, token)).status == 404


def strip(reply: Reply) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name != "Date"}


async def rows_of(world: World, org: Organization) -> dict[str, set[str]]:
    """Every row that belongs to the organization, as text."""
    tables = await world.sql.fetch(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where a.attname = 'organization_id' and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace"
    )
    found = {}
    for (table,) in tables:
        rows = await world.sql.fetch(f"select t::text from {table} t where organization_id = $1", org.id)
        found[table] = {row[0] for row in rows}
    rows = await world.sql.fetch("select t::text from audit_log t where chain = $1", org.id)
    found["audit_log"] = {row[0] for row in rows}
    found["organizations"] = {
        row[0] for row in await world.sql.fetch("select t::text from organizations t where id = $1", org.id)
    }
    return found
