"""Temperatures that people read: one, in batches, in lists, and what is due."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.world import Api, Organization, World

HOUR = timedelta(hours=1)
ACTION = {"actionTaken": "moved the goods", "rootCause": "door"}


def ago(hours: float) -> str:
    return (datetime.now(UTC) - hours * HOUR).isoformat()


@pytest.fixture
async def org(world: World) -> Organization:
    return await world.organization()


async def write(api: Api, org: Organization, key: str | None = None, role: str = "staff", **body: Any):
    headers = {"Idempotency-Key": key} if key is not None else None
    body = {"temperature": 4.0} | body
    return await api.post(f"/units/{org.unit}/manual-logs", body, org.token(role), headers=headers)


async def count(world: World) -> int:
    return await world.sql.fetchval("select count(*) from manual_logs")


@pytest.mark.parametrize(
    ("body", "celsius"),
    [({"temperature": 4}, 4.0), ({"temperature": -0.25, "unit": "C"}, -0.25), ({"temperature": 39.2, "unit": "F"}, 4.0),
     ({"temperature": 32, "unit": "F"}, 0.0)],
)  # fmt: skip
async def test_a_log_is_kept_in_celsius(
    api: Api, world: World, org: Organization, body: dict[str, Any], celsius: float
) -> None:
    found = (await write(api, org, **body, notes="by hand", loggedAt=ago(1))).json
    assert (found["temperature"], found["inRange"], found["notes"]) == (celsius, True, "by hand")
    assert (found["loggedBy"], found["loggedByName"]) == (str(org.users["staff"]), "Kim Doe")
    assert await world.sql.fetchval("select judged_at from manual_logs") is None
    entry = await world.last_entry()
    assert (entry["action"], entry["object_id"]) == ("manual_log.created", await world.sql.fetchval(
        "select id from manual_logs"))  # fmt: skip


async def test_out_of_limits_something_must_have_been_done(api: Api, world: World, org: Organization) -> None:
    refused = await write(api, org, temperature=9.5)
    assert refused.status == 422
    assert refused.json["errors"] == [
        {"field": "correctiveAction", "message": "is needed: 9.5 °C is not between -1 and 5 °C"}
    ]
    assert await count(world) == 0
    found = (await write(api, org, temperature=9.5, correctiveAction=ACTION)).json
    assert (found["inRange"], found["correctiveAction"]) == (False, "moved the goods")
    (action,) = (await api.get(f"/organizations/{org.id}/corrective-actions", org.token("viewer"))).json
    assert (action["manualLogId"], action["unitId"], action["rootCause"]) == (found["id"], str(org.unit), "door")


async def test_the_limits_are_the_units_own(api: Api, world: World, org: Organization) -> None:
    await world.sql.execute("update units set temp_min = -30, temp_max = 0 where id = $1", org.unit)
    assert (await write(api, org, temperature=0)).json["inRange"] is True
    assert (await write(api, org, temperature=0.1)).status == 422


@pytest.mark.parametrize(
    "body",
    [{"temperature": "4"}, {"temperature": None}, {"temperature": True},
     {"temperature": 200, "correctiveAction": ACTION},
     {"temperature": -101, "correctiveAction": ACTION}, {"temperature": 400, "unit": "F", "correctiveAction": ACTION},
     {"unit": "K"}, {"loggedAt": "2026-11-22T10:00:00"}, {"loggedAt": "2999-01-01T00:00:00Z"},
     {"loggedAt": "2020-01-01T00:00:00Z"}, {"notes": "x" * 501}, {"notes": 5}, {"loggedBy": "me"}, {"inRange": True},
     {"correctiveAction": "x"}, {"correctiveAction": {"actionTaken": "x" * 2001}}, {"notes": "a\0b"}],
)  # fmt: skip
async def test_an_odd_log_is_refused(api: Api, world: World, org: Organization, body: dict[str, Any]) -> None:
    assert (await write(api, org, **body)).status == 422
    assert await count(world) == 0


@pytest.mark.parametrize("raw", [b'{"temperature": NaN}', b'{"temperature": 1e400}', b'{"temperature": Infinity}'])
async def test_what_is_no_number_is_refused(api: Api, org: Organization, raw: bytes) -> None:
    reply = await api.call("POST", f"/units/{org.unit}/manual-logs", None, org.owner, raw=raw)
    assert reply.status == 422


async def test_a_log_that_is_sent_again_is_the_same_log(api: Api, world: World, org: Organization) -> None:
    when = ago(2)
    first = await write(api, org, "k1", loggedAt=when, temperature=9, correctiveAction=ACTION)
    audited = await world.audited()
    again = await write(api, org, "k1", loggedAt=when, temperature=9)  # the action need not be told again
    assert (again.status, again.json) == (201, first.json)
    assert (await count(world), await world.audited()) == (1, audited)
    assert (await write(api, org, "k1", loggedAt=when, temperature=3)).status == 409
    assert (await write(api, org, "k1", loggedAt=ago(3), temperature=9)).status == 409
    assert (await write(api, org, "k2", loggedAt=when, temperature=3)).status == 201
    other = await world.unit(org.id, org.area)
    path = f"/units/{other}/manual-logs"
    reply = await api.post(path, {"temperature": 9}, org.owner, headers={"Idempotency-Key": "k1"})
    assert reply.status == 409


async def test_of_many_at_once_with_one_key_one_is_written(api: Api, world: World, org: Organization) -> None:
    when = ago(1)
    replies = await asyncio.gather(*[write(api, org, "same", loggedAt=when) for _ in range(12)])
    assert {reply.status for reply in replies} == {201}
    assert len({reply.json["id"] for reply in replies}) == 1
    assert await count(world) == 1


@pytest.mark.parametrize("key", ["", "x" * 101, "ü"])
async def test_an_odd_key_is_refused(api: Api, org: Organization, key: str) -> None:
    assert (await write(api, org, key)).status == 422


async def test_the_keys_of_two_organizations_do_not_meet(api: Api, world: World, org: Organization) -> None:
    other = await world.organization()
    assert (await write(api, org, "k")).status == (await write(api, other, "k")).status == 201
    assert await count(world) == 2


async def test_a_viewer_reads_and_does_not_write(api: Api, org: Organization) -> None:
    assert (await write(api, org, role="viewer")).status == 403
    assert (await write(api, org, role="inspector")).status == 403


async def test_the_daemon_hears_of_it(api: Api, world: World, org: Organization) -> None:
    heard: list[str] = []
    await world.sql.add_listener("config", lambda *a: heard.append(a[-1]))
    await write(api, org)
    await world.sql.execute("select 1")
    assert heard == ["manual-logs"]
    await world.sql.reset()


# --- lists


async def test_lists_have_pages_filters_and_no_rows_of_others(api: Api, world: World, org: Organization) -> None:
    other, foreign = await world.unit(org.id, org.area), await world.organization()
    await write(api, foreign)
    for hours in (1, 2, 2, 3):
        await write(api, org, loggedAt=ago(hours))
    await api.post(f"/units/{other}/manual-logs", {"temperature": 1, "loggedAt": ago(4)}, org.owner)
    whole = (await api.get(f"/organizations/{org.id}/manual-logs", org.token("viewer"))).json
    assert len(whole) == 5
    assert [log["loggedAt"] for log in whole] == sorted((log["loggedAt"] for log in whole), reverse=True)
    link, seen = f"/organizations/{org.id}/manual-logs?limit=2", []
    while link:
        reply = await api.get(link, org.owner)
        seen += reply.json
        link = reply.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == whole
    mine = (await api.get(f"/units/{org.unit}/manual-logs", org.owner)).json
    assert mine == whole[:4]
    assert (await api.get(f"/organizations/{org.id}/manual-logs?unit={other}", org.owner)).json == whole[4:]
    assert (await api.get(f"/organizations/{org.id}/manual-logs?unit={foreign.unit}", org.owner)).json == []
    begin = ago(2.5).replace("+", "%2B")
    assert len((await api.get(f"/units/{org.unit}/manual-logs?from={begin}", org.owner)).json) == 3
    assert len((await api.get(f"/units/{org.unit}/manual-logs?to={begin}", org.owner)).json) == 1
    assert (await api.get(f"/units/{foreign.unit}/manual-logs", org.owner)).status == 404
    assert (await api.get(f"/units/{org.unit}/manual-logs?cursor=abc", org.owner)).status == 422


# --- what is due


async def test_what_people_must_read_is_listed_by_urgency(api: Api, world: World, org: Organization) -> None:
    now = datetime.now(UTC)
    await world.sql.execute("update units set created_at = $1", now - 100 * HOUR)
    units = {"never logged": org.unit}
    for name in ("interrupted", "logged", "soon", "fresh", "watched"):
        units[name] = await world.unit(org.id, org.area)
    for name, phase, last in (("interrupted", "manual", 9), ("fresh", "fresh", 0.1), ("soon", "interrupted", 3.5)):
        await world.sql.execute(
            """insert into unit_states (unit_id, organization_id, status, temperature_phase, inside_count, data_phase,
                 log_out_of_limits, door_level, battery_level, faulty, last_reading_at, last_temperature)
               values ($1, $2, 'ok', 'normal', 0, $3, false, 0, 0, false, $4, 3.5)""",
            units[name], org.id, phase, now - last * HOUR,
        )  # fmt: skip
    await world.sensor(org.id, units["watched"])  # it has not spoken yet: its deadline is the daemon's business
    await api.post(f"/units/{units['logged']}/manual-logs", {"temperature": 4}, org.owner)
    found = (await api.get(f"/organizations/{org.id}/manual-logs/due", org.token("viewer"))).json
    names = {str(unit): name for name, unit in units.items()}
    assert [(names[each["unitId"]], each["status"]) for each in found] == [
        ("never logged", "overdue"), ("interrupted", "overdue"), ("soon", "due_soon"), ("logged", "ok"),
    ]  # fmt: skip
    assert found[1]["lastTemperature"] == 3.5
    assert found[3]["lastLogTemperature"] == 4.0
    await world.sql.execute("""update organizations set settings = '{"manual_interval_minutes": 600}'""")
    found = (await api.get(f"/organizations/{org.id}/manual-logs/due?site={org.site}", org.owner)).json
    assert [each["status"] for each in found] == ["overdue", "due_soon", "ok", "ok"]
    assert (await api.get(f"/organizations/{org.id}/manual-logs/due?site={uuid4()}", org.owner)).json == []


# --- batches


def offline(org: Organization, key: str, **more: Any) -> dict[str, Any]:
    return {
        "unitId": str(org.unit), "temperature": 4.0, "loggedAt": NOW, "idempotencyKey": key,
    } | more  # fmt: skip


NOW = (datetime.now(UTC) - HOUR).isoformat()


async def send(api: Api, token: str, *logs: Any) -> dict[str, Any]:
    reply = await api.post("/manual-logs/batch", {"logs": list(logs)}, token)
    assert reply.status == 200, reply
    return reply.json


async def test_a_batch_is_judged_log_by_log(api: Api, world: World, org: Organization) -> None:
    foreign = await world.organization()
    logs = [
        offline(org, "a"),
        offline(org, "b", temperature=9.0),
        offline(org, "c", temperature=9.0, correctiveAction=ACTION),
        offline(foreign, "d"),
        {"unitId": str(org.unit)},
        offline(org, "a"),
        offline(org, "a", temperature=1.0),
        offline(org, "e", temperature="warm"),
        offline(org, "f", loggedAt="2020-01-01T00:00:00Z"),
        offline(org, "g", temperature=1e300, correctiveAction=ACTION),
    ]
    found = await send(api, org.token("staff"), *logs)
    assert [r["status"] for r in found["results"]] == [
        "created", "rejected", "created", "rejected", "rejected", "duplicate", "rejected", "rejected", "rejected",
        "rejected",
    ]  # fmt: skip
    assert (found["created"], found["duplicate"], found["rejected"]) == (2, 1, 7)
    assert [r["index"] for r in found["results"]] == list(range(10))
    assert "correctiveAction" in found["results"][1]["error"]
    assert found["results"][3]["error"] == "There is nothing here."
    assert found["results"][5]["id"] == found["results"][0]["id"]
    assert await count(world) == 2
    assert await world.audited() == 1


async def test_a_batch_that_is_sent_again_changes_nothing(api: Api, world: World, org: Organization) -> None:
    logs = [offline(org, f"k{n}", temperature=n / 10) for n in range(30)]
    first = await send(api, org.token("staff"), *logs)
    again = await send(api, org.token("staff"), *logs, offline(org, "new"))
    assert (first["created"], again["duplicate"], again["created"]) == (30, 30, 1)
    assert [r["id"] for r in again["results"][:30]] == [r["id"] for r in first["results"]]
    assert (await count(world), await world.audited()) == (31, 2)


async def test_a_batch_knows_the_role_in_each_organization(api: Api, world: World, org: Organization) -> None:
    other = await world.organization()
    user = await world.member(org.id, "staff")
    await world.member(other.id, "viewer", user)
    found = await send(api, await world.token(user), offline(org, "a"), offline(other, "b"))
    assert [r["status"] for r in found["results"]] == ["created", "rejected"]
    assert found["results"][1]["error"] == "Your role does not allow this."


async def test_of_two_batches_at_once_each_log_is_written_once(api: Api, world: World, org: Organization) -> None:
    logs = [offline(org, f"k{n}") for n in range(20)]
    sent = await asyncio.gather(*[send(api, org.token("staff"), *logs) for _ in range(4)])
    assert sum(found["created"] for found in sent) == 20
    assert await count(world) == 20


@pytest.mark.parametrize("body", [{}, {"logs": []}, {"logs": [1]}, {"logs": {}}, {"logs": [{}] * 501}, {"log": []}])
async def test_an_odd_batch_is_refused(api: Api, org: Organization, body: dict[str, Any]) -> None:
    assert (await api.post("/manual-logs/batch", body, org.owner)).status == 422


async def test_who_belongs_nowhere_writes_nothing(api: Api, world: World, org: Organization) -> None:
    found = await send(api, await world.token(await world.user()), offline(org, "a"))
    assert found["rejected"] == 1
