"""Alerts over HTTP: what the earlier frontend reads, filters, pages, and the two deeds."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.conftest import Running
from tests.api.world import Api, Organization, World
from tests.fakes import NOON

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def org(world: World) -> Organization:
    return await world.organization()


async def state(world: World, org: Organization, **changes: Any) -> None:
    values = {
        "unit_id": org.unit, "organization_id": org.id, "status": "ok", "temperature_phase": "normal",
        "inside_count": 0, "data_phase": "fresh", "log_out_of_limits": False, "door_level": 0, "battery_level": 0,
        "faulty": False,
    } | changes  # fmt: skip
    columns, marks = ", ".join(values), ", ".join(f"${n}" for n in range(1, len(values) + 1))
    await world.sql.execute(f"insert into unit_states ({columns}) values ({marks})", *values.values())


async def history(world: World, alert: UUID) -> list[tuple[str, str | None]]:
    rows = await world.sql.fetch("select action, detail from alert_timeline where alert_id = $1 order by id", alert)
    return [tuple(row) for row in rows]


# --- reading


async def test_an_alert_has_the_members_that_the_earlier_frontend_knows(api: Api, org: Organization) -> None:
    (found,) = (await api.get(f"/units/{org.unit}/alerts", org.token("viewer"))).json
    assert found["id"] == str(org.alert)
    assert (found["unitId"], found["alertType"], found["severity"], found["status"], found["title"]) == (
        str(org.unit), "alarm_active", "critical", "active", "Temperature alarm",
    )  # fmt: skip
    assert (found["tempReading"], found["tempLimit"]) == (9.5, 5.0)
    assert found["message"] == "9.5 °C, the limit is 5 °C"
    assert found["triggeredAt"] == found["openedAt"]
    assert found["limits"] == {"low": -1.0, "high": 5.0}
    assert all(found[name] is None for name in ("acknowledgedAt", "acknowledgedBy", "resolvedAt", "resolvedBy"))


BROKEN = [
    (-3.0, '{"low": -1.0, "high": 5.0}', -1.0), (0.5, '{"low": -5.0, "high": 0}', 0), (None, None, None),
    (3.0, '{"low": -1.0, "high": 5.0}', None),
]  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
async def test_the_limit_that_was_broken(api: Api, world: World, org: Organization, case: tuple[Any, ...]) -> None:
    celsius, limits, limit = case
    unit = await world.unit(org.id, org.area)
    await world.alert(org.id, org.site, unit, celsius=celsius, limits=limits)
    (found,) = (await api.get(f"/units/{unit}/alerts", org.owner)).json
    assert found["tempLimit"] == limit


async def test_the_three_lists_hold_the_same_newest_first(api: Api, world: World, org: Organization) -> None:
    await world.sql.execute("update alerts set opened_at = $1", NOON)
    for minute in (5, 2, 9):
        unit = await world.unit(org.id, org.area)
        await world.alert(org.id, org.site, unit, opened_at=NOON + minute * MINUTE)
    lists = [
        (await api.get(path, org.owner)).json
        for path in (f"/organizations/{org.id}/alerts", f"/sites/{org.site}/alerts")
    ]
    assert lists[0] == lists[1]
    times = [alert["openedAt"] for alert in lists[0]]
    assert len(times) == 4
    assert times == sorted(times, reverse=True)


FILTERS = [
    ("status=active", {"a", "d"}), ("status=resolved", {"c"}), ("status=active,acknowledged", {"a", "b", "d"}),
    ("severity=warning", {"b"}), ("severity=critical,info", {"a", "c", "d"}), ("type=door_open", {"b", "c"}),
    ("type=door_open&status=resolved", {"c"}), ("from=2026-11-22T12:02:00Z", {"c", "d"}),
    ("to=2026-11-22T12:02:00Z", {"a", "b"}), ("from=2026-11-22T12:01:00Z&to=2026-11-22T12:03:00Z", {"b", "c"}),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), FILTERS)
async def test_a_filter(api: Api, world: World, org: Organization, query: str, expected: set[str]) -> None:
    await world.sql.execute("delete from alerts")
    kinds = {
        "a": {"status": "active"},
        "b": {"status": "acknowledged", "severity": "warning", "alert_type": "door_open"},
        "c": {"status": "resolved", "resolved_at": NOON + 5 * MINUTE, "alert_type": "door_open", "severity": "info"},
        "d": {"status": "active", "alert_type": "low_battery"},
    }
    names = {
        str(await world.alert(org.id, org.site, org.unit, opened_at=NOON + n * MINUTE, **kind)): name
        for n, (name, kind) in enumerate(kinds.items())
    }
    for path in (f"/organizations/{org.id}", f"/sites/{org.site}", f"/units/{org.unit}"):
        found = (await api.get(f"{path}/alerts?{query}", org.owner)).json
        assert {names[alert["id"]] for alert in found} == expected, path


async def test_the_organizations_list_can_be_of_one_unit_or_site(api: Api, world: World, org: Organization) -> None:
    site = await world.site(org.id)
    unit = await world.unit(org.id, await world.area(org.id, site))
    other = str(await world.alert(org.id, site, unit))
    for query in (f"site={site}", f"unit={unit}"):
        found = (await api.get(f"/organizations/{org.id}/alerts?{query}", org.owner)).json
        assert [alert["id"] for alert in found] == [other]
    assert (await api.get(f"/organizations/{org.id}/alerts?unit={unit}&site={org.site}", org.owner)).json == []


@pytest.mark.parametrize("limit", [1, 3, 7])
async def test_paging_visits_each_alert_once(api: Api, world: World, org: Organization, limit: int) -> None:
    """Also where several opened at one moment."""
    for n in range(14):
        await world.alert(org.id, org.site, await world.unit(org.id, org.area), opened_at=NOON + n // 5 * MINUTE)
    whole = (await api.get(f"/organizations/{org.id}/alerts", org.owner)).json
    link, seen = f"/organizations/{org.id}/alerts?limit={limit}&severity=critical", []
    while link:
        reply = await api.get(link, org.owner)
        seen += reply.json
        link = reply.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == whole
    assert len(seen) == 15


@pytest.mark.parametrize(
    "query",
    ["status=open", "status=", "status=active,", "severity=high", "type=x", "limit=0", "limit=1001", "limit=-1",
     "from=now", "from=2026-11-22T10:00:00", "cursor=x", "cursor=W10", "cursor=WyJ4IiwieSJd", "x=1",
     "status=a&status=b", "from=NaN", "to=%00"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/organizations/{orgId}/alerts", "/units/{unitId}/alerts", "/sites/{siteId}/alerts"])
async def test_an_odd_question_is_refused(api: Api, org: Organization, path: str, query: str) -> None:
    path = path.format(orgId=org.id, unitId=org.unit, siteId=org.site)
    assert (await api.get(f"{path}?{query}", org.owner)).status == 422


async def test_an_alert_with_its_timeline_and_what_was_done(api: Api, org: Organization) -> None:
    await api.put(f"/alerts/{org.alert}/acknowledge", {"note": "on my way"}, org.token("staff"))
    body = {"actionTaken": "moved the goods", "rootCause": "seal", "preventiveMeasures": "check weekly"}
    made = (await api.post(f"/alerts/{org.alert}/corrective-actions", body, org.token("staff"))).json
    found = (await api.get(f"/alerts/{org.alert}", org.token("viewer"))).json
    assert [(t["action"], t["detail"], t["actorName"]) for t in found["timeline"]] == [
        ("acknowledged", "on my way", "Kim Doe")
    ]
    assert found["correctiveActions"] == [made]
    assert (made["actionTaken"], made["unitId"], made["alertId"]) == (
        "moved the goods", str(org.unit), str(org.alert),
    )  # fmt: skip
    assert found["acknowledgmentNotes"] == "on my way"
    assert found["allLimits"] == {"low": -1.0, "high": 5.0}


# --- acknowledging


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("body", [None, {}, {"note": "seen"}])
async def test_acknowledging(
    api: Api, world: World, org: Organization, method: str, body: dict[str, str] | None
) -> None:
    headers = {"Content-Type": "application/json"}  # as the earlier client sends it, without a body
    reply = await api.call(method, f"/alerts/{org.alert}/acknowledge", body, org.token("staff"), headers=headers)
    assert reply.status == 200
    assert (reply.json["status"], reply.json["acknowledgedBy"]) == ("acknowledged", str(org.users["staff"]))
    assert reply.json["resolvedAt"] is None
    note = (body or {}).get("note")
    assert (reply.json["acknowledgmentNotes"], await history(world, org.alert)) == (note, [("acknowledged", note)])
    assert await world.sql.fetchval("select count(*) from events where kind = 'alert'") == 1


async def test_acknowledging_twice_changes_nothing(api: Api, world: World, org: Organization) -> None:
    first = await api.put(f"/alerts/{org.alert}/acknowledge", {"note": "one"}, org.token("staff"))
    audited = await world.audited()
    second = await api.put(f"/alerts/{org.alert}/acknowledge", {"note": "two"}, org.owner)
    assert second.json == first.json
    assert len(await history(world, org.alert)) == 1
    assert await world.audited() == audited


async def test_of_many_who_acknowledge_at_once_one_does(api: Api, world: World, org: Organization) -> None:
    replies = await asyncio.gather(
        *[api.put(f"/alerts/{org.alert}/acknowledge", None, org.tokens[role]) for role in ("staff", "owner") * 10]
    )
    assert {reply.status for reply in replies} == {200}
    assert len({reply.json["acknowledgedBy"] for reply in replies}) == 1
    assert len(await history(world, org.alert)) == 1


async def test_what_is_resolved_cannot_be_acknowledged(api: Api, org: Organization) -> None:
    await api.put(f"/alerts/{org.alert}/resolve", None, org.owner)
    reply = await api.put(f"/alerts/{org.alert}/acknowledge", None, org.owner)
    assert (reply.status, reply.json["detail"]) == (409, "It is resolved already.")


# --- resolving


async def test_resolving_what_is_over(api: Api, world: World, org: Organization) -> None:
    await state(world, org, temperature_phase="restoring")
    body = {"note": "a new seal", "correctiveAction": {"actionTaken": "replaced the seal"}}
    reply = await api.put(f"/alerts/{org.alert}/resolve", body, org.token("manager"))
    assert (reply.status, reply.json["status"], reply.json["resolvedBy"]) == (
        200, "resolved", str(org.users["manager"]),
    )  # fmt: skip
    assert await history(world, org.alert) == [("resolved_manual", "a new seal")]
    assert await world.sql.fetchval("select action_taken from corrective_actions") == "replaced the seal"
    entry = await world.last_entry()
    assert (entry["action"], entry["old_values"]) == ("alert.resolved", '{"status":"active"}')


HOLDING = [
    ("alarm_active", {"temperature_phase": "alarm"}), ("alarm_active", {"temperature_phase": "excursion"}),
    ("monitoring_interrupted", {"data_phase": "interrupted"}), ("missed_manual_entry", {"data_phase": "manual"}),
    ("temp_excursion", {"log_out_of_limits": True}), ("door_open", {"door_level": 1}),
    ("low_battery", {"battery_level": 2}), ("sensor_fault", {"faulty": True}),
    ("calibration_due", {"calibration_due_at": NOON}),
]  # fmt: skip


@pytest.mark.parametrize(("alert_type", "condition"), HOLDING)
async def test_what_still_holds_is_resolved_only_with_a_reason(
    api: Api, world: World, org: Organization, alert_type: str, condition: dict[str, Any]
) -> None:
    await world.sql.execute("update alerts set alert_type = $2 where id = $1", org.alert, alert_type)
    await state(world, org, **condition)
    refused = await api.put(f"/alerts/{org.alert}/resolve", {"note": "it is fine"}, org.owner)
    assert refused.status == 409
    assert refused.json["errors"][0]["field"] == "reason"
    assert await history(world, org.alert) == []
    done = await api.put(f"/alerts/{org.alert}/resolve", {"reason": "out_of_service", "note": "sold"}, org.owner)
    assert (done.status, done.json["resolveReason"]) == (200, "out_of_service")
    assert await history(world, org.alert) == [("resolved_manual", "out_of_service: sold")]


async def test_a_silent_gateway_holds_too(api: Api, world: World, org: Organization) -> None:
    await world.sql.execute("insert into gateway_states (gateway_id, silent_since) values ($1, now())", org.gateway)
    alert = await world.alert(
        org.id, org.site, org.unit, unit_id=None, subject_id=org.gateway, gateway_id=org.gateway,
        alert_type="gateway_silent",
    )  # fmt: skip
    assert (await api.put(f"/alerts/{alert}/resolve", None, org.owner)).status == 409
    await world.sql.execute("update gateway_states set silent_since = null")
    assert (await api.put(f"/alerts/{alert}/resolve", None, org.owner)).status == 200


async def test_an_alert_of_the_organization_is_resolved_by_hand(api: Api, world: World, org: Organization) -> None:
    alert = await world.alert(
        org.id, None, org.unit, unit_id=None, subject_id=org.id, alert_type="ingest_degraded", celsius=None
    )
    assert (await api.put(f"/alerts/{alert}/resolve", None, org.owner)).json["status"] == "resolved"


async def test_resolving_twice_changes_nothing(api: Api, world: World, org: Organization) -> None:
    first = await api.put(f"/alerts/{org.alert}/resolve", None, org.owner)
    second = await api.put(f"/alerts/{org.alert}/resolve", {"note": "again"}, org.token("manager"))
    assert second.json == first.json
    assert len(await history(world, org.alert)) == 1


@pytest.mark.parametrize(
    "body",
    [{"reason": "because"}, {"note": "x" * 2001}, {"correctiveAction": {}}, {"correctiveAction": {"actionTaken": ""}},
     {"status": "resolved"}, {"correctiveAction": {"actionTaken": "x", "completedAt": "2999-01-01T00:00:00Z"}},
     {"correctiveAction": {"actionTaken": "x", "completedAt": "2020-01-01T00:00:00"}}, {"note": 1}],
)  # fmt: skip
async def test_an_odd_resolution_is_refused_and_changes_nothing(
    api: Api, world: World, org: Organization, body: dict[str, Any]
) -> None:
    assert (await api.put(f"/alerts/{org.alert}/resolve", body, org.owner)).status == 422
    assert await world.sql.fetchval("select status from alerts where id = $1", org.alert) == "active"
    assert await world.sql.fetchval("select count(*) from corrective_actions") == 0


async def test_staff_acknowledge_and_do_not_resolve_and_viewers_do_neither(api: Api, org: Organization) -> None:
    assert (await api.put(f"/alerts/{org.alert}/resolve", None, org.token("staff"))).status == 403
    assert (await api.put(f"/alerts/{org.alert}/acknowledge", None, org.token("viewer"))).status == 403


async def test_an_alert_of_others_is_not_there(api: Api, world: World, org: Organization) -> None:
    foreign = await world.organization()
    for alert in (foreign.alert, uuid4()):
        for method, path in (
            ("GET", ""), ("PUT", "/acknowledge"), ("POST", "/resolve"),
        ):  # fmt: skip
            assert (await api.call(method, f"/alerts/{alert}{path}", None, org.owner)).status == 404
        body = {"actionTaken": "x"}
        assert (await api.post(f"/alerts/{alert}/corrective-actions", body, org.owner)).status == 404
    assert await history(world, foreign.alert) == []


async def test_a_member_of_two_organizations_reaches_the_alerts_of_both(
    running: Running, api: Api, world: World, org: Organization
) -> None:
    other = await world.organization()
    user = await world.member(org.id, "staff")
    await world.member(other.id, "viewer", user)
    token = await world.token(user)
    assert (await api.put(f"/alerts/{org.alert}/acknowledge", None, token)).status == 200
    assert (await api.get(f"/alerts/{other.alert}", token)).status == 200
    assert (await api.put(f"/alerts/{other.alert}/acknowledge", None, token)).status == 403


# --- the organization's timeline


async def test_the_organizations_timeline_has_pages(api: Api, world: World, org: Organization) -> None:
    await api.put(f"/alerts/{org.alert}/acknowledge", None, org.owner)
    await api.put(f"/alerts/{org.alert}/resolve", None, org.owner)
    reply = await api.get(f"/organizations/{org.id}/alert-timeline?limit=1", org.owner)
    assert [line["action"] for line in reply.json] == ["resolved_manual"]
    link = reply.headers["Link"].partition(">")[0].removeprefix("<")
    assert [line["action"] for line in (await api.get(link, org.owner)).json] == ["acknowledged"]
    assert (await api.get(f"/organizations/{org.id}/alert-timeline?cursor=WyJ4Il0", org.owner)).status == 422


async def test_no_time_is_before_the_alert(api: Api, world: World, org: Organization) -> None:
    """A device's clock may be ahead of ours."""
    ahead = datetime.now(UTC) + timedelta(minutes=8)
    await world.sql.execute("update alerts set opened_at = $2 where id = $1", org.alert, ahead)
    found = (await api.put(f"/alerts/{org.alert}/resolve", None, org.owner)).json
    assert found["resolvedAt"] >= found["openedAt"]
