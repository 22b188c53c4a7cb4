"""The programs under a supervisor: ready only when they can work, a watchdog that tells the truth, a stop in time.

systemd is played by a socket here; tests/chaos/test_systemd.py starts the units under a systemd of their own.
"""

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from tests.factories import plant
from tests.ingest.conftest import make_broker
from tests.ingest.rig import PASSWORD
from tests.supervising import Program, Supervisor
from tests.waiting import eventually

WATCHDOG_SECONDS = 0.3
SECRET = "a secret of the tests that is long enough"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = make_broker(tmp_path, "mosquitto" if find_mosquitto() else "embedded")
    yield made
    made.stop()


Start = Callable[..., Program]


@pytest.fixture
def start(supervisor: Supervisor, broker: Broker, database: str, tmp_path: Path) -> Iterator[Start]:
    """A function that starts a program on the test's servers."""
    plant(database)
    started: list[Program] = []

    def run(name: str = "ingest", command_timeout: str = "10", **changes: str) -> Program:
        environment = {
            "DATABASE_URL": database,
            "MQTT_URL": f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{broker.port}",
            "JWT_SECRET": SECRET,
            "INGEST_PORT": "0",
            "PORT": "0",
            "DATABASE_COMMAND_TIMEOUT": command_timeout,
            "HUNG_FILE": str(tmp_path / "hung"),
            **changes,
        }
        started.append(Program(supervisor, name, environment, tmp_path / "program.log"))
        return started[-1]

    yield run
    for each in started:
        each.end()


@contextmanager
def closed_port() -> Iterator[str]:
    """A PostgreSQL that is not there."""
    yield f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"


def test_the_daemon_is_ready_when_both_servers_are_there_and_not_before(
    supervisor: Supervisor, broker: Broker, start: Start
) -> None:
    daemon = start()
    assert "no connection" in supervisor.hears("STATUS=broker: no connection")
    assert "EXTEND_TIMEOUT_USEC=60000000" in supervisor.heard
    assert "READY=1" not in supervisor.heard
    broker.start()
    supervisor.hears("READY=1")
    supervisor.hears("WATCHDOG=1")
    assert daemon.stop() == 0
    supervisor.drain()
    assert supervisor.heard.count("READY=1") == 1
    assert supervisor.heard.count("STOPPING=1") == 1
    assert supervisor.heard.index("STOPPING=1") > supervisor.heard.index("READY=1")


def test_without_a_database_the_daemon_is_not_ready_and_says_so(
    supervisor: Supervisor, broker: Broker, start: Start
) -> None:
    broker.start()
    with closed_port() as nowhere:
        daemon = start(DATABASE_URL=nowhere)
        supervisor.hears("STATUS=PostgreSQL: PostgreSQL does not answer")
        supervisor.hears("EXTEND_TIMEOUT_USEC=")
        assert daemon.stop() == 0
    supervisor.drain()
    assert "READY=1" not in supervisor.heard


def test_a_broker_that_goes_is_a_status_and_no_reason_to_be_restarted(
    supervisor: Supervisor, broker: Broker, start: Start
) -> None:
    broker.start()
    daemon = start()
    supervisor.hears("READY=1")
    supervisor.forget()
    broker.stop()
    supervisor.hears("STATUS=broker: no")
    supervisor.forget()
    supervisor.hears("WATCHDOG=1")
    broker.start()
    supervisor.hears("STATUS=readings come in", 60)
    assert daemon.stop() == 0


@pytest.mark.case("E4")
@pytest.mark.parametrize("fault", [(signal.SIGUSR1, "loop"), (signal.SIGUSR2, "writer")], ids=lambda fault: fault[1])
def test_a_daemon_that_hangs_is_silent(
    supervisor: Supervisor, broker: Broker, start: Start, tmp_path: Path, fault: tuple[signal.Signals, str]
) -> None:
    how, what = fault
    broker.start()
    daemon = start("tests.end_to_end.hanging", command_timeout="0.2")  # a turn may take twelve times as long
    supervisor.hears("READY=1")
    supervisor.hears("WATCHDOG=1")
    daemon.process.send_signal(how)
    hung = tmp_path / "hung"
    eventually(lambda: hung.exists() and hung.read_text() == what, f"the {what} hangs")
    assert supervisor.falls_silent(4 * WATCHDOG_SECONDS), supervisor.heard
    assert daemon.process.poll() is None
    daemon.stop(signal.SIGKILL)


def test_a_daemon_that_stands_still_is_silent_and_goes_on_where_it_stood(
    supervisor: Supervisor, broker: Broker, start: Start
) -> None:
    broker.start()
    daemon = start()
    supervisor.hears("WATCHDOG=1")
    daemon.process.send_signal(signal.SIGSTOP)
    assert supervisor.falls_silent(4 * WATCHDOG_SECONDS)
    daemon.process.send_signal(signal.SIGCONT)
    supervisor.forget()
    supervisor.hears("WATCHDOG=1")
    assert daemon.stop() == 0


def test_the_api_is_ready_when_it_listens_on_a_database_that_answers(supervisor: Supervisor, start: Start) -> None:
    api = start("api")
    supervisor.hears("READY=1")
    assert supervisor.hears("STATUS=").startswith("STATUS=listening on http://127.0.0.1:")
    supervisor.hears("WATCHDOG=1")
    assert api.stop() == 0
    supervisor.hears("STOPPING=1")


def test_an_api_that_people_hold_on_to_stops_in_time(supervisor: Supervisor, start: Start) -> None:
    api = start("api")
    host, _, port = supervisor.hears("STATUS=listening on http://").rpartition("//")[2].partition(":")
    half = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    idle = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    upgrade = (
        b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with contextlib.ExitStack() as held:
        for text in (half, idle, upgrade, b""):
            caller = held.enter_context(socket.create_connection((host, int(port))))
            caller.sendall(text)
            if text in (idle, upgrade):
                caller.recv(1000)
        assert api.stop(seconds=10) == 0


def test_an_api_without_a_database_is_not_ready_and_stops_when_it_is_told(supervisor: Supervisor, start: Start) -> None:
    with closed_port() as nowhere:
        api = start("api", DATABASE_URL=nowhere)
        supervisor.hears("STATUS=PostgreSQL: does not answer yet")
        supervisor.hears("EXTEND_TIMEOUT_USEC=")
        assert api.stop() == 0
    supervisor.drain()
    assert "READY=1" not in supervisor.heard


def test_a_setting_that_is_wrong_is_code_78_and_never_ready(supervisor: Supervisor, start: Start) -> None:
    for name in ("ingest", "api"):
        assert start(name, DATABASE_URL="mysql://x").process.wait(20) == 78
    supervisor.drain()
    assert supervisor.heard == []
