"""Organizations: changed with a version, deleted for everybody at once, shown as a tree."""

from tests.api.world import Api, World


async def test_a_change_needs_the_version_that_was_read_if_it_names_one(api: Api, world: World) -> None:
    org = await world.organization()
    read = await api.get(f"/organizations/{org.id}", org.owner)
    path, tag = f"/organizations/{org.id}", read.headers["ETag"]
    first = await api.patch(path, {"name": "One"}, org.owner, headers={"If-Match": tag})
    assert (first.status, first.json["name"]) == (200, "One")
    assert (await api.patch(path, {"name": "Two"}, org.owner, headers={"If-Match": tag})).status == 412
    assert (
        await api.patch(path, {"name": "Two"}, org.owner, headers={"If-Match": first.headers["ETag"]})
    ).status == 200
    assert (await api.delete(path, token=org.owner, headers={"If-Match": tag})).status == 412
    assert (await api.patch(path, {"name": "Three"}, org.owner, headers={"If-Match": "*"})).status == 200


async def test_a_slug_belongs_to_one(api: Api, world: World) -> None:
    one, two = await world.organization(), await world.organization()
    reply = await api.patch(f"/organizations/{one.id}", {"slug": two.slug}, one.owner)
    assert (reply.status, reply.json["errors"][0]["field"]) == (409, "slug")
    assert (await api.post("/organizations", {"name": "X", "slug": two.slug}, one.owner)).status == 409
    taken = await api.get(f"/organizations/slug-available?slug={two.slug}", one.owner)
    free = await api.get("/organizations/slug-available?slug=quite-free", one.owner)
    assert (taken.json["available"], free.json["available"]) == (False, True)


async def test_who_makes_an_organization_owns_it_at_once(api: Api, world: World) -> None:
    org = await world.organization()
    made = (await api.post("/organizations", {"name": "Second one"}, org.token("viewer"))).json
    assert made["slug"] == "second-one"
    assert (await api.patch(f"/organizations/{made['id']}", {"name": "Mine"}, org.token("viewer"))).status == 200
    roles = {each["name"]: each["role"] for each in (await api.get("/organizations", org.token("viewer"))).json}
    assert roles == {"Mine": "owner", org.slug: "viewer"}


async def test_a_deleted_organization_is_gone_for_all_its_members(api: Api, world: World) -> None:
    org = await world.organization()
    assert (await api.get(f"/units/{org.unit}", org.token("staff"))).status == 200
    assert (await api.delete(f"/organizations/{org.id}", token=org.token("admin"))).status == 403
    assert (await api.delete(f"/organizations/{org.id}", token=org.owner)).status == 200
    assert (await api.get(f"/units/{org.unit}", org.token("staff"))).status == 404
    assert (await api.get("/auth/me", org.token("staff"))).json["memberships"] == []
    assert (await api.post("/organizations", {"name": "Again", "slug": org.slug}, org.owner)).status == 201


async def test_the_tree_has_everything_in_its_place(api: Api, world: World) -> None:
    org = await world.organization()
    empty = await world.area(org.id, org.site)
    await world.site(org.id)
    await world.sensor(org.id, org.unit)
    await world.unit(org.id, org.area, deleted=True)
    tree = (await api.get(f"/organizations/{org.id}/nav-tree", org.token("viewer"))).json
    assert len(tree) == 2
    [site] = [each for each in tree if each["id"] == str(org.site)]
    areas = {each["id"]: each["units"] for each in site["areas"]}
    assert areas[str(empty)] == []
    [unit] = areas[str(org.area)]
    assert (unit["id"], unit["unitType"], unit["sensors"]) == (str(org.unit), "fridge", 1)


async def test_zones_are_iana_names(api: Api, world: World) -> None:
    org = await world.organization()
    for zone, status in (("Europe/Berlin", 200), ("UTC", 200), ("Mars/Base", 422), ("../etc/passwd", 422), ("", 422)):
        assert (await api.patch(f"/organizations/{org.id}", {"timezone": zone}, org.owner)).status == status, zone
