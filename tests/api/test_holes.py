"""The holes of the earlier design, S1 to S24, each shut and each held shut by name.

S12 (published ports), S19 (tokens in the frontend's storage) lie outside this program; the rest is here.
"""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import jwt
import pytest

import frostguard
from api.routing import Gate, Route, check
from frostguard.domain.access import Action, Role
from frostguard.errors import UsageError
from frostguard.security import ISSUER, Signer
from tests.api.conftest import SECRET, Running
from tests.api.world import Api, World

ROOT = Path(frostguard.__file__).parent.parent


async def test_s1_a_unit_is_read_by_its_own_organization_only(api: Api, world: World) -> None:
    one, two = await world.organization(), await world.organization()
    assert (await api.get(f"/units/{two.unit}", one.owner)).status == 404


async def test_s2_limits_are_changed_by_the_own_organization_only(api: Api, world: World) -> None:
    one, two = await world.organization(), await world.organization()
    assert (await api.put(f"/units/{two.unit}", {"tempMax": 20}, one.token("admin"))).status == 404
    assert await world.sql.fetchval("select temp_max from units where id = $1", two.unit) is None


async def test_s3_no_unit_is_made_in_a_foreign_or_absent_area(api: Api, world: World) -> None:
    one, two = await world.organization(), await world.organization()
    same = {"X-Request-Id": "same-for-both"}
    foreign = await api.post(f"/areas/{two.area}/units", {"name": "x"}, one.owner, headers=same)
    absent = await api.post(f"/areas/{uuid4()}/units", {"name": "x"}, one.owner, headers=same)
    assert (foreign.status, foreign.body) == (absent.status, absent.body) == (404, absent.body)


def test_s4_and_s14_a_route_without_a_permission_does_not_start() -> None:
    async def handler(call):
        raise AssertionError

    bad = [
        Route("GET", "/units/{unitId}", handler, None, "x"),  # type: ignore[arg-type]
        Route("GET", "/things/{thingId}", handler, Action.READINGS_VIEW, "x"),
        Route("GET", "/things", handler, Action.READINGS_VIEW, "x"),
        Route("POST", "/units/{unitId}", handler, Action.UNITS_UPDATE, "x"),
        Route("GET", "/x", handler, Gate.PUBLIC, "x", settles=True),
    ]
    for route in bad:
        with pytest.raises(UsageError):
            check([route], {"unitId": "unit"})


async def test_s5_who_lost_the_role_reads_nothing_any_more(api: Api, world: World) -> None:
    org = await world.organization()
    token, user = org.token("viewer"), org.users[Role.VIEWER]
    assert (await api.get(f"/units/{org.unit}", token)).status == 200
    assert (await api.delete(f"/organizations/{org.id}/members/{user}", token=org.owner)).status == 200
    assert (await api.get(f"/units/{org.unit}", token)).status == 404


async def test_s6_nobody_moves_himself_into_another_organization(api: Api, world: World) -> None:
    one, two = await world.organization(), await world.organization()
    assert (await api.patch("/auth/me", {"organizationId": str(two.id)}, one.owner)).status == 422
    assert (await api.put("/auth/organization", {"organizationId": str(two.id)}, one.owner)).status == 404
    await world.sql.execute(
        "update profiles set organization_id = $2 where user_id = $1", one.users[Role.OWNER], two.id
    )
    assert (await api.get(f"/organizations/{two.id}", one.owner)).status == 404, "membership is what counts"


async def test_s7_existence_is_told_by_no_status(api: Api, world: World) -> None:
    one, two = await world.organization(), await world.organization()
    for path in ("/areas/{}/units", "/units/{}", "/sites/{}", "/sensors/{}", "/gateways/{}"):
        target = {"/a": two.area, "/u": two.unit, "/si": two.site, "/se": two.sensor, "/g": two.gateway}
        foreign = next(v for k, v in target.items() if path.startswith(k))
        statuses = {(await api.get(path.format(each), one.owner)).status for each in (foreign, uuid4(), "x")}
        assert statuses == {404}, path


async def test_s8_tokens_of_another_kind_or_algorithm_are_refused(running: Running) -> None:
    org = await running.world.organization()
    good = jwt.decode(org.owner, options={"verify_signature": False})
    header = jwt.get_unverified_header(org.owner)
    forged = [
        jwt.encode(good, SECRET, "HS256", headers={"kid": header["kid"], "typ": "JWT"}),
        jwt.encode(good, SECRET + SECRET, "HS384", headers={"kid": header["kid"], "typ": "at+jwt"}),
        jwt.encode(good, None, "none", headers={"kid": header["kid"], "typ": "at+jwt"}),
        jwt.encode({**good, "iss": "other"}, SECRET, "HS256", headers={"kid": header["kid"], "typ": "at+jwt"}),
        jwt.encode({**good, "sub": str(uuid4())}, SECRET, "HS256", headers={"kid": header["kid"], "typ": "at+jwt"}),
    ]
    assert good["iss"] == ISSUER
    for token in forged:
        assert (await running.api.get("/auth/me", token)).status == 401


async def test_s9_logout_disabling_and_role_changes_work_on_living_tokens(api: Api, world: World) -> None:
    org = await world.organization()
    await api.get("/auth/me", org.token("staff"))
    await api.post("/auth/logout", token=org.token("staff"))
    assert (await api.get("/auth/me", org.token("staff"))).status == 401


