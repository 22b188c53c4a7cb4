"""The HTTP door for readings: who may, what is kept, what is said of each reading."""

import base64
import json
from typing import Any

import pytest

from frostguard.gateway_passwords import mosquitto_hash
from frostguard.store import http_inbox
from frostguard.wire import packets
from frostguard.wire.topics import TopicKind
from tests.api.deeds_history import event, gateway_key, network_key, uplink
from tests.api.world import PASSWORD, Api, Organization, Reply, World

GOOD = {"sensor": "a84041000181c061", "temperature": -18.4, "at": "2026-11-22T10:00:00Z", "seq": 1}


@pytest.fixture
async def org(world: World) -> Organization:
    return await world.organization(people=False)


@pytest.fixture
async def key(world: World, org: Organization) -> str:
    return await gateway_key(world, org)


async def send(api: Api, key: str, body: object, path: str = "/ingest/readings") -> Reply:
    return await api.call("POST", path, body, headers={"Authorization": f"Basic {key}"})


async def kept(world: World) -> list[tuple[str, bytes]]:
    return [(row["topic"], row["payload"]) for row in await http_inbox.waiting(world.sql, 0, 1000)]


async def test_a_message_is_kept_as_it_came(api: Api, world: World, org: Organization, key: str) -> None:
    serial = base64.b64decode(key).decode().partition(":")[0]
    body = {"readings": [GOOD, {**GOOD, "seq": 2}], "boot": "b1", "later": True}
    reply = await send(api, key, body)
    assert (reply.status, reply.json["status"], reply.json["accepted"]) == (202, "taken", 2)
    assert await kept(world) == [(f"frostguard/v1/{org.slug}/{serial}/readings", json.dumps(body).encode())]
    row = (await http_inbox.waiting(world.sql, 0, 10))[0]
    assert await world.sql.fetchval("select gateway_id from http_inbox") == org.gateway
    await http_inbox.remove(world.sql, [row["id"]])
    assert await kept(world) == []


async def test_a_bare_reading_is_a_message_too(api: Api, key: str) -> None:
    found = (await send(api, key, GOOD)).json
    assert found["results"] == [{"index": 0, "status": "accepted", "reason": None, "detail": None}]


async def test_each_reading_is_judged(api: Api, world: World, key: str) -> None:
    body = {"readings": [GOOD, {**GOOD, "temperature": "warm"}, 5, {"sensor": "aa"}, {**GOOD, "at": "noon"}, GOOD]}
    found = (await send(api, key, body)).json
    assert [r["reason"] for r in found["results"]] == [
        None, "bad_temperature", "bad_reading", "no_measurement", "bad_time", None,
    ]  # fmt: skip
    assert (found["accepted"], found["rejected"]) == (2, 4)
    assert [r["index"] for r in found["results"]] == list(range(6))
    assert len(await kept(world)) == 1  # what is rejected becomes a dead letter there


@pytest.mark.parametrize(
    ("body", "reason"),
    [({}, "no_readings"), ({"readings": []}, "no_readings"), ({"readings": {}}, "bad_shape"),
     ({"readings": [GOOD], "boot": 5}, "bad_boot"), ({"readings": [GOOD] * 1001}, "too_many_readings"),
     ({"readings": [{**GOOD, "x": "y" * 70_000}]}, "too_large"), ({**GOOD, "x": "y" * 70_000}, "too_large"),
     ({"readings": [GOOD] * 1001, "x": "y" * 50_000}, "too_many_readings")],
)  # fmt: skip
async def test_a_message_that_cannot_be_used_is_refused(
    api: Api, world: World, key: str, body: dict[str, Any], reason: str
) -> None:
    reply = await send(api, key, body)
    assert reply.status == 422
    assert reply.json["errors"][0]["message"].startswith(f"{reason}: ")
    assert await kept(world) == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"", 422), (b"[]", 422), (b"5", 422), (b"{", 400), (b'{"a":1,"a":2}', 400), (b'{"readings":[NaN]}', 422),
     (b"\xff", 400), (b'{"readings":["\\u0000"]}', 422), (b"[" * 100_000, 400), (b'{"x":"' + b"y" * 300_000, 413)],
)  # fmt: skip
async def test_what_is_no_message_is_refused(api: Api, key: str, raw: bytes, status: int) -> None:
    for path in ("/ingest/readings", "/ingest/ttn"):
        reply = await api.call("POST", path, None, headers={"Authorization": f"Basic {key}"}, raw=raw)
        assert reply.status == status, path


