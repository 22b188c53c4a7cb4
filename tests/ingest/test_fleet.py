"""Whose topics are whose, which sensor a spelling means, and what a reload replaces."""

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from frostguard.errors import PacketError, TopicError
from frostguard.store.connection import connect
from frostguard.wire.topics import TopicKind
from ingest import fleet as module
from ingest.fleet import Fleet, Sensor
from tests.factories import (
    GATEWAY,
    SERIAL,
    assign,
    identity,
    make_fleet,
    make_organization,
    make_sensor,
    plant,
    plant_gateway,
    plant_sensor,
    plant_unit,
    topic_of,
)

TTS, CHIRPSTACK = ("tts", "cold-rooms@ttn"), ("chirpstack", "52f14cd4-c6f1-4fbd-8f87-4025e1d49242")


def two_organizations() -> Fleet:
    return make_fleet(
        make_organization(networks=[TTS, CHIRPSTACK]),
        make_organization("other", gateways=["gw-9"], sensors=[make_sensor("s-9")]),
    )


@pytest.mark.parametrize(
    ("topic", "kind", "gateway", "slug"),
    [
        (topic_of(), TopicKind.READINGS, GATEWAY, "acme"),
        (topic_of("status"), TopicKind.STATUS, GATEWAY, "acme"),
        (topic_of(gateway="gw-9", organization="other"), TopicKind.READINGS, "gw-9", "other"),
        (b"v3/cold-rooms@ttn/devices/eui-1/up", TopicKind.TTS, TTS[1], "acme"),
        (
            b"application/52f14cd4-c6f1-4fbd-8f87-4025e1d49242/device/24e124136c000001/event/up",
            TopicKind.CHIRPSTACK, CHIRPSTACK[1], "acme",
        ),
    ],
)  # fmt: skip
def test_a_topic_leads_to_its_organization_and_gateway(topic: bytes, kind: TopicKind, gateway: str, slug: str) -> None:
    fleet = two_organizations()
    route = fleet.route(topic)
    assert (route.kind, route.gateway, route.gateway_id) == (kind, gateway, identity(gateway))
    assert route.organization.slug == slug
    assert fleet.routes[topic] is route


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        (topic_of(organization="nobody"), "unknown_organization"),
        (topic_of(gateway="gw-2"), "unknown_gateway"),
        (topic_of(gateway="gw-9"), "unknown_gateway"),  # the other organization's
        (topic_of(organization="other"), "unknown_gateway"),
        (topic_of(gateway="GW-1"), "unknown_gateway"),  # names are compared as they are
        (topic_of(gateway="cold-rooms"), "unknown_gateway"),
        (b"v3/cold-rooms@other/devices/eui-1/up", "unknown_gateway"),
        (b"v3/gw-1/devices/eui-1/up", "unknown_gateway"),
        (b"application/cold-rooms/device/eui-1/event/up", "unknown_gateway"),
        (topic_of("committed"), "not_for_us"),
        (topic_of("commands"), "topic_unknown"),
        (b"frostguard/v1/acme/readings", "topic_levels"),
        (b"$SYS/broker/uptime", "topic_reserved"),
        (b"\xff\xfe", "topic_not_utf8"),
        (b"", "topic_empty_level"),
    ],
)
def test_a_stranger_is_refused_with_the_reason_and_not_remembered(topic: bytes, reason: str) -> None:
    fleet = two_organizations()
    with pytest.raises(PacketError) as refused:
        fleet.route(topic)
    assert refused.value.reason == reason
    assert isinstance(refused.value, TopicError) == (reason not in ("unknown_organization", "unknown_gateway"))
    assert not fleet.routes


def test_the_memory_of_topics_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROUTES", 10)
    fleet = two_organizations()
    for n in range(1000):
        fleet.route(f"v3/cold-rooms@ttn/devices/eui-{n}/up".encode())
        assert len(fleet.routes) <= 10


@pytest.mark.parametrize(
    "spelling",
    [
        "a84041000181c061",
        "A84041000181C061",
        "A8:40:41:00:01:81:C0:61",
        "a8-40-41-00-01-81-c0-61",
        " A840410001 81C061",
    ],
)
def test_a_sensor_is_found_by_every_spelling(spelling: str) -> None:
    owner = make_organization()
    found = owner.find(spelling)
    assert found is owner.sensors[SERIAL]
    assert owner.sensors[spelling] is found  # the second time without a detour


def test_spellings_do_not_fill_the_memory() -> None:
    owner = make_organization()
    for n in range(20_000):
        spelling = "".join(c.upper() if n >> i & 1 else c for i, c in enumerate(SERIAL))
        assert owner.find(" " * (n % 50) + spelling) is not None
    assert len(owner.sensors) <= 4 * owner.known + 1000


@pytest.mark.parametrize("spelling", ["", " ", "x" * 65, "a\0b", "a\nb"])
def test_what_is_no_serial_is_refused(spelling: str) -> None:
    with pytest.raises(PacketError, match="bad_sensor"):
        make_organization().find(spelling)


