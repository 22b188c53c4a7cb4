"""What people did."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.world import Api, Organization, World


@pytest.fixture
async def org(world: World) -> Organization:
    return await world.organization()


async def test_it_is_written_down_about_a_unit_or_an_alert(api: Api, world: World, org: Organization) -> None:
    when = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    one = await api.post(
        f"/units/{org.unit}/corrective-actions", {"actionTaken": "defrosted", "completedAt": when}, org.token("staff")
    )
    two = await api.post(f"/alerts/{org.alert}/corrective-actions", {"actionTaken": "called"}, org.token("staff"))
    assert (one.json["alertId"], one.json["createdByName"]) == (None, "Kim Doe")
    assert datetime.fromisoformat(one.json["completedAt"]) == datetime.fromisoformat(when)
    assert (two.json["alertId"], two.json["unitId"]) == (str(org.alert), str(org.unit))
    path = f"/organizations/{org.id}/corrective-actions"
    assert (await api.get(path, org.token("inspector"))).json == [two.json, one.json]
    assert (await api.get(f"{path}?alert={org.alert}", org.owner)).json == [two.json]
    assert (await api.get(f"{path}?unit={org.unit}&to={when.replace('+', '%2B')}", org.owner)).json == []
    reply = await api.get(f"{path}?limit=1", org.owner)
    link = reply.headers["Link"].partition(">")[0].removeprefix("<")
    assert (await api.get(link, org.owner)).json == [one.json]
    assert (await world.last_entry())["object_type"] == "corrective_action"


async def test_about_a_gateways_alert_there_is_no_unit(api: Api, world: World, org: Organization) -> None:
    alert = await world.alert(
        org.id, None, org.unit, unit_id=None, subject_id=org.gateway, gateway_id=org.gateway,
        alert_type="gateway_silent",
    )  # fmt: skip
    made = (await api.post(f"/alerts/{alert}/corrective-actions", {"actionTaken": "plugged in"}, org.owner)).json
    assert (made["unitId"], made["alertId"]) == (None, str(alert))


@pytest.mark.parametrize(
    "body",
    [{}, {"actionTaken": ""}, {"actionTaken": "  "}, {"actionTaken": "x", "completedAt": "2999-01-01T00:00:00Z"},
     {"actionTaken": "x", "completedAt": "0001-01-01T00:00:00Z"},
     {"actionTaken": "x" * 2001}, {"actionTaken": "x", "alertId": "y"}, {"actionTaken": 5}],
)  # fmt: skip
async def test_an_odd_one_is_refused(api: Api, world: World, org: Organization, body: dict[str, Any]) -> None:
    for path in (f"/units/{org.unit}", f"/alerts/{org.alert}"):
        assert (await api.post(f"{path}/corrective-actions", body, org.owner)).status == 422
    assert await world.sql.fetchval("select count(*) from corrective_actions") == 0


async def test_viewers_write_nothing(api: Api, org: Organization) -> None:
    for path in (f"/units/{org.unit}", f"/alerts/{org.alert}"):
        reply = await api.post(f"{path}/corrective-actions", {"actionTaken": "x"}, org.token("viewer"))
        assert reply.status == 403
