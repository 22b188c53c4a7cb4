"""A real broker, well and broken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from frostguard.config import MqttSettings
from frostguard.doctor import broker as checks
from frostguard.doctor.finding import Level, run
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import CONFIGURATION, DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from tests.mqtt_peer import Peer

OURS = checks.limits_of(CONFIGURATION.read_text())


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    running = Broker(tmp_path / "broker", free_port(), kind="mosquitto")
    running.folder.mkdir()
    running.set_passwords({DAEMON: mosquitto_hash("pw")})
    running.start()
    yield running
    running.stop()


def settings_for(port: int) -> MqttSettings:
    return MqttSettings(url=f"mqtt://{DAEMON}:pw@127.0.0.1:{port}")


async def test_a_broker_that_refuses_strangers_is_well_and_the_daemon_is_not_disturbed(broker: Broker) -> None:
    with Peer(broker.port, DAEMON, keep=True) as daemon:
        assert (await checks.admits(settings_for(broker.port)))[0] is Level.OK
        assert not daemon.lost


async def test_a_broker_that_lets_anybody_in_is_found(broker: Broker) -> None:
    broker.stop()
    open_door = broker.folder / "open.conf"
    text = (broker.folder / "mosquitto.conf").read_text()
    text = text.replace("allow_anonymous false", "allow_anonymous true").replace("use_username_as_clientid true", "")
    open_door.write_text(text)
    command = broker._command()
    broker._command = lambda: [command[0], "-c", open_door]  # type: ignore[method-assign]
    broker.start()
    level, says, _ = await checks.admits(settings_for(broker.port))
    assert (level, "lets in who has no account" in says) == (Level.FAIL, True)


async def test_no_broker_is_a_failure() -> None:
    settings = settings_for(free_port())
    [found] = await run({"broker": lambda: checks.admits(settings)})
    assert found.level is Level.FAIL


@pytest.mark.case("C4")
@pytest.mark.parametrize(
    ("changed", "rate", "level"),
    [
        ("", 2000, Level.OK),
        ("max_queued_messages 1000", 10, Level.FAIL),
        ("max_queued_bytes 1000000", 100, Level.FAIL),
        ("memory_limit 1000000000", 2000, Level.FAIL),
        ("", 5000, Level.FAIL),
    ],
)
def test_limits_that_do_not_hold_the_outage_are_found(changed: str, rate: float, level: Level, case) -> None:
    limits = checks.limits_of(f"{CONFIGURATION.read_text()}\n{changed}\n")
    assert checks.holds(limits, rate)[0] is level
    case(f"limits found wanting ({changed or 'ours'}, {rate} messages/s)", int(level is Level.FAIL))


@pytest.mark.case("C3")
def test_a_folder_that_is_not_there_or_keeps_nothing_is_found(tmp_path: Path, case) -> None:
    assert checks.persists(checks.limits_of(""), 1)[0] is Level.FAIL, "Mosquitto's own default keeps nothing"
    gone = checks.limits_of(f"persistence true\npersistence_location {tmp_path / 'gone'}/")
    found = checks.persists(gone, 1)
    assert found[0] is Level.FAIL
    there = checks.limits_of(f"persistence true\npersistence_location {tmp_path}/")
    assert checks.persists(there, 1)[0] in (Level.OK, Level.WARN, Level.FAIL)
    assert checks.persists(there, 1e12)[0] is Level.FAIL, "no disk holds that"
    case("folders that cannot hold the backlog found", 3, equal=3)
    assert OURS.persistence
