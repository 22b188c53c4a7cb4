"""Retention over HTTP: owners choose, nobody goes below a year, holds are shown."""

import pytest

from tests.api.world import Api, World


async def test_the_default_is_in_force_until_somebody_chooses(api: Api, world: World) -> None:
    org = await world.organization()
    path = f"/organizations/{org.id}/retention"
    before = await api.get(path, org.token("viewer"))
    assert (before.json["retentionDays"], before.json["effectiveDays"], before.json["minimumDays"]) == (None, 731, 366)
    after = await api.patch(path, {"retentionDays": 1827}, org.owner)
    assert (after.json["retentionDays"], after.json["effectiveDays"]) == (1827, 1827)
    assert after.headers["ETag"] != before.headers["ETag"]
    assert (await api.patch(path, {"retentionDays": None}, org.owner)).json["effectiveDays"] == 731


@pytest.mark.parametrize("body", [{"retentionDays": 365}, {"retentionDays": 36_601}, {"retentionDays": "x"}, {}])
async def test_less_than_a_year_is_refused(api: Api, world: World, body: dict) -> None:
    org = await world.organization()
    assert (await api.patch(f"/organizations/{org.id}/retention", body, org.owner)).status == 422


async def test_only_owners_change_it(api: Api, world: World) -> None:
    org = await world.organization()
    for role in ("admin", "manager", "viewer"):
        answer = await api.patch(f"/organizations/{org.id}/retention", {"retentionDays": 400}, org.token(role))
        assert answer.status == 403


async def test_a_version_that_is_old_is_refused(api: Api, world: World) -> None:
    org = await world.organization()
    path = f"/organizations/{org.id}/retention"
    tag = {"If-Match": (await api.get(path, org.owner)).headers["ETag"]}
    assert (await api.call("PATCH", path, {"retentionDays": 400}, org.owner, headers=tag)).status == 200
    assert (await api.call("PATCH", path, {"retentionDays": 500}, org.owner, headers=tag)).status == 412


async def test_a_legal_hold_is_shown(api: Api, world: World) -> None:
    org = await world.organization()
    await world.sql.execute(
        "update organizations set legal_hold_since = now(), legal_hold_reason = 'court' where id = $1", org.id
    )
    found = (await api.get(f"/organizations/{org.id}/retention", org.owner)).json
    assert found["legalHoldReason"] == "court"
    assert found["legalHoldSince"]
