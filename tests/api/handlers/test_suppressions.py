"""Windows of silence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.world import Api, Organization, World

HOUR = timedelta(hours=1)


def at(hours: float) -> str:
    return (datetime.now(UTC) + hours * HOUR).isoformat()


@pytest.fixture
async def org(world: World) -> Organization:
    return await world.organization()


async def plan(api: Api, org: Organization, **body: Any) -> dict[str, Any]:
    reply = await api.post(f"/organizations/{org.id}/suppressions", {"endsAt": at(2)} | body, org.token("manager"))
    assert reply.status == 201, reply
    return reply.json


async def test_a_window_is_planned_changed_and_ended(api: Api, world: World, org: Organization) -> None:
    made = await plan(api, org, unitId=str(org.unit), alertTypes=["door_open", "door_open"], reason="defrost", note="x")
    assert (made["unitId"], made["alertTypes"], made["reason"], made["createdByName"]) == (
        str(org.unit), ["door_open"], "defrost", "Kim Doe",
    )  # fmt: skip
    path = f"/organizations/{org.id}/suppressions/{made['id']}"
    assert (await api.get(path, org.token("viewer"))).json == made
    until = at(5)
    changed = (await api.patch(path, {"endsAt": until, "note": None}, org.token("manager"))).json
    assert (changed["note"], datetime.fromisoformat(changed["endsAt"])) == (None, datetime.fromisoformat(until))
    assert (await api.delete(path, None, org.token("manager"))).status == 200
    over = (await api.get(path, org.owner)).json
    assert datetime.fromisoformat(over["endsAt"]) < datetime.now(UTC)
    assert (await api.delete(path, None, org.owner)).status == 409
    assert (await api.patch(path, {"note": "y"}, org.owner)).status == 409
    assert await world.audited() == 3


async def test_a_window_that_has_not_begun_is_removed(api: Api, org: Organization) -> None:
    made = await plan(api, org, startsAt=at(1))
    path = f"/organizations/{org.id}/suppressions/{made['id']}"
    assert (await api.delete(path, None, org.owner)).status == 200
    assert (await api.get(path, org.owner)).status == 404


async def test_the_list_shows_open_ones_or_those_that_are_over(api: Api, world: World, org: Organization) -> None:
    first = await plan(api, org)
    second = await plan(api, org, siteId=str(org.site), endsAt=at(3))
    await api.delete(f"/organizations/{org.id}/suppressions/{first['id']}", None, org.owner)
    path = f"/organizations/{org.id}/suppressions"
    assert [w["id"] for w in (await api.get(path, org.owner)).json] == [second["id"], first["id"]]
    assert [w["id"] for w in (await api.get(f"{path}?open=true", org.owner)).json] == [second["id"]]
    assert [w["id"] for w in (await api.get(f"{path}?open=false", org.owner)).json] == [first["id"]]
    reply = await api.get(f"{path}?limit=1", org.owner)
    link = reply.headers["Link"].partition(">")[0].removeprefix("<")
    assert [w["id"] for w in (await api.get(link, org.owner)).json] == [first["id"]]


@pytest.mark.parametrize(
    "body",
    [{"endsAt": "2020-01-01T00:00:00Z"}, {"endsAt": None}, {"startsAt": "2999-01-01T00:00:00Z"},
     {"endsAt": "2999-01-01T00:00:00Z"}, {"alertTypes": ["x"]}, {"alertTypes": "door_open"}, {"reason": "lunch"},
     {"note": "x" * 501}, {"endsAt": "2026-11-22T10:00:00"}, {"startsAt": 5}, {"createdBy": "me"},
     {"unitId": "00000000-0000-0000-0000-000000000001"}, {"siteId": "00000000-0000-0000-0000-000000000001"}],
)  # fmt: skip
async def test_an_odd_window_is_refused(api: Api, world: World, org: Organization, body: dict[str, Any]) -> None:
    reply = await api.post(f"/organizations/{org.id}/suppressions", {"endsAt": at(2)} | body, org.owner)
    assert reply.status == 422
    assert await world.sql.fetchval("select count(*) from suppressions") == 0


async def test_a_window_is_of_a_site_or_a_unit(api: Api, org: Organization) -> None:
    body = {"endsAt": at(1), "unitId": str(org.unit), "siteId": str(org.site)}
    assert (await api.post(f"/organizations/{org.id}/suppressions", body, org.owner)).status == 422


@pytest.mark.parametrize("body", [{}, {"endsAt": None}, {"endsAt": "2020-01-01T00:00:00Z"}, {"reason": "other"}])
async def test_an_odd_change_is_refused(api: Api, org: Organization, body: dict[str, Any]) -> None:
    made = await plan(api, org)
    reply = await api.patch(f"/organizations/{org.id}/suppressions/{made['id']}", body, org.owner)
    assert reply.status == 422


async def test_places_and_windows_of_others_are_not_there(api: Api, world: World, org: Organization) -> None:
    foreign = await world.organization()
    for name, place in (("unitId", foreign.unit), ("siteId", foreign.site)):
        body = {"endsAt": at(1), name: str(place)}
        assert (await api.post(f"/organizations/{org.id}/suppressions", body, org.owner)).status == 422
    made = await plan(api, foreign)
    path = f"/organizations/{org.id}/suppressions/{made['id']}"
    for method, body in (("GET", None), ("PATCH", {"note": "x"}), ("DELETE", None)):
        assert (await api.call(method, path, body, org.owner)).status == 404
    assert (await api.get(f"/organizations/{org.id}/suppressions", org.owner)).json == []


async def test_the_daemon_hears_of_it(api: Api, world: World, org: Organization) -> None:
    heard: list[str] = []
    await world.sql.add_listener("config", lambda *a: heard.append(a[-1]))
    await plan(api, org)
    await world.sql.execute("select 1")
    assert "alerts" in heard
    await world.sql.remove_listener("config", lambda *_: None)
    await world.sql.reset()
