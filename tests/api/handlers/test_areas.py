"""Areas: in the order that people gave them."""

from tests.api.world import Api, World


async def test_areas_stand_in_their_order(api: Api, world: World) -> None:
    org = await world.organization()
    site = (await api.post(f"/organizations/{org.id}/sites", {"name": "S"}, org.owner)).json["id"]
    for name, order in (("last", 9), ("b", 0), ("A", 0), ("first", -5)):
        await api.post(f"/sites/{site}/areas", {"name": name, "sortOrder": order}, org.owner)
    names = [each["name"] for each in (await api.get(f"/sites/{site}/areas", org.token("viewer"))).json]
    assert names == ["first", "A", "b", "last"]


async def test_an_area_goes_and_comes_back_with_its_units(api: Api, world: World) -> None:
    org = await world.organization()
    assert (await api.get(f"/areas/{org.area}/deletion-preview", org.owner)).json["units"] == 1
    await api.delete(f"/areas/{org.area}", token=org.owner)
    assert (await api.get(f"/units/{org.unit}", org.owner)).status == 404
    assert (await api.post(f"/areas/{org.area}/units", {"name": "x"}, org.owner)).status == 404
    back = await api.post(f"/areas/{org.area}/restore", token=org.owner)
    assert back.json["unitCount"] == 1
    assert (await api.post(f"/areas/{org.area}/restore", token=org.owner)).status == 404


async def test_the_same_name_is_fine_in_another_site(api: Api, world: World) -> None:
    org = await world.organization()
    other = await world.site(org.id)
    for site, status in ((org.site, 201), (other, 201), (org.site, 409)):
        assert (await api.post(f"/sites/{site}/areas", {"name": "Cellar"}, org.owner)).status == status
    reply = await api.patch(f"/areas/{org.area}", {"name": "cellar"}, org.owner)
    assert reply.status == 409
