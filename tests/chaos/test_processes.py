"""What happens to processes from within: tasks that fail, files that run out, full logs, bad settings."""

import json
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from tests.chaos.rig import rigged
from tests.factories import plant
from tests.ingest.conftest import make_broker
from tests.ingest.rig import PASSWORD
from tests.supervising import ROOT, Program, Supervisor
from tests.waiting import eventually

pytestmark = pytest.mark.chaos

# Every task that lives as long as its program. The census below fails where there is another one.
TASKS = {
    "ingest": {"watch", "tell", "rollups", "serve", "watchdog"},
    "api": {"access", "feed", "mail", "housekeeping", "feed-follow", "feed-others", "feed-beat", "watchdog"},
}
PASSING = {"subscribe", "doomed", "confirm", "snapshot", "flush", "edits"}
CASES = [(program, task) for program, tasks in TASKS.items() for task in sorted(tasks)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = make_broker(tmp_path, "mosquitto" if find_mosquitto() else "embedded")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def environment(database: str, broker: Broker, tmp_path: Path) -> dict[str, str]:
    plant(database)
    return {
        "DATABASE_URL": database, "MQTT_URL": f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{broker.port}",
        "JWT_SECRET": "a secret of the tests that is long enough", "INGEST_PORT": "0", "PORT": "0",
        "TRIGGER": str(tmp_path / "trigger"), "CENSUS": str(tmp_path / "census"),
    }  # fmt: skip


@pytest.mark.case("E7")
@pytest.mark.parametrize("name", list(TASKS))
def test_every_task_that_lives_long_is_known_here(
    supervisor: Supervisor, environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    program = Program(
        supervisor, "tests.chaos.doomed", environment | {"PROGRAM": name, "DOOMED": "-"}, tmp_path / "log"
    )
    try:
        supervisor.hears("READY=1", 40)
        program.process.send_signal(signal.SIGUSR1)
        census = tmp_path / "census"
        eventually(census.exists, "the census")
        found = set(census.read_text().split("\n")) - PASSING
        assert found == TASKS[name]
        assert program.stop() == 0
    finally:
        program.end()


@pytest.mark.case("E7")
@pytest.mark.parametrize("doomed", CASES, ids="-".join)
def test_a_task_that_fails_ends_the_program_or_silences_its_watchdog(
    supervisor: Supervisor,
    environment: dict[str, str],
    tmp_path: Path,
    doomed: tuple[str, str],
    case: Callable[..., None],
) -> None:
    name, task = doomed
    changes = {"PROGRAM": name, "DOOMED": task}
    program = Program(supervisor, "tests.chaos.doomed", environment | changes, tmp_path / "log")
    try:
        supervisor.hears("READY=1", 40)
        began = time.monotonic()
        (tmp_path / "trigger").touch()
        if task == "watchdog":  # systemd ends what says nothing any more
            assert supervisor.falls_silent(1.5)
            program.stop(seconds=15)
        else:
            assert program.process.wait(20) == 1, (tmp_path / "log").read_text()[-2000:]
            case(f"{name}, task {task} fails: ended after", time.monotonic() - began, "s")
        assert "injected" in (tmp_path / "log").read_text() or task == "watchdog"
    finally:
        program.end()


@pytest.mark.case("E6")
def test_the_daemon_takes_readings_while_its_files_run_out(tmp_path: Path, case: Callable[..., None]) -> None:
    """64 files, of which 200 idle callers of its probes want one each."""
    with rigged(tmp_path, gateways=5, sensors=4) as rig:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        try:
            rig.start_daemon()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        address = (rig.folder / "ready").read_text().strip()
        host, _, port = address.removeprefix("http://").rpartition(":")
        callers = [socket.create_connection((host, int(port)), timeout=5) for _ in range(200)]
        assert rig.daemon
        files = len(list(Path(f"/proc/{rig.daemon.pid}/fd").iterdir()))
        rig.publish("--rate", "500", "--count", "2000")
        rig.finish()
        rig.settle()
        verdict = rig.verdict()
        assert rig.daemon.poll() is None
        for caller in callers:
            caller.close()
        with urllib.request.urlopen(f"{address}/readyz", timeout=20) as answer:
            assert json.loads(answer.read())["status"] == "ok"
        case("files open, with 200 idle callers", files, below=65)
        assert verdict.faults == {}, verdict
        case("readings stored", verdict.stored, equal=2000)
        assert rig.kill_daemon(signal.SIGTERM) == 0


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    with rigged(tmp_path, gateways=5, sensors=4) as rig:
        (tmp_path / "ingest.log").symlink_to("/dev/full")
        rig.start_daemon()
        rig.publish("--rate", "500", "--count", "2000")
        rig.finish()
        rig.settle()
        verdict = rig.verdict()
        assert verdict.faults == {}, verdict
        assert verdict.stored == 2000
        assert rig.kill_daemon(signal.SIGTERM) == 0


@pytest.mark.parametrize("program", ["ingest", "api"])
def test_bad_settings_in_a_restart_loop_do_no_damage(environment: dict[str, str], tmp_path: Path, program: str) -> None:
    changes = {"INGEST_BATCH_ROWS": "many", "PORT": "eighty", "PATH": "/usr/bin:/bin"}
    for _ in range(3):
        said = subprocess.run(
            [sys.executable, "-m", program],
            env=environment | changes,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 78
        assert len(said.stderr.strip().splitlines()) == 1
    with psycopg.connect(environment["DATABASE_URL"]) as c:
        found = c.execute("select count(*) from pg_stat_activity where application_name ~ '^frostguard'").fetchone()
    assert found == (0,)
