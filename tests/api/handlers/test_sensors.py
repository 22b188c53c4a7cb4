"""Sensors: from the inbox to a unit and back."""

from uuid import uuid4

import pytest

from tests.api.world import Api, World


async def test_a_sensor_goes_from_the_inbox_to_a_unit_which_follows_it(api: Api, world: World) -> None:
    org = await world.organization()
    inbox = (await api.get(f"/organizations/{org.id}/sensors?pending=true", org.owner)).json
    assert [each["id"] for each in inbox] == [str(org.sensor)]
    placed = (await api.post(f"/sensors/{org.sensor}/assign", {"unitId": str(org.unit)}, org.owner)).json
    assert (placed["unitId"], placed["isPrimary"]) == (str(org.unit), True)
    assert placed["assignedAt"]
    assert (await api.get(f"/organizations/{org.id}/sensors?pending=true", org.owner)).json == []
    assert len((await api.get(f"/units/{org.unit}/sensors", org.owner)).json) == 1
    back = (await api.post(f"/sensors/{org.sensor}/unassign", token=org.owner)).json
    assert (back["unitId"], back["isPrimary"], back["assignedAt"]) == (None, False, None)
    assert (await api.post(f"/sensors/{org.sensor}/unassign", token=org.owner)).status == 409


async def test_a_unit_follows_one_sensor(api: Api, world: World) -> None:
    org = await world.organization()
    second = await world.sensor(org.id)
    await api.post(f"/sensors/{org.sensor}/assign", {"unitId": str(org.unit)}, org.owner)
    placed = (await api.post(f"/sensors/{second}/assign", {"unitId": str(org.unit)}, org.owner)).json
    assert placed["isPrimary"] is False, "the unit has one already"
    assert (await api.post(f"/sensors/{second}/primary", token=org.owner)).json["isPrimary"] is True
    assert (await api.get(f"/sensors/{org.sensor}", org.owner)).json["isPrimary"] is False
    await api.delete(f"/sensors/{second}", token=org.owner)
    assert (await api.post(f"/sensors/{second}/restore", token=org.owner)).json["unitId"] is None


async def test_a_door_contact_never_leads(api: Api, world: World) -> None:
    org = await world.organization()
    await api.patch(f"/sensors/{org.sensor}", {"kind": "door"}, org.owner)
    body = {"unitId": str(org.unit), "primary": True}
    assert (await api.post(f"/sensors/{org.sensor}/assign", body, org.owner)).status == 422
    placed = (await api.post(f"/sensors/{org.sensor}/assign", {"unitId": str(org.unit)}, org.owner)).json
    assert placed["isPrimary"] is False
    assert (await api.post(f"/sensors/{org.sensor}/primary", token=org.owner)).status == 422


async def test_an_eui_is_known_in_every_spelling(api: Api, world: World) -> None:
    org = await world.organization()
    made = (await api.post(f"/organizations/{org.id}/sensors", {"serial": "A8:40:41:00:01:81:C0:61"}, org.owner)).json
    assert made["serial"] == "a84041000181c061"
    again = await api.post(f"/organizations/{org.id}/sensors", {"serial": "A84041000181C061"}, org.owner)
    assert (again.status, again.json["errors"][0]["field"]) == (409, "serial")
    found = (await api.get(f"/organizations/{org.id}/sensors?serial=a8-40-41-00-01-81-c0-61", org.owner)).json
    assert [each["id"] for each in found] == [made["id"]]


async def test_what_a_sensor_measures_has_two_ends(api: Api, world: World) -> None:
    org = await world.organization()
    for body in (
        {"rangeLow": 200},
        {"rangeLow": 50, "rangeHigh": 10},
        {"reportIntervalSeconds": 0},
        {"kind": "oven"},
        {"serial": "x"},
    ):
        assert (await api.patch(f"/sensors/{org.sensor}", body, org.owner)).status == 422, body
    assert (await api.post(f"/sensors/{org.sensor}/assign", {"unitId": str(uuid4())}, org.owner)).status == 422


@pytest.mark.parametrize("at", [
    "2026-01-02T03:04:05", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-15:59",
])  # fmt: skip
async def test_a_time_that_could_never_be_read_again_is_refused(api: Api, world: World, at: str) -> None:
    org = await world.organization(people=False)
    for member in ("calibratedAt", "calibrationDueAt"):
        assert (await api.patch(f"/sensors/{org.sensor}", {member: at}, org.owner)).status == 422


@pytest.mark.parametrize("at", ["2026-01-02T03:04:05+16:00", "2026-01-02T03:04:05-23:59", "0001-01-01T00:00:01Z"])
async def test_the_ends_of_time_are_answered(api: Api, world: World, at: str) -> None:
    org = await world.organization(people=False)
    assert (await api.patch(f"/sensors/{org.sensor}", {"calibratedAt": at}, org.owner)).status == 200
    assert (await api.get(f"/sensors/{org.sensor}", org.owner)).status == 200
