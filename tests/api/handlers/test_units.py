"""Units: limits of their own or inherited, and a client that sends back what it received."""

from tests.api.world import Api, World


async def test_limits_come_from_the_preset_until_somebody_sets_them(api: Api, world: World) -> None:
    org = await world.organization()
    path = f"/areas/{org.area}/units"
    unit = (await api.post(path, {"name": "F", "unitType": "freezer"}, org.owner)).json
    assert (unit["tempMin"], unit["tempMax"]) == (None, None)
    assert unit["limits"]["high"] == {"value": -15.0, "source": "preset"}
    assert unit["limits"]["criticalHigh"] == {"value": None, "source": "preset"}
    unit = (await api.put(f"/units/{unit['id']}", {"tempMax": -18}, org.owner)).json
    assert (unit["tempMax"], unit["limits"]["high"]) == (-18.0, {"value": -18.0, "source": "unit"})
    assert unit["limits"]["low"]["source"] == "preset"
    unit = (await api.put(f"/units/{unit['id']}", {"tempMax": None}, org.owner)).json
    assert unit["limits"]["high"] == {"value": -15.0, "source": "preset"}


async def test_zero_is_a_limit_like_any_other(api: Api, world: World) -> None:
    org = await world.organization()
    unit = (await api.put(f"/units/{org.unit}", {"tempMin": 0, "tempMax": 8}, org.owner)).json
    assert (unit["tempMin"], unit["limits"]["low"]) == (0, {"value": 0.0, "source": "unit"})
    assert (await api.get(f"/units/{org.unit}", org.owner)).json == unit


async def test_a_new_unit_is_offline_and_has_said_nothing(api: Api, world: World) -> None:
    org = await world.organization()
    unit = (await api.get(f"/units/{org.unit}", org.owner)).json
    assert (unit["status"], unit["temperatureState"], unit["dataState"]) == ("offline", "normal", "never")
    await world.sql.execute(
        "insert into unit_states (unit_id, organization_id, status, status_since, temperature_phase, inside_count,"
        " data_phase, log_out_of_limits, door_level, battery_level, faulty, last_reading_at, last_temperature)"
        " values ($1, $2, 'alarm_active', now(), 'alarm', 0, 'fresh', false, 0, 0, false, now(), 9.5)",
        org.unit, org.id,
    )  # fmt: skip
    [unit] = (await api.get(f"/areas/{org.area}/units", org.token("viewer"))).json
    assert (unit["status"], unit["temperatureState"], unit["lastTemperature"]) == ("alarm_active", "alarm", 9.5)


IMPOSSIBLE = [
    {"tempMin": 8, "tempMax": 0}, {"tempMin": 5}, {"tempMax": -1.0}, {"tempMin": -101}, {"tempMax": 151},
    {"tempMin": True}, {"tempMin": "0"}, {"name": ""}, {"name": None}, {"name": "x" * 101}, {"unitType": "oven"},
    {"unitType": None}, {"sortOrder": 1.5}, {"sortOrder": 2**64}, {"notes": "x" * 501}, {"notes": 5}, {}, {"no": 1},
]  # fmt: skip


async def test_what_cannot_be_is_refused_and_changes_nothing(api: Api, world: World) -> None:
    org = await world.organization()
    before = await world.sql.fetchrow("select * from units where id = $1", org.unit)
    for body in IMPOSSIBLE:
        reply = await api.put(f"/units/{org.unit}", body, org.owner)
        assert reply.status == 422, body
        assert reply.json["errors"]
    assert await world.sql.fetchrow("select * from units where id = $1", org.unit) == before


async def test_a_unit_can_be_sent_back_as_it_was_received(api: Api, world: World) -> None:
    org = await world.organization()
    unit = (await api.get(f"/units/{org.unit}", org.owner)).json
    reply = await api.put(f"/units/{org.unit}", {**unit, "name": "New"}, org.owner)
    assert (reply.status, reply.json["name"]) == (200, "New")
    late = {
        **unit,
        "name": "Newer",
        "status": "ok",
        "limits": {},
        "lastTemperature": 4.0,
        "updatedAt": unit["createdAt"],
    }
    assert (await api.put(f"/units/{org.unit}", late, org.owner)).status == 200, "what lives is ignored in an echo"
    cut = {**unit, "createdAt": unit["createdAt"][:-4] + "Z", "name": "Newest"}
    assert (await api.put(f"/units/{org.unit}", cut, org.owner)).status == 200, "browsers keep milliseconds"