def test_a_reload_of_one_organization_leaves_the_others_alone() -> None:
    fleet = two_organizations()
    kept = fleet.route(topic_of(gateway="gw-9", organization="other"))
    fleet.route(topic_of())
    fresh = make_organization("renamed", gateways=["gw-3"])
    fresh.id = identity("acme")
    fleet._replace([fresh.id], {fresh.id: fresh})
    assert not fleet.routes  # every route is found anew
    assert fleet.route(kept.topic.encode()).organization is kept.organization
    assert fleet.route(topic_of(gateway="gw-3", organization="renamed")).organization is fresh
    for gone in (topic_of(), topic_of(gateway="gw-3"), b"v3/cold-rooms@ttn/devices/eui-1/up"):
        with pytest.raises(PacketError):
            fleet.route(gone)
    assert fleet.address(identity("gw-3")) == ("renamed", "gw-3")
    assert fleet.address(identity(GATEWAY)) is None
    assert fleet.sizes() == {"organizations": 2, "gateways": 2, "sensors": 2, "units": 0}


def test_an_organization_that_is_gone_takes_its_topics_along() -> None:
    fleet = two_organizations()
    fleet._replace([identity("other")], {})
    with pytest.raises(PacketError, match="unknown_organization"):
        fleet.route(topic_of(gateway="gw-9", organization="other"))
    assert fleet.address(identity("gw-9")) is None


def test_a_pending_sensor_is_known_until_its_registration_is_forgotten() -> None:
    fleet = make_fleet()
    owner = fleet.route(topic_of()).organization
    new = make_sensor("00000000000000ff", unit=None)
    fleet.add_pending(owner.id, new)
    assert owner.find("00:00:00:00:00:00:00:FF") is new
    fleet.forget_pending(owner.id, new.serial, identity("another registration"))
    assert owner.find(new.serial) is new
    fleet.forget_pending(owner.id, new.serial, new.id)
    assert owner.find(new.serial) is None
    assert owner.find("00:00:00:00:00:00:00:FF") is None  # not by any spelling
    assert owner.find(SERIAL) is not None


def test_a_reload_keeps_a_pending_sensor_until_the_database_knows_it() -> None:
    """Its registration may still be in an open batch, and its next reading must not get another id."""
    fleet = make_fleet()
    new, registered = make_sensor("new-1", unit=None), make_sensor("new-1", unit=None, id=identity("in the table"))
    fleet.add_pending(identity("acme"), new)

    def reload(*sensors: Sensor) -> Sensor | None:
        fresh = make_organization(sensors=sensors)
        fleet._replace([fresh.id], {fresh.id: fresh})
        return fleet.route(topic_of()).organization.find("new-1")

    assert reload() is new
    assert reload() is new
    assert reload(registered) is registered
    assert reload() is None  # it was deleted since


def test_a_known_sensor_is_not_replaced_by_a_pending_one() -> None:
    fleet = make_fleet()
    owner = fleet.route(topic_of()).organization
    fleet.add_pending(owner.id, make_sensor(unit=None, id=identity("upstart")))
    assert owner.find(SERIAL) == make_sensor()
    fleet.add_pending(identity("no such organization"), make_sensor(unit=None))


async def test_the_fleet_is_read_from_the_database_and_an_assignment_is_noticed_once(database: str) -> None:
    planted = plant(database)
    with psycopg.connect(database, autocommit=True) as c:
        network = plant_gateway(c, planted.organization, "cold-rooms@ttn", "tts")
        pending = plant_sensor(c, planted.organization, "new-1", None)
    connection = await connect(DatabaseSettings(url=database), "test")
    try:
        fleet = Fleet()
        await fleet.load(connection)
        assert fleet.sizes() == {"organizations": 1, "gateways": 2, "sensors": 2, "units": 1}
        assert fleet.route(b"v3/cold-rooms@ttn/devices/eui-1/up").gateway_id == network
        owner = fleet.route(topic_of()).organization
        assert owner.sensors[SERIAL].unit_id == planted.units[SERIAL]
        assert owner.sensors["new-1"].unit_id is None
        with psycopg.connect(database, autocommit=True) as c:
            assign(c, pending, plant_unit(c, planted.organization, planted.area))
        assert (await fleet.load(connection, [planted.organization])).assigned == [pending]
        assert (await fleet.load(connection, [planted.organization])).assigned == []
        with psycopg.connect(database, autocommit=True) as c:
            c.execute("update organizations set deleted_at = now()")
        await fleet.load(connection, [planted.organization])
        assert fleet.sizes() == {"organizations": 0, "gateways": 0, "sensors": 0, "units": 0}
    finally:
        await connection.close()


async def test_what_is_deleted_is_not_part_of_the_fleet(database: str) -> None:
    planted = plant(database, gateways=["gw-1", "gw-2"], sensors=["s-1", "s-2", "s-3"])
    with psycopg.connect(database, autocommit=True) as c:
        c.execute("update gateways set deleted_at = now() where serial = 'gw-2'")
        c.execute("update sensors set deleted_at = now() where serial = 's-2'")
        c.execute("update units set deleted_at = now() where id = %s", (planted.units["s-3"],))
    connection = await connect(DatabaseSettings(url=database), "test")
    try:
        fleet = Fleet()
        await fleet.load(connection)
    finally:
        await connection.close()
    owner = fleet.route(topic_of()).organization
    assert set(owner.gateways) == {"gw-1"}
    # The sensor of a deleted unit waits for another one; its readings are held.
    assert {serial: s.unit_id for serial, s in owner.sensors.items()} == {"s-1": planted.units["s-1"], "s-3": None}
