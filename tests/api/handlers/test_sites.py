"""Sites: unique names, paging that visits each once, deletion and return with all below."""

import asyncio
from urllib.parse import quote

import pytest

from tests.api.world import Api, World


async def test_names_differ_by_more_than_case_while_they_live(api: Api, world: World) -> None:
    org = await world.organization()
    path = f"/organizations/{org.id}/sites"
    made = (await api.post(path, {"name": "Harbour"}, org.owner)).json
    again = await api.post(path, {"name": " HARBOUR "}, org.owner)
    assert (again.status, again.json["errors"]) == (409, [{"field": "name", "message": "Another site has this name."}])
    await api.delete(f"/sites/{made['id']}", token=org.owner)
    assert (await api.post(path, {"name": "harbour"}, org.owner)).status == 201
    assert (await api.post(f"/sites/{made['id']}/restore", token=org.owner)).status == 409


@pytest.mark.parametrize("sort", ["name", "-name", "createdAt", "-createdAt"])
async def test_pages_visit_every_site_once_in_order(api: Api, world: World, sort: str) -> None:
    org = await world.organization()
    for name in ("b", "A", "c", "Ä", "a b", "10", "9", "é"):
        await api.post(f"/organizations/{org.id}/sites", {"name": name}, org.owner)
    whole = (await api.get(f"/organizations/{org.id}/sites?sort={sort}", org.owner)).json
    assert len(whole) == 9
    found, path = [], f"/organizations/{org.id}/sites?sort={sort}&limit=2"
    while path:
        page = await api.get(path, org.owner)
        found += page.json
        path = page.headers.get("Link", "").partition("<")[2].partition(">")[0]
    assert found == whole
    keys = [each["name"].lower() if sort.endswith("name") else each["createdAt"] for each in whole]
    if sort.startswith("-"):
        keys.reverse()
    assert keys == sorted(keys)


NONSENSE = [
    "limit=0", "limit=1001", "limit=-1", "limit=1e9", "limit=NaN", "limit=x", "sort=id", "sort=name;drop", "cursor=abc",
    "cursor=WzFd", "cursor=W10", "cursor=" + "A" * 3000, "foo=1", "limit=1&limit=2", "q=%00", "q=" + "x" * 101,
]  # fmt: skip


async def test_queries_that_mean_nothing_are_refused(api: Api, world: World) -> None:
    org = await world.organization()
    for query in NONSENSE:
        assert (await api.get(f"/organizations/{org.id}/sites?{query}", org.owner)).status == 422, query


async def test_a_search_takes_the_text_as_it_is(api: Api, world: World) -> None:
    org = await world.organization()
    for name in ("100 %", "under_score", "Quote ' here", "plain"):
        await api.post(f"/organizations/{org.id}/sites", {"name": name}, org.owner)
    for text, names in (
        ("%", ["100 %"]),
        ("_", ["under_score"]),
        ("' ", ["Quote ' here"]),
        ("PLAIN", ["plain"]),
        ("\\", []),
    ):
        found = (await api.get(f"/organizations/{org.id}/sites?q={quote(text)}", org.owner)).json
        assert [each["name"] for each in found] == names


async def test_what_is_left_out_stays_and_null_clears(api: Api, world: World) -> None:
    org = await world.organization()
    body = {"name": "X", "city": "Ulm", "latitude": 48.4, "longitude": 10, "timezone": "Europe/Berlin"}
    made = (await api.post(f"/organizations/{org.id}/sites", body, org.owner)).json
    changed = (await api.patch(f"/sites/{made['id']}", {"city": None, "latitude": 0}, org.owner)).json
    assert (changed["city"], changed["latitude"], changed["longitude"], changed["name"]) == (None, 0, 10, "X")
    for body in (
        {"name": None},
        {"name": "  "},
        {"latitude": 91},
        {"latitude": True},
        {"latitude": "1"},
        {},
        {"id": made["id"]},
    ):
        assert (await api.patch(f"/sites/{made['id']}", body, org.owner)).status == 422, body


async def test_a_site_goes_and_comes_back_with_what_went_with_it(api: Api, world: World) -> None:
    org = await world.organization()
    before = await world.unit(org.id, org.area)
    await api.delete(f"/units/{before}", token=org.owner)
    preview = (await api.get(f"/sites/{org.site}/deletion-preview", org.owner)).json
    assert preview == {"areas": 1, "units": 1, "sensors": 0}
    assert (await api.delete(f"/sites/{org.site}", token=org.owner)).status == 200
    for path in (f"/sites/{org.site}", f"/areas/{org.area}", f"/units/{org.unit}", f"/sites/{org.site}/areas"):
        assert (await api.get(path, org.owner)).status == 404
    gone = {each["id"]: each["type"] for each in (await api.get(f"/organizations/{org.id}/deleted", org.owner)).json}
    assert gone == {str(org.site): "site", str(org.area): "area", str(org.unit): "unit", str(before): "unit"}
    assert (await api.post(f"/areas/{org.area}/restore", token=org.owner)).status == 409
    assert (await api.post(f"/units/{org.unit}/restore", token=org.owner)).status == 409
    assert (await api.post(f"/sites/{org.site}/restore", token=org.owner)).json["unitCount"] == 1
    assert (await api.get(f"/units/{org.unit}", org.owner)).status == 200
    assert (await api.get(f"/units/{before}", org.owner)).status == 404, "it was deleted before, by itself"


async def test_of_two_who_change_at_once_both_are_heard_or_one_is_told(api: Api, world: World) -> None:
    org = await world.organization()
    path = f"/sites/{org.site}"
    replies = await asyncio.gather(*(api.patch(path, {"city": f"City {n}"}, org.owner) for n in range(8)))
    assert {reply.status for reply in replies} <= {200, 409}
    tag = (await api.get(path, org.owner)).headers["ETag"]
    replies = await asyncio.gather(*(
        api.patch(path, {"city": f"City {n}"}, org.owner, headers={"If-Match": tag}) for n in range(8)
    ))  # fmt: skip
    assert sorted(reply.status for reply in replies) == [200] + [412] * 7
