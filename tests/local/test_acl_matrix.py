"""Everything that gateways might try, against a real Mosquitto with the production's rules.

Three gateways times sixty topics times publishing, retaining, leaving a last will and subscribing. A spy that may read
all sees what truly came through: what a broker answers is only what it says.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local import broker as brokers
from frostguard.local.broker import ACL, DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from tests.mqtt_peer import Peer

GATEWAYS = ("gw1", "gw2", "gw10")  # one name begins with another
SPY, OTHER = "spy", "other-spy"  # who may do all; two, because a name is a session
LEAVES = ("readings", "status", "committed")
OWN = {gateway: {f"frostguard/v1/{org}/{gateway}/{leaf}" for org in ("acme", "other") for leaf in LEAVES[:2]}
       for gateway in GATEWAYS}  # fmt: skip
TOPICS = sorted(
    {
        *(f"frostguard/v1/{org}/{name}/{leaf}" for org in ("acme", "other") for name in (*GATEWAYS, "gw", DAEMON)
          for leaf in LEAVES),
        *(f"frostguard/v1/acme/{name}" for name in GATEWAYS),
        *(f"frostguard/v1/acme/{name}/readings/more" for name in GATEWAYS),
        *(f"frostguard/v1/{name}/readings" for name in GATEWAYS),
        *(f"frostguard/v2/acme/{name}/readings" for name in GATEWAYS),
        *(f"/frostguard/v1/acme/{name}/readings" for name in GATEWAYS),
        *(f"frostguard//acme/{name}/readings" for name in GATEWAYS),
        *(f"FROSTGUARD/v1/acme/{name}/readings" for name in GATEWAYS),
        "frostguard/ingest/frostguard-ingest/marker", "frostguard/ingest/gw1/marker",
        "v3/app@tenant/devices/gw1/up", "application/1/device/gw1/event/up", "frostguard", "anything",
        "frostguard/v1/acme//readings", "frostguard/v1//gw/committed", "frostguard/v1/acme/GW1/readings",
    }
)  # fmt: skip
FILTERS = ("#", "+/#", "frostguard/#", "frostguard/v1/+/+/+", "frostguard/v1/+/+/committed", "$SYS/#", "$share/g/#",
           "v3/+/devices/+/up", "frostguard/ingest/+/marker")  # fmt: skip
UNUSUAL = ("gw/1", "+", "#", "gw+", "gw#", "%u", "%c", "acme/gw1", "gw1/readings", "..", " ", "\uff47\uff571")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    folder = tmp_path_factory.mktemp("matrix")
    rules = folder / "spied.acl"
    rules.write_text(ACL.read_text() + "".join(f"\nuser {name}\ntopic readwrite #\n" for name in (SPY, OTHER)))
    running = Broker(folder / "broker", free_port(), kind="mosquitto")
    running.folder.mkdir(mode=0o700)
    names = (*GATEWAYS, *UNUSUAL, DAEMON, SPY, OTHER)
    running.set_passwords({name: mosquitto_hash("pw") for name in names if ":" not in name})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(brokers, "ACL", rules)
        running.start()
    yield running
    running.stop()


@pytest.fixture
def seen(broker: Broker) -> Iterator[Callable[[], list[tuple[str, bytes]]]]:
    """What came through to anybody, up to now."""
    with Peer(broker.port, SPY) as spy:
        spy.subscribe("#")

        def look() -> list[tuple[str, bytes]]:
            spy.publish("end", b"")
            spy.wait_for(("end", b""))
            found = [message for message in spy.received if message[0] != "end"]
            spy.received.clear()
            return found

        look()  # what was retained earlier
        yield look


def test_the_table_is_as_large_as_it_says() -> None:
    assert len(TOPICS) >= 60
    assert all(own <= set(TOPICS) for own in OWN.values())


@pytest.mark.case("H19")
@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("retain", [False, True], ids=["published", "retained"])
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_gateway_is_heard_on_its_own_topics_only(  # noqa: PLR0917 - fixtures
    broker: Broker, seen: Callable, gateway: str, retain: bool, level: int, case: Callable
) -> None:
    with Peer(broker.port, gateway, level=level) as peer:
        for topic in TOPICS:
            peer.publish(topic, gateway.encode(), retain=retain)
    came = seen()
    assert {topic for topic, _ in came} >= OWN[gateway], "own topics that did not get through"
    case("leaked messages", len([topic for topic, _ in came if topic not in OWN[gateway]]), equal=0)
    if retain:
        with Peer(broker.port, OTHER) as spy:
            for topic in OWN[gateway]:
                spy.publish(topic, b"", retain=True)


@pytest.mark.case("H19")
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_last_wills_come_on_own_topics_only(broker: Broker, seen: Callable, gateway: str, case: Callable) -> None:
    for topic in TOPICS:
        peer = Peer(broker.port, gateway, will=topic)
        if peer.refused is None:
            peer.die()
        else:
            peer.close()
    leaked = {topic for topic, _ in seen()} - OWN[gateway]
    case("leaked wills", len(leaked), equal=0)


@pytest.mark.case("H19")
@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_gateway_hears_what_is_committed_of_its_own_and_nothing_else(
    broker: Broker, gateway: str, level: int, case: Callable
) -> None:
    own = {f"frostguard/v1/{org}/{gateway}/committed" for org in ("acme", "other")}
    with Peer(broker.port, gateway, level=level) as peer, Peer(broker.port, SPY) as everybody:
        for topic_filter in (*FILTERS, *TOPICS):
            peer.subscribe(topic_filter)
        for topic in TOPICS:
            everybody.publish(topic, topic.encode())
        last = f"frostguard/v1/acme/{gateway}/committed"
        everybody.publish(last, b"the last")
        peer.wait_for((last, b"the last"))
        heard = {topic for topic, _ in peer.received}
    assert own <= heard
    case("foreign messages heard", len(heard - own), equal=0)


@pytest.mark.case("H19")
@pytest.mark.parametrize("name", UNUSUAL)
def test_a_name_with_signs_of_topics_in_it_opens_nothing(broker: Broker, seen: Callable, name: str) -> None:
    peer = Peer(broker.port, name, client_id=f"client of {len(name)}")
    if peer.refused is None:
        for topic in TOPICS:
            peer.publish(topic, b"forged")
    peer.close()
    assert [topic for topic, _ in seen() if topic in TOPICS] == []


def test_the_spy_would_see_a_leak(broker: Broker, seen: Callable) -> None:
    with Peer(broker.port, OTHER) as careless:
        careless.publish("frostguard/v1/acme/gw2/committed", b"leak")
    assert seen() == [("frostguard/v1/acme/gw2/committed", b"leak")]


def test_the_rules_are_the_productions(broker: Broker) -> None:
    used = Path((broker.folder / "mosquitto.conf").read_text().partition("acl_file ")[2].splitlines()[0])
    assert used.read_text().startswith(ACL.read_text())
