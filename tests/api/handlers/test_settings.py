"""Settings: each level overrides field by field, null inherits, contradictions are refused where they would arise."""

from frostguard.domain.limits import SETTINGS
from tests.api.world import Api, World


async def test_the_nearest_level_wins_field_by_field(api: Api, world: World) -> None:
    org = await world.organization()
    await api.patch(f"/organizations/{org.id}/settings", {"confirmSeconds": 100, "hysteresis": 1}, org.owner)
    await api.patch(f"/sites/{org.site}/settings", {"confirmSeconds": 200}, org.owner)
    await api.patch(f"/units/{org.unit}/settings", {"high": 7}, org.owner)
    found = (await api.get(f"/units/{org.unit}/settings", org.token("viewer"))).json["effective"]
    assert found["high"] == {"value": 7.0, "source": "unit"}
    assert found["confirmSeconds"] == {"value": 200, "source": "site"}
    assert found["hysteresis"] == {"value": 1.0, "source": "organization"}
    assert found["low"] == {"value": -1.0, "source": "preset"}
    assert len(found) == len(SETTINGS)
    await api.patch(f"/sites/{org.site}/settings", {"confirmSeconds": None}, org.owner)
    unit = (await api.get(f"/units/{org.unit}", org.owner)).json
    assert unit["limits"]["confirmSeconds"] == {"value": 100, "source": "organization"}
    site = (await api.get(f"/sites/{org.site}/settings", org.owner)).json
    assert site["overrides"]["confirmSeconds"] is None
    assert site["inherited"]["confirmSeconds"] == {"value": 100, "source": "organization"}


async def test_a_units_limits_are_the_same_in_both_places(api: Api, world: World) -> None:
    org = await world.organization()
    await api.put(f"/units/{org.unit}", {"tempMin": 0, "tempMax": 8}, org.owner)
    overrides = (await api.get(f"/units/{org.unit}/settings", org.owner)).json["overrides"]
    assert (overrides["low"], overrides["high"]) == (0.0, 8.0)
    await api.patch(f"/units/{org.unit}/settings", {"low": None, "confirmSeconds": 0}, org.token("manager"))
    unit = (await api.get(f"/units/{org.unit}", org.owner)).json
    assert (unit["tempMin"], unit["tempMax"]) == (None, 8.0)
    assert unit["limits"]["confirmSeconds"] == {"value": 0, "source": "unit"}
    row = await world.sql.fetchrow("select settings, temp_min, temp_max from units where id = $1", org.unit)
    assert tuple(row) == ('{"confirm_seconds": 0}', None, 8.0)


async def test_contradictions_are_refused_at_every_level_with_an_example(api: Api, world: World) -> None:
    org = await world.organization()
    await api.put(f"/units/{org.unit}", {"tempMax": 3, "name": "Milk"}, org.owner)
    for path in (f"/organizations/{org.id}/settings", f"/sites/{org.site}/settings", f"/units/{org.unit}/settings"):
        reply = await api.patch(path, {"low": 4}, org.owner)
        assert reply.status == 422
        assert reply.json["errors"][0]["field"] == "low"
    assert "Milk" in (await api.patch(f"/sites/{org.site}/settings", {"low": 4}, org.owner)).json["error"]
    reply = await api.patch(f"/organizations/{org.id}/settings", {"doorWarningSeconds": 700}, org.owner)
    assert "doorCriticalSeconds" in reply.json["error"]


async def test_ranges_kinds_and_levels_are_checked(api: Api, world: World) -> None:
    org = await world.organization()
    for body in (
        {"high": 151},
        {"confirmSeconds": 1.5},
        {"confirmSeconds": -1},
        {"hysteresis": True},
        {"nonsense": 1},
        {},
    ):
        assert (await api.patch(f"/organizations/{org.id}/settings", body, org.owner)).status == 422, body
    for path in (f"/sites/{org.site}/settings", f"/units/{org.unit}/settings"):
        reply = await api.patch(path, {"gatewayMissedCheckins": 2}, org.owner)
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, "gatewayMissedCheckins")


async def test_settings_have_versions_too(api: Api, world: World) -> None:
    org = await world.organization()
    path = f"/units/{org.unit}/settings"
    tag = (await api.get(path, org.owner)).headers["ETag"]
    assert (await api.patch(path, {"high": 7}, org.owner, headers={"If-Match": tag})).status == 200
    assert (await api.patch(path, {"high": 8}, org.owner, headers={"If-Match": tag})).status == 412


async def test_the_table_describes_every_setting(api: Api, world: World) -> None:
    org = await world.organization()
    table = {each["name"]: each for each in (await api.get("/settings", org.token("viewer"))).json}
    assert len(table) == len(SETTINGS)
    assert table["high"]["presets"]["freezer"] == -15.0
    assert table["gatewayMissedCheckins"]["levels"] == ["organization"]


async def test_a_change_wakes_the_daemon(api: Api, world: World) -> None:
    org = await world.organization()
    heard: list[str] = []
    await world.sql.add_listener("config", lambda *args: heard.append(args[-1]))
    await api.patch(f"/organizations/{org.id}/settings", {"confirmSeconds": 60}, org.owner)
    await api.patch(f"/sites/{org.site}/settings", {"confirmSeconds": 60}, org.owner)
    await api.put(f"/units/{org.unit}", {"tempMax": 7}, org.owner)
    await world.sql.fetchval("select 1")
    assert heard.count(str(org.id)) == 3