async def test_a_large_message_is_kept_in_pieces_that_say_the_same(api: Api, world: World, key: str) -> None:
    readings = [{**GOOD, "seq": n, "note": "x" * 100} for n in range(1, 1001)]
    found = (await send(api, key, {"readings": readings, "boot": "b9"})).json
    assert (found["accepted"], len(found["results"])) == (1000, 1000)
    decoded = [packets.decode(TopicKind.READINGS, payload) for _, payload in await kept(world)]
    assert len(decoded) == 10
    assert {packet.boot for packet in decoded} == {"b9"}
    assert [m.seq for packet in decoded for m in packet.readings] == list(range(1, 1001))


async def test_the_daemon_hears_of_it(api: Api, world: World, key: str) -> None:
    heard: list[str] = []
    await world.sql.add_listener("config", lambda *a: heard.append(a[-1]))
    await send(api, key, GOOD)
    await world.sql.execute("select 1")
    assert "inbox" in heard
    await world.sql.reset()


async def test_a_full_inbox_says_so(api: Api, world: World, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.handlers.ingest.MAX_WAITING", 2)
    for _ in range(2):
        assert (await send(api, key, GOOD)).status == 202
    reply = await send(api, key, GOOD)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")


# --- who may


async def test_a_key_is_wanted_and_ends_at_once(api: Api, world: World, org: Organization, key: str) -> None:
    serial = base64.b64decode(key).decode().partition(":")[0]
    for wrong in ("", "x", base64.b64encode(b"nobody").decode(), base64.b64encode(f"{serial}:no".encode()).decode()):
        assert (await send(api, wrong, GOOD)).status == 401
    assert (await api.post("/ingest/readings", GOOD)).status == 401
    assert (await api.post("/ingest/readings", GOOD, org.owner)).status == 401  # a person's token is no gateway's key
    assert (await api.post("/ingest/readings", GOOD, key)).status == 202  # in Bearer's place
    assert (await send(api, key, GOOD)).status == 202
    assert (await api.delete(f"/gateways/{org.gateway}/credentials", None, org.owner)).status < 300
    assert (await send(api, key, GOOD)).status == 401


async def test_the_topic_is_the_gateways_own(api: Api, world: World, org: Organization, key: str) -> None:
    other = await world.organization(people=False)
    other_key = base64.b64encode(
        base64.b64decode(await gateway_key(world, other)).partition(b":")[0] + f":{PASSWORD}".encode()
    ).decode()
    await send(api, other_key, {**GOOD, "organization": org.slug, "gateway": "gw"})
    assert (await kept(world))[0][0].startswith(f"frostguard/v1/{other.slug}/")


# --- The Things Stack


async def network(world: World, org: Organization, serial: str) -> None:
    await world.sql.execute(
        "insert into gateways (organization_id, kind, serial, name) values ($1, 'tts', $2, 'n')", org.id, serial
    )


@pytest.mark.parametrize("names", [("cold@tenant", "cold"), ("cold", "cold"), ("cold@t", "cold@t")])
async def test_an_uplink_is_kept(api: Api, world: World, org: Organization, key: str, names: tuple[str, str]) -> None:
    registered, named = names
    await network(world, org, registered)
    reply = await send(api, key, uplink(named), "/ingest/ttn")
    assert (reply.status, reply.json["accepted"]) == (202, 1)
    ((topic, payload),) = await kept(world)
    assert topic == f"v3/{registered}/devices/probe-1/up"
    assert json.loads(payload) == uplink(named)


async def test_a_join_is_fine_and_nothing_to_store(api: Api, world: World, org: Organization, key: str) -> None:
    await network(world, org, "cold")
    body = {name: value for name, value in uplink().items() if name != "uplink_message"} | {"join_accept": {}}
    reply = await send(api, key, body, "/ingest/ttn")
    assert (reply.status, reply.json["status"]) == (202, "ignored")
    assert await kept(world) == []


async def test_an_uplink_without_a_measurement_says_why(api: Api, world: World, org: Organization, key: str) -> None:
    await network(world, org, "cold")
    body = uplink()
    body["uplink_message"] |= {"decoded_payload": {}, "frm_payload": ""}
    (result,) = (await send(api, key, body, "/ingest/ttn")).json["results"]
    assert (result["status"], result["reason"]) == ("rejected", "no_measurement")


@pytest.mark.parametrize("registered", [[], ["cold@a", "cold@b"], ["warm"]])
async def test_an_uplink_of_no_known_network_is_refused(
    api: Api, world: World, org: Organization, key: str, registered: list[str]
) -> None:
    for serial in registered:
        await network(world, org, serial)
    assert (await send(api, key, uplink(), "/ingest/ttn")).status == 422


async def test_the_network_of_others_is_not_known(api: Api, world: World, org: Organization, key: str) -> None:
    other = await world.organization(people=False)
    await network(world, other, "cold")
    assert (await send(api, key, uplink(), "/ingest/ttn")).status == 422
    assert await kept(world) == []


@pytest.mark.parametrize(
    "changes",
    [{"end_device_ids": None}, {"end_device_ids": {}}, {"end_device_ids": {"device_id": "a", "application_ids": 5}},
     {"end_device_ids": {"device_id": "a/b", "application_ids": {"application_id": "cold"}}},
     {"end_device_ids": {"device_id": "#", "application_ids": {"application_id": "cold"}}},
     {"end_device_ids": {"device_id": "a", "application_ids": {"application_id": "cold"}}}],
)  # fmt: skip
async def test_an_odd_uplink_is_refused(
    api: Api, world: World, org: Organization, key: str, changes: dict[str, Any]
) -> None:
    await network(world, org, "cold")
    assert (await send(api, key, uplink() | changes, "/ingest/ttn")).status == 422
    assert await kept(world) == []


# --- whose credentials


async def test_a_network_speaks_for_itself_and_for_nothing_else(api: Api, world: World, org: Organization) -> None:
    key = await network_key(world, org, "tts", "cold@tenant")
    await network(world, org, "warm")
    assert (await send(api, key, uplink("cold"), "/ingest/ttn")).status == 202
    assert (await send(api, key, uplink("cold@tenant"), "/ingest/ttn")).status == 202
    assert (await send(api, key, uplink("warm"), "/ingest/ttn")).status == 403
    assert (await send(api, key, GOOD)).status == 403
    assert (await send(api, key, event("cold"), "/ingest/chirpstack")).status == 403
    assert [topic for topic, _ in await kept(world)] == ["v3/cold@tenant/devices/probe-1/up"] * 2


async def test_a_network_with_credentials_is_closed_to_native_gateways(
    api: Api, world: World, org: Organization, key: str
) -> None:
    await network(world, org, "cold")
    assert (await send(api, key, uplink(), "/ingest/ttn")).status == 202, "as long as there are no others"
    made = await world.sql.fetchval("select id from gateways where serial = 'cold'")
    assert (await api.post(f"/gateways/{made}/credentials", token=org.owner)).status == 201
    assert (await send(api, key, uplink(), "/ingest/ttn")).status == 403
    assert (await api.delete(f"/gateways/{made}/credentials", token=org.owner)).status == 200
    assert (await send(api, key, uplink(), "/ingest/ttn")).status == 202


async def test_one_name_of_two_kinds_is_told_apart_by_the_password(api: Api, world: World, org: Organization) -> None:
    other = await world.organization(people=False)
    serial = await world.sql.fetchval("select serial from gateways where id = $1", other.gateway)
    native = await gateway_key(world, other)
    await network_key(world, org, "tts", serial)
    await world.sql.execute("update gateways set password_hash = $1 where kind = 'tts'", mosquitto_hash("other"))
    tts = base64.b64encode(f"{serial}:other".encode()).decode()
    assert [(await send(api, key, GOOD)).status for key in (native, tts)] == [202, 403]
    assert (await send(api, tts, uplink(serial), "/ingest/ttn")).status == 202


# --- ChirpStack


async def test_an_event_of_chirpstack_is_kept(api: Api, world: World, org: Organization) -> None:
    key = await network_key(world, org, "chirpstack", "cold")
    reply = await send(api, key, event(), "/ingest/chirpstack?event=up")
    assert (reply.status, reply.json["accepted"]) == (202, 1)
    ((topic, payload),) = await kept(world)
    assert topic == "application/cold/device/a84041000181c061/event/up"
    assert json.loads(payload) == event()


@pytest.mark.parametrize("query", ["?event=join", "?event=status", ""])
async def test_what_is_no_uplink_is_fine_and_nothing_to_store(
    api: Api, world: World, org: Organization, query: str
) -> None:
    key = await network_key(world, org, "chirpstack", "cold")
    body = {"deviceInfo": event()["deviceInfo"], "time": "2026-11-22T12:00:00Z"}
    reply = await send(api, key, body, f"/ingest/chirpstack{query}")
    assert (reply.status, reply.json["status"]) == (202, "ignored")
    assert await kept(world) == []


@pytest.mark.parametrize(
    "info", [None, {}, {"applicationId": 5, "devEui": "a"}, {"applicationId": "cold", "devEui": "#"}]
)
async def test_an_odd_event_is_refused(api: Api, world: World, org: Organization, info: object) -> None:
    key = await network_key(world, org, "chirpstack", "cold")
    assert (await send(api, key, {**event(), "deviceInfo": info}, "/ingest/chirpstack")).status == 422
