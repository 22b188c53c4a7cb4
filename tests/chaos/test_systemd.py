"""The units as they are installed, under a systemd of their own: order, readiness, watchdog, stop, secrets."""

import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from frostguard.cli.main import main
from frostguard.local.broker import DAEMON, Broker
from frostguard.local.ports import free_port
from frostguard.local.postgres import PostgresServer
from tests.chaos.machine import Machine, machine, why_not
from tests.ingest.conftest import make_broker
from tests.ingest.rig import PASSWORD
from tests.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.skipif(bool(why_not()), reason=why_not())]

INGEST, API, MIGRATE = "frostguard-ingest@0.service", "frostguard-api.service", "frostguard-migrate.service"
HOUSEKEEPING = "frostguard-housekeeping.service"
READY = "readings come in and are stored"


class Site:
    """A machine with the units on it, and the servers that they need, which are not started yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = PostgresServer(folder / "postgres", free_port())
        self.postgres.initialise()
        self.broker: Broker = make_broker(folder, "auto")
        self.prefix = folder / "root"
        assert main(["install-systemd", "--prefix", str(self.prefix)]) == 0
        self.secret("DATABASE_URL", self.postgres.url("postgres"))
        self.secret("MQTT_URL", f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{self.broker.port}")
        settings = {"INGEST_PORT": free_port(), "PORT": free_port(), "DATABASE_COMMAND_TIMEOUT": 5}
        (self.prefix / "etc/frostguard/frostguard.env").write_text(
            "".join(f"{name}={value}\n" for name, value in settings.items())
        )

    def secret(self, name: str, text: str) -> None:
        (self.prefix / "etc/frostguard/credentials" / name).write_text(text + "\n")

    def stop(self) -> None:
        self.broker.stop()
        self.postgres.stop()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def running(site: Site) -> Iterator[Machine]:
    """Everything is there and ready."""
    site.postgres.start()
    site.broker.start()
    with machine(site.folder, site.prefix) as one:
        one.systemctl("start", "--no-block", "frostguard.target")
        for unit in (INGEST, API):
            one.waits_for(unit, "ActiveState", "active")
        yield one


def report(what: str, seconds: float) -> None:
    print(f"  {what}: {seconds:.1f} s", flush=True)


def test_each_unit_is_ready_when_what_it_needs_is_there_and_not_before(site: Site) -> None:
    with machine(site.folder, site.prefix) as one:
        one.systemctl("start", "--no-block", "frostguard.target")
        one.waits_for(MIGRATE, "ActiveState", "activating")
        assert (one.property(INGEST, "ActiveState"), one.property(API, "ActiveState")) == ("inactive", "inactive")

        site.postgres.start()
        one.waits_for(API, "ActiveState", "active")
        assert one.property(MIGRATE, "ActiveState") == "active"
        assert one.property(API, "StatusText").startswith("listening on http://127.0.0.1:")
        one.waits_for(INGEST, "StatusText", "broker: no connection")
        assert one.property(INGEST, "ActiveState") == "activating"

        site.broker.start()
        one.waits_for(INGEST, "ActiveState", "active")
        assert one.property(INGEST, "StatusText") == READY
        assert one.property("frostguard-housekeeping.timer", "ActiveState") == "active"

        for unit in (INGEST, API):
            assert one.property(unit, "NRestarts") == "0"


def test_housekeeping_runs_shut_in_like_the_others(running: Machine) -> None:
    assert running.systemctl("start", HOUSEKEEPING).returncode == 0, running.log_of(HOUSEKEEPING)
    assert running.property(HOUSEKEEPING, "Result") == "success"
    assert "dead letters: 0 removed" in running.log_of(HOUSEKEEPING)


def test_accounts_are_written_for_the_broker_by_its_own_account(running: Machine) -> None:
    if running.run("id", "mosquitto").returncode:
        pytest.skip("no Mosquitto on this machine, so no account of it")
    running.waits_for("frostguard-accounts.service", "ActiveState", "active")
    link = "/etc/mosquitto/frostguard.passwd"
    eventually(lambda: running.run("cat", link).stdout.startswith("frostguard-ingest:$7$"), "the daemon's account")
    assert running.run("stat", "-Lc", "%U %a", link).stdout == "mosquitto 600\n"
    began = time.monotonic()
    running.systemctl("stop", "frostguard-accounts.service")
    assert running.property("frostguard-accounts.service", "Result") == "success"
    report("accounts stopped", time.monotonic() - began)


@pytest.mark.parametrize("unit", [INGEST, API])
def test_a_program_that_hangs_is_ended_and_started_again(running: Machine, unit: str) -> None:
    before = running.pid(unit)
    running.kill(unit, signal.SIGSTOP)
    began = time.monotonic()
    running.waits_for(unit, "NRestarts", "1", 90)
    running.waits_for(unit, "ActiveState", "active")
    report(f"{unit}: hangs, until it is ready again", time.monotonic() - began)
    assert running.pid(unit) != before
    assert f"{unit}: Watchdog timeout" in running.console


@pytest.mark.parametrize("unit", [INGEST, API])
def test_a_program_that_is_killed_is_started_again(running: Machine, unit: str) -> None:
    running.kill(unit, signal.SIGKILL)
    began = time.monotonic()
    running.waits_for(unit, "NRestarts", "1")
    running.waits_for(unit, "ActiveState", "active")
    report(f"{unit}: killed, until it is ready again", time.monotonic() - began)


def test_all_of_it_stops_in_order_and_in_time(running: Machine) -> None:
    running.waits_for(INGEST, "StatusText", READY)
    began = time.monotonic()
    assert running.systemctl("stop", "frostguard.target").returncode == 0
    for unit in (INGEST, API):
        running.waits_for(unit, "ActiveState", "inactive", 20)
        assert (running.property(unit, "Result"), running.property(unit, "ExecMainStatus")) == ("success", "0")
    report("stopped", time.monotonic() - began)


def test_servers_that_go_away_are_a_status_and_nothing_is_restarted(site: Site, running: Machine) -> None:
    site.broker.stop()
    running.waits_for(INGEST, "StatusText", "broker: no")
    site.broker.start()
    running.waits_for(INGEST, "StatusText", READY, 90)
    site.postgres.stop(signal.SIGKILL)
    running.waits_for(INGEST, "StatusText", "PostgreSQL: PostgreSQL does not answer")
    site.postgres.start()
    running.waits_for(INGEST, "StatusText", READY, 90)
    for unit in (INGEST, API):
        assert (running.property(unit, "ActiveState"), running.property(unit, "NRestarts")) == ("active", "0")


def test_a_setting_that_is_wrong_is_told_in_one_line_and_not_tried_again(running: Machine) -> None:
    running.run("sh", "-c", "echo 'mysql://x' > /etc/frostguard/credentials/MQTT_URL")
    running.systemctl("restart", INGEST)
    running.waits_for(INGEST, "ActiveState", "failed")
    assert running.property(INGEST, "ExecMainStatus") == "78"
    assert running.property(INGEST, "NRestarts") == "0"
    last = running.log_of(INGEST).strip().splitlines()[-1]
    assert last == "frostguard-ingest: settings: MQTT_URL: must be mqtt://host:port or mqtts://host:port"


def test_another_shard_than_the_one_there_is_is_refused(running: Machine) -> None:
    unit = "frostguard-ingest@1.service"
    running.systemctl("start", unit)
    running.waits_for(unit, "ActiveState", "failed")
    assert (running.property(unit, "ExecMainStatus"), running.property(unit, "NRestarts")) == ("78", "0")
    assert "there is no shard 1/1" in running.log_of(unit)


def test_a_program_sees_its_own_secrets_and_nobody_else_does(site: Site, running: Machine) -> None:
    password = site.postgres.url().partition(":")[2].partition(":")[2].partition("@")[0]
    for unit, secrets in ((INGEST, {"DATABASE_URL", "MQTT_URL"}), (API, {"DATABASE_URL", "JWT_SECRET"})):
        pid = running.pid(unit)
        environment = running.run("cat", f"/proc/{pid}/environ").stdout
        folder = re.search(r"CREDENTIALS_DIRECTORY=([^\0]+)", environment)
        assert folder
        assert password not in environment + running.run("cat", f"/proc/{pid}/cmdline").stdout
        assert secrets <= set(running.run("ls", folder[1]).stdout.split())
        assert ("JWT_SECRET" in running.run("ls", folder[1]).stdout) == (unit == API)
        status = running.run("cat", f"/proc/{pid}/status").stdout
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
        assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
        assert not re.search(r"^Uid:\s+0\s", status, re.MULTILINE)
        foreign = running.run("setpriv", "--reuid=65534", "--clear-groups", "cat", f"{folder[1]}/DATABASE_URL")
        assert foreign.returncode != 0
    with psycopg.connect(site.postgres.url()) as c:
        found = c.execute("select count(*) from pg_stat_activity where application_name ~ '^frostguard'").fetchone()
    assert found
    assert found[0] >= 2


def test_our_own_machine_is_left_as_it_was(site: Site) -> None:
    def state() -> dict[str, object]:
        return {
            "mounts": Path("/proc/self/mounts").read_text(),
            "name": socket.gethostname(),
            "files": Path("/proc/sys/fs/file-max").read_text(),
            "queue": Path("/proc/sys/net/unix/max_dgram_qlen").read_text(),
            "account": "frostguard:" in Path("/etc/passwd").read_text(),
            "settings": Path("/etc/frostguard").exists(),
        }

    before = state()
    with machine(site.folder, site.prefix) as one:
        assert one.run("sh", "-c", "id frostguard && touch /tmp/x /run/x /etc/x && ! touch /x").returncode == 0
        group = one._group
    assert state() == before
    assert not Path("/etc/x").exists()
    assert not group.exists()