async def test_s10_a_failing_database_is_no_401(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    org = await running.world.organization()
    monkeypatch.setattr("api.principals.TRUST_WAIT_SECONDS", 0.05)
    running.program.principals._trusted_until = 0.0
    assert (await running.api.get("/auth/me", org.owner)).status in {200, 503}


@pytest.mark.parametrize("secret", [
    "your-super-secret-jwt-key-here", "your-super-secret-key-min-32-chars", "", "x" * 31, "a" * 64, "short",
])  # fmt: skip
def test_s11_known_and_short_secrets_do_not_start(secret: str) -> None:
    with pytest.raises(UsageError, match="JWT_SECRET"):
        Signer(secret, 900)


async def test_s13_there_is_no_way_in_beside_the_table(running: Running) -> None:
    served = {(r.method, r.resource.canonical) for r in running.program.application().router.routes()}
    assert served == {(route.method, route.path) for route in running.program.routes}


async def test_s15_malformed_ids_never_reach_the_database(api: Api, world: World) -> None:
    org = await world.organization()
    for text in (
        "x",
        "0",
        "%00",
        "..%2F..",
        "'",
        "9223372036854775808",
        "[]",
        str(uuid4())[:-1],
        "{" + str(uuid4()) + "}",
    ):
        reply = await api.get(f"/units/{text}", org.owner)
        assert reply.status == 404, text
        assert b"22P02" not in reply.body


async def test_s16_an_empty_body_changes_nothing_and_two_editors_notice_each_other(api: Api, world: World) -> None:
    org = await world.organization()
    before = await api.get(f"/units/{org.unit}", org.owner)
    assert (await api.put(f"/units/{org.unit}", {}, org.owner)).status == 422
    assert (await api.get(f"/units/{org.unit}", org.owner)).headers["ETag"] == before.headers["ETag"]
    tag = {"If-Match": before.headers["ETag"]}
    replies = await asyncio.gather(*(
        api.put(f"/units/{org.unit}", {"notes": str(n)}, org.owner, headers=tag) for n in range(6)
    ))  # fmt: skip
    assert sorted(reply.status for reply in replies) == [200] + [412] * 5


async def test_s17_answers_have_declared_members_only(api: Api, world: World) -> None:
    org = await world.organization()
    await world.sql.execute("alter table units add column secret_note text default 'hidden'")
    try:
        reply = await api.get(f"/units/{org.unit}", org.owner)  # checked against its shape by the client of the tests
    finally:
        await world.sql.execute("alter table units drop column secret_note")
    assert b"hidden" not in reply.body


async def test_s18_there_are_limits(api: Api, world: World) -> None:
    org = await world.organization()
    assert (await api.get(f"/organizations/{org.id}/units?limit=100000", org.owner)).status == 422
    big = b'{"name": "' + b"x" * 300_000 + b'"}'
    assert (await api.post(f"/organizations/{org.id}/sites", raw=big, token=org.owner)).status == 413


async def test_s20_every_family_of_paths_is_guarded_alike(running: Running) -> None:
    unguarded = [r.name for r in running.program.routes if r.parameters and not isinstance(r.gate, Action)]
    assert unguarded == [
        "DELETE /auth/sessions/{sessionId}",  # its statement names the user
        "GET /page/{version}/{file}",  # a dictionary of the files of the page
    ]


def test_s21_every_time_has_a_zone_and_addresses_are_unique() -> None:
    text = "".join(path.read_text() for path in sorted((ROOT / "sql").glob("*.sql")))
    assert not re.search(r"\btimestamp\b(?! at)", text.replace("timestamptz", ""))
    assert "create unique index users_email on users (email)" in text


async def test_s22_nobody_raises_himself_and_an_owner_remains(api: Api, world: World) -> None:
    org = await world.organization()
    admin = f"/organizations/{org.id}/members/{org.users[Role.ADMIN]}"
    assert (await api.patch(admin, {"role": "owner"}, org.token("admin"))).status == 403
    owner = f"/organizations/{org.id}/members/{org.users[Role.OWNER]}"
    assert (await api.patch(owner, {"role": "viewer"}, org.token("admin"))).status == 403
    assert (await api.post(f"/organizations/{org.id}/leave", token=org.owner)).status == 409


async def test_s23_health_asks_the_database(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    ping: Callable = running.program.lanes.ping

    async def noted() -> None:
        asked.append(True)
        await ping()

    monkeypatch.setattr(running.program.lanes, "ping", noted)
    assert (await running.api.get("/health")).status == 200
    assert asked


async def test_s24_limits_and_roles_leave_a_trace_that_cannot_be_removed(api: Api, world: World) -> None:
    org = await world.organization()
    await api.put(f"/units/{org.unit}", {"tempMax": 7}, org.owner)
    await api.patch(f"/organizations/{org.id}/members/{org.users[Role.STAFF]}", {"role": "viewer"}, org.owner)
    entries = (await api.get(f"/organizations/{org.id}/audit", org.owner)).json
    assert [each["action"] for each in entries] == ["member.role_changed", "unit.updated"]
    assert (entries[0]["old"], entries[0]["new"]) == ({"role": "staff"}, {"role": "viewer"})
    for statement in ("update audit_log set reason = 'x'", "delete from audit_log", "truncate audit_log"):
        with pytest.raises(Exception, match="append-only"):
            await world.sql.execute(statement)
