"""What a run stands on: an own PostgreSQL, an own broker, a fleet, and the processes that are measured."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import psycopg

from bench.load import GATEWAYS, ORGANIZATION, SENSORS, Plan, gateway_name, serial
from frostguard import migrate
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker
from frostguard.local.ports import free_port
from frostguard.local.postgres import PostgresServer

ROOT = Path(migrate.FOLDER).parent
PASSWORD = "of-the-bench"
TICK = os.sysconf("SC_CLK_TCK")

FLEET = """
insert into organizations (name, slug) values ('Bench', %(organization)s);
insert into sites (organization_id, name) select id, 'Site' from organizations;
insert into areas (organization_id, site_id, name) select organization_id, id, 'Area' from sites;
insert into gateways (organization_id, serial, name)
  select id, serial, serial from organizations, unnest(%(gateways)s::text[]) serial;
with u as (
  insert into units (organization_id, area_id, name, unit_type)
    select organization_id, id, serial, 'fridge' from areas, unnest(%(sensors)s::text[]) serial
    returning id, organization_id, name)
insert into sensors (organization_id, unit_id, serial, is_primary, assigned_at)
  select organization_id, id, name, true, now() - interval '90 days' from u;
"""

EMPTY = """
truncate sensor_readings, held_readings, dead_letters, gateway_watermarks, unit_states, sensor_states, listening,
         outages, events, alerts cascade
"""

SIZE = """
select coalesce(sum(pg_relation_size(inhrelid)), 0)::bigint from pg_inherits
 where inhparent = 'sensor_readings'::regclass
"""


def cpu_of(pid: int) -> float:
    """CPU seconds of one process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(field) for field in fields[11:15]) / TICK


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def cpu_of_tree(pid: int) -> float:
    return cpu_of(pid) + sum(cpu_of_tree(child) for child in children(pid))