async def test_what_clients_cannot_set_is_refused(api: Api, world: World) -> None:
    org, other = await world.organization(), await world.organization()
    unit = (await api.get(f"/units/{org.unit}", org.owner)).json
    then = "2020-01-01T00:00:00Z"
    lives = {"updatedAt": then, "status": "ok", "temperatureState": "normal", "limits": {}, "lastTemperature": 1}
    fixed = {"organizationId": str(other.id), "siteId": str(other.site), "areaId": str(other.area), "createdAt": then}
    for name, value in {
        **lives,
        **fixed,
        "id": str(other.unit),
        "deletedAt": then,
        "settings": {},
        "role": "x",
    }.items():
        alone = await api.put(f"/units/{org.unit}", {"name": "N", name: value}, org.owner)
        assert alone.status == 422, name
    for name, value in {**fixed, "id": str(other.unit), "deletedAt": None, "settings": {}}.items():
        echo = await api.put(f"/units/{org.unit}", {**unit, name: value}, org.owner)
        assert echo.status == 422, name
    assert (await api.get(f"/units/{org.unit}", org.owner)).json == unit


async def test_changing_units_is_for_owners_and_admins(api: Api, world: World) -> None:
    org = await world.organization()
    statuses = {
        str(role): (await api.put(f"/units/{org.unit}", {"notes": str(role)}, token)).status
        for role, token in org.tokens.items()
    }
    assert statuses == {"owner": 200, "admin": 200, "manager": 403, "staff": 403, "viewer": 403, "inspector": 403}


async def test_a_change_says_why(api: Api, world: World) -> None:
    org = await world.organization()
    headers = {"X-Change-Reason": "neue T%C3%BCrdichtung"}
    await api.put(f"/units/{org.unit}", {"tempMax": 7}, org.owner, headers=headers)
    [entry] = (await api.get(f"/units/{org.unit}/history", org.token("viewer"))).json
    assert entry["reason"] == "neue Türdichtung"
    assert (entry["old"], entry["new"]) == ({"tempMax": None}, {"tempMax": 7})
    assert (entry["actorName"], entry["action"]) == ("Kim Doe", "unit.updated")
    for reason in ("x" * 501, "line%0Abreak", "%00"):
        reply = await api.put(f"/units/{org.unit}", {"tempMax": 6}, org.owner, headers={"X-Change-Reason": reason})
        assert reply.status == 422


async def test_a_unit_moves_within_its_organization(api: Api, world: World) -> None:
    org = await world.organization()
    other = await world.area(org.id, await world.site(org.id))
    moved = await api.post(f"/units/{org.unit}/move", {"areaId": str(other)}, org.owner)
    assert moved.json["areaId"] == str(other)
    gone = await world.area(org.id, org.site, deleted=True)
    assert (await api.post(f"/units/{org.unit}/move", {"areaId": str(gone)}, org.owner)).status == 422


async def test_units_are_listed_by_site_type_and_name(api: Api, world: World) -> None:
    org = await world.organization()
    site = await world.site(org.id)
    area = await world.area(org.id, site)
    for name, kind in (("Cold 1", "fridge"), ("Cold 2", "freezer")):
        await api.post(f"/areas/{area}/units", {"name": name, "unitType": kind}, org.owner)
    path = f"/organizations/{org.id}/units"
    for query, count in (
        ("", 3),
        (f"?siteId={site}", 2),
        ("?unitType=freezer", 1),
        ("?q=cold", 2),
        ("?q=cold&limit=1", 1),
    ):
        assert len((await api.get(path + query, org.owner)).json) == count, query
    assert (await api.get(path + "?siteId=x", org.owner)).status == 422
