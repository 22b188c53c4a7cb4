"""A whole system made to be killed: PostgreSQL and Mosquitto as in production, the daemon, the simulator."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from frostguard import migrate
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker
from frostguard.local.ports import free_port
from frostguard.local.postgres import PostgresServer
from tests.chaos.verify import Verdict, verify

PASSWORD = "of-the-rig"
ORGANIZATION = "chaos"


def eventually(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for something that no event tells us; fail by name."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class Rig:
    """Starts, kills and restarts the parts. `program` runs as the daemon: the product, or a negative control."""

    def __init__(self, folder: Path, gateways: int = 20, sensors: int = 10, program: str = "ingest") -> None:
        self.folder = folder
        self.program = program
        self.postgres = PostgresServer(folder / "postgres", free_port())
        self.broker = Broker(folder / "broker", free_port())
        self.daemon: subprocess.Popen[bytes] | None = None
        self.simulators: list[subprocess.Popen[bytes]] = []
        self.ledgers: list[Path] = []
        self._published = 0
        self.gateways, self.sensors = gateways, sensors
        self.door = self.postgres.port  # what the daemon connects to: another port where something stands in the way
        self._ready = folder / "ready"

    @property
    def database(self) -> str:
        return self.postgres.url()

    def start(self) -> None:
        """PostgreSQL with its safe defaults, the schema, the fleet, the broker; not yet the daemon."""
        self.postgres.start()
        migrate.apply(self.database)
        self._register_fleet()
        hash_ = mosquitto_hash(PASSWORD)
        names = [gateway["id"] for gateway in self._fleet()["gateways"]]
        self.broker.folder.mkdir(parents=True)
        self.broker.set_passwords(dict.fromkeys([DAEMON, *names], hash_))
        self.broker.start()

    def _fleet(self) -> dict:
        path = self.folder / "fleet.json"
        if not path.exists():
            made = subprocess.run(
                [sys.executable, "-m", "firmware_sim", "fleet", "--organization", ORGANIZATION,
                 "--gateways", str(self.gateways), "--sensors", str(self.sensors)],
                capture_output=True, check=True, cwd=ROOT, env=_environment(),
            )  # fmt: skip
            fleet = json.loads(made.stdout)
            for gateway in fleet["gateways"]:
                gateway["password"] = PASSWORD
            path.write_text(json.dumps(fleet))
        return json.loads(path.read_text())

    def _register_fleet(self) -> None:
        with psycopg.connect(self.database, autocommit=True) as c:
            c.execute("insert into organizations (name, slug) values ('Chaos', %s)", (ORGANIZATION,))
            c.execute("insert into sites (organization_id, name) select id, 'Site' from organizations")
            c.execute(
                "insert into areas (organization_id, site_id, name) select organization_id, id, 'Area' from sites"
            )
            for gateway in self._fleet()["gateways"]:
                c.execute(
                    "insert into gateways (organization_id, serial, name) select id, %s, %s from organizations",
                    (gateway["id"], gateway["id"]),
                )
                for sensor in gateway["sensors"]:
                    c.execute(
                        """with u as (insert into units (organization_id, area_id, name, unit_type)
                             select organization_id, id, %s, %s::unit_type from areas returning id, organization_id)
                           insert into sensors (organization_id, unit_id, serial, is_primary, assigned_at)
                           select organization_id, id, %s, true, now() from u""",
                        (sensor["serial"], sensor["unit_type"], sensor["serial"]),
                    )

    def crash_postgres(self) -> None:
        """Kill the server and start it again, as soon as its children have noticed: each has a session of its own."""
        assert self.postgres.process is not None
        children = _children(self.postgres.process.pid)
        self.postgres.stop(signal.SIGKILL)
        eventually(lambda: not any(map(_is_running, children)), 30, "the server's children have ended")
        self.postgres.start()

    # --- the daemon

    def start_daemon(self) -> None:
        """Start it and wait until it is ready."""
        self._ready.unlink(missing_ok=True)
        environment = _environment() | {
            "DATABASE_URL": self.database.replace(f":{self.postgres.port}/", f":{self.door}/"),
            "MQTT_URL": f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{self.broker.port}",
            "INGEST_PORT": "0",
            "READY_FILE": str(self._ready),
            "LOG_FORMAT": "text",
        }
        with (self.folder / "ingest.log").open("ab") as log:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", self.program], env=environment, cwd=ROOT, stdout=log, stderr=log
            )
        eventually(self._ready.exists, 60, "the daemon is ready")

    def kill_daemon(self, how: signal.Signals = signal.SIGKILL) -> int:
        """End it; returns its exit code."""
        assert self.daemon is not None
        self.daemon.send_signal(how)
        code = self.daemon.wait(30)
        self.daemon = None
        return code

    def metric(self, name: str) -> float:
        """One number of the daemon's /metrics."""
        text = urllib.request.urlopen(self._ready.read_text().strip() + "/metrics", timeout=10).read().decode()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.partition(" ")[0] == name)

    def probe(self, path: str) -> int:
        """The status of an answer of the daemon's: /livez, /readyz."""
        try:
            return int(urllib.request.urlopen(self._ready.read_text().strip() + path, timeout=10).status)
        except urllib.error.HTTPError as error:
            return error.code

    def daemon_memory_mb(self) -> float:
        """Resident memory of the daemon."""
        assert self.daemon is not None
        status = Path(f"/proc/{self.daemon.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    # --- the simulator

    def publish(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a simulator with a ledger of its own; `finish` waits for it."""
        self._published += 1
        path = self.folder / f"ledger-{self._published}.jsonl"
        self.ledgers.append(path)
        command = [
            sys.executable,
            "-m",
            "firmware_sim",
            "--fleet",
            str(self.folder / "fleet.json"),
            "--quiet",
            "--json",
        ]
        command += ["--mqtt-url", f"mqtt://127.0.0.1:{self.broker.port}", "--ledger", str(path), *options]
        with (self.folder / "sim.log").open("ab") as log:
            process = subprocess.Popen(command, env=_environment(), cwd=ROOT, stdout=log, stderr=log)
        self.simulators.append(process)
        return process

    def finish(self, seconds: float = 120) -> None:
        """Wait until every simulator has ended by itself, without an error."""
        for process in self.simulators:
            assert process.wait(seconds) == 0, (self.folder / "sim.log").read_text()[-2000:]
        self.simulators.clear()

    def settle(self, seconds: float = 120) -> None:
        """Wait until the daemon has nothing left to take or to commit: the count rests for a second."""
        last, since = -1, time.monotonic()
        end = since + seconds
        while time.monotonic() - since < 1.0:
            count = self.count()
            if count != last:
                last, since = count, time.monotonic()
            assert time.monotonic() < end, "the table never came to rest"
            time.sleep(0.1)

    def count(self) -> int:
        """Rows in the tables."""
        with psycopg.connect(self.database, autocommit=True) as c:
            row = c.execute(
                "select (select count(*) from sensor_readings) + (select count(*) from held_readings)"
            ).fetchone()
        return row[0] if row else 0

    def verdict(self) -> Verdict:
        """Judge what is there now."""
        return verify(self.database, self.ledgers)

    def forget(self) -> None:
        """Stop the daemon, empty the tables and forget the ledgers: what follows begins anew on the same servers."""
        if self.daemon is not None:
            self.kill_daemon(signal.SIGTERM)
        with psycopg.connect(self.database, autocommit=True) as c:
            c.execute(
                "truncate sensor_readings, held_readings, dead_letters, dead_letter_overflows, gateway_watermarks"
            )
        self.ledgers.clear()

    def stop(self) -> None:
        """End everything."""
        for process in [*self.simulators, *([self.daemon] if self.daemon else [])]:
            process.kill()
            process.wait()
        self.broker.stop()
        self.postgres.stop()


ROOT = Path(migrate.FOLDER).parent


def _children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            text = path.read_text()
            if int(text.rpartition(") ")[2].split()[1]) == parent:
                found.append(int(text.split()[0]))
    return found


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'firmware-sim'}"}


@contextmanager
def rigged(folder: Path, **options: object) -> Iterator[Rig]:
    """A started rig (without the daemon), stopped in any case."""
    rig = Rig(folder, **options)  # type: ignore[arg-type]
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()