def memory_mb(pid: int, field: str = "VmRSS") -> float:
    """Resident memory of a process (VmHWM: its peak)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


def busy_seconds() -> float:
    """CPU seconds of the whole machine."""
    user, nice, system, _idle, _io, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICK


class Servers:
    """PostgreSQL with its safe defaults (fsync is on) and commit times; the broker as production configures it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = PostgresServer(folder / "postgres", free_port(), options={"track_commit_timestamp": "on"})
        self.broker = Broker(folder / "broker", free_port())
        self.processes: list[subprocess.Popen[bytes]] = []
        self._ready = folder / "ready"

    def start(self) -> None:
        self.postgres.start()
        migrate.apply(self.database)
        with psycopg.connect(self.database, autocommit=True) as c:
            names = [gateway_name(n) for n in range(GATEWAYS)]
            values = {"organization": ORGANIZATION, "gateways": names, "sensors": [serial(n) for n in range(SENSORS)]}
            for statement in FLEET.split(";\n")[:-1]:
                c.execute(statement, values)
        hash_ = mosquitto_hash(PASSWORD)
        self.broker.folder.mkdir()
        self.broker.set_passwords(dict.fromkeys([DAEMON, *names], hash_))
        self.broker.start()
        with self.daemon():  # once, so that the broker has a session to keep a backlog for
            pass

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.broker.stop()
        self.postgres.stop()

    # --- processes

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "DATABASE_URL": self.database,
            "MQTT_URL": f"mqtt://{DAEMON}:{PASSWORD}@127.0.0.1:{self.broker.port}",
            "INGEST_PORT": "0",
            "READY_FILE": str(self._ready),
            "LOG_FORMAT": "text",
            "LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
        }

    def spawn(self, *command: str, more: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a Python program whose standard output is read, and whose errors go to a log."""
        environment = self.environment | (more or {})
        with (self.folder / "programs.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command], env=environment, stdout=subprocess.PIPE, stderr=log, cwd=ROOT
            )
        self.processes.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes], how: signal.Signals | None = None, seconds: float = 600) -> bytes:
        """Wait for the end of a process (after a signal, if one is given); return what it printed."""
        if how is not None:
            process.send_signal(how)
        output, _ = process.communicate(timeout=seconds)
        self.processes.remove(process)
        if how is None and process.returncode:
            raise RuntimeError((self.folder / "programs.log").read_text()[-2000:])
        return output

    def launch_daemon(self) -> subprocess.Popen[bytes]:
        """Start the daemon and return at once."""
        self._ready.unlink(missing_ok=True)
        return self.spawn("-m", "ingest")

    def wait_ready(self, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not self._ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "programs.log").read_text()[-2000:])
            time.sleep(0.01)

    @contextlib.contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """A daemon that is ready, stopped in order at the end."""
        process = self.launch_daemon()
        self.wait_ready(process)
        yield process
        self.end(process, signal.SIGTERM)

    def publish(self, plan: Plan) -> subprocess.Popen[bytes]:
        """Start the load generator; `end` waits for it."""
        return self.spawn(
            str(ROOT / "bench" / "load.py"), "--port", str(self.broker.port), "--password", PASSWORD,
            "--plan", json.dumps(asdict(plan)),
        )  # fmt: skip

    def metric(self, name: str) -> float:
        """One number of the daemon's /metrics."""
        text = urllib.request.urlopen(self._ready.read_text().strip() + "/metrics", timeout=10).read().decode()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.partition(" ")[0] == name)

    def connected(self, process: subprocess.Popen[bytes], seconds: float = 60) -> float:
        """Wait until the process is connected to the broker; return when that was (epoch seconds)."""
        deadline, remote = time.monotonic() + seconds, f":{self.broker.port:04X} 01"
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError):
                ours = {str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir()}
                for line in Path("/proc/net/tcp").read_text().splitlines():
                    if remote in line and f"socket:[{line.split()[9]}]" in ours:
                        return time.time()
            time.sleep(0.002)
        raise RuntimeError((self.folder / "programs.log").read_text()[-2000:])

    # --- what was stored

    @property
    def database(self) -> str:
        return self.postgres.url()

    def ask(self, statement: str) -> tuple:
        with psycopg.connect(self.database, autocommit=True) as c:
            return c.execute(statement).fetchone() or ()

    def empty(self) -> None:
        """Remove all readings and what came of them; write out what is dirty, so that the next measure does not pay."""
        with psycopg.connect(self.database, autocommit=True) as c:
            c.execute(EMPTY)
            c.execute("checkpoint")

    def rest(self, expected: int, seconds: float = 600) -> int:
        """Wait until all is stored, or nothing has moved for some seconds. Only the size is polled while it grows."""
        deadline = time.monotonic() + seconds
        size, since = -1, time.monotonic()
        with psycopg.connect(self.database, autocommit=True) as c:
            while time.monotonic() < deadline:
                now = c.execute(SIZE).fetchone()[0]
                if now != size:
                    size, since = now, time.monotonic()
                idle = time.monotonic() - since
                if idle > 0.4:
                    count = c.execute("select count(*) from sensor_readings").fetchone()[0]
                    if count >= expected or idle > 5:
                        return count
                time.sleep(0.2)
        raise RuntimeError("the table never came to rest")

    # --- CPU

    def cpu(self, *processes: subprocess.Popen[bytes]) -> dict[str, float]:
        """CPU seconds so far: of PostgreSQL, of the broker, of each of `processes`, of everything else."""
        used = {
            "postgres": cpu_of_tree(self.postgres.process.pid),
            "broker": cpu_of_tree(self.broker.process.pid),
            "measured": sum(cpu_of(process.pid) for process in processes),
        }
        others = [p for p in self.processes if p not in processes and p.poll() is None]
        bench = cpu_of(os.getpid()) + sum(cpu_of(process.pid) for process in others)
        return used | {"others": busy_seconds() - sum(used.values()) - bench, "wall": time.monotonic()}


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """Started servers in a temporary folder, stopped in any case."""
    with tempfile.TemporaryDirectory(prefix="frostguard-bench-") as folder:
        running = Servers(Path(folder))
        os.chmod(folder, 0o755)  # noqa: PTH101 - PostgreSQL does not run as root
        try:
            running.start()
            yield running
        finally:
            running.stop()
