"""How many alerts are open, and how long things took."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.world import Api, Organization, World

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def org(world: World) -> Organization:
    made = await world.organization()
    await world.sql.execute("delete from alerts")
    return made


async def test_what_is_open_is_counted(api: Api, world: World, org: Organization) -> None:
    path = f"/organizations/{org.id}/alerts/count"
    empty = (await api.get(path, org.owner)).json
    assert (empty["open"], empty["byStatus"]) == (0, {"active": 0, "acknowledged": 0, "escalated": 0})
    other_site = await world.site(org.id)
    await world.alert(org.id, org.site, org.unit)
    await world.alert(org.id, other_site, org.unit, alert_type="door_open", severity="warning", status="acknowledged")
    await world.alert(org.id, org.site, org.unit, alert_type="low_battery", status="resolved", resolved_at=NOW)
    foreign = await world.organization(people=False)
    found = (await api.get(path, org.token("viewer"))).json
    assert found == {
        "open": 2,
        "byStatus": {"active": 1, "acknowledged": 1, "escalated": 0},
        "bySeverity": {"info": 0, "warning": 1, "critical": 1},
        "byType": {"alarm_active": 1, "door_open": 1},
    }
    assert (await api.get(f"{path}?site={other_site}", org.owner)).json["open"] == 1
    assert (await api.get(f"{path}?site={foreign.site}", org.owner)).json["open"] == 0


async def test_how_long_it_took(api: Api, world: World, org: Organization) -> None:
    times = {"opened_at": NOW - 5 * HOUR, "raised_at": NOW - 4 * HOUR}
    await world.alert(org.id, org.site, org.unit, **times, status="resolved",
                      acknowledged_at=NOW - 3 * HOUR, resolved_at=NOW - 2 * HOUR)  # fmt: skip
    await world.alert(org.id, None, org.unit, **times, alert_type="door_open", severity="warning",
                      status="acknowledged", acknowledged_at=NOW - HOUR)  # fmt: skip
    await world.alert(org.id, org.site, org.unit, **times, alert_type="sensor_fault", status="resolved",
                      resolved_at=NOW, backfilled=True)  # fmt: skip
    await world.alert(org.id, org.site, org.unit, opened_at=NOW - 24 * 40 * HOUR, alert_type="low_battery")
    found = (await api.get(f"/organizations/{org.id}/alert-analytics", org.owner)).json
    assert found["all"] == {
        "alerts": 2, "acknowledged": 2, "resolved": 1, "acknowledgeSecondsMean": 7200.0,
        "acknowledgeSecondsMedian": 7200.0, "resolveSecondsMean": 10800.0, "resolveSecondsMedian": 10800.0,
    }  # fmt: skip
    assert {part["alertType"]: part["acknowledgeSecondsMean"] for part in found["byType"]} == {
        "alarm_active": 3600.0, "door_open": 10800.0,
    }  # fmt: skip
    assert {part["severity"]: part["alerts"] for part in found["bySeverity"]} == {"critical": 1, "warning": 1}
    assert {part["siteId"]: part["alerts"] for part in found["bySite"]} == {str(org.site): 1, None: 1}
    longer = (await api.get(f"/organizations/{org.id}/alert-analytics?range=90d", org.owner)).json
    assert longer["all"]["alerts"] == 3


async def test_where_there_was_nothing(api: Api, org: Organization) -> None:
    found = (await api.get(f"/organizations/{org.id}/alert-analytics?range=24h", org.owner)).json
    assert found["all"]["alerts"] == 0
    assert found["all"]["resolveSecondsMean"] is None
    assert found["byType"] == found["bySeverity"] == found["bySite"] == []


@pytest.mark.parametrize("query", ["range=2d", "from=2999-01-01T00:00:00Z", "to=2026-01-01T00:00:00Z", "from=x"])
async def test_an_odd_question_is_refused(api: Api, org: Organization, query: str) -> None:
    assert (await api.get(f"/organizations/{org.id}/alert-analytics?{query}", org.owner)).status == 422
