"""The whole system for one browser: PostgreSQL, broker, daemon and API as processes, and organizations to look at."""

import json
import os
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from frostguard.local.processes import kill
from frostguard.local.supervisor import Program
from frostguard.security import hash_password
from tests.factories import one
from tests.mqtt_peer import Peer
from tests.waiting import eventually

PASSWORD = "correct horse"  # of every user, every gateway, and the daemon
SECRET = "a secret for tests only, 0123456789 abcdefgh"
ZONE = "America/New_York"  # far enough from UTC, and from wherever the tests run, that a wrong zone shows
CHEAP = 4  # bcrypt's lowest cost
ORGANIZATIONS = 40  # each test takes one that nobody else touches
STORED = "select count(*) from sensor_readings r join sensors s on s.id = r.sensor_id where s.serial = %s"
ROOT = Path(__file__).parent.parent.parent
INHERITED = {
    "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "HOME": "/",
    "PYTHONPATH": str(ROOT),  # the programs of this tree, whichever is installed
}  # fmt: skip


@dataclass
class Kitchen:
    """One organization: a site, an area, units by name with a sensor each, and a user for each role."""

    system: "System"
    id: UUID
    slug: str
    area: UUID
    units: dict[str, UUID] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        """Its gateway's serial."""
        return f"gw-{self.slug}"

    def email(self, role: str) -> str:
        """The address of the user with this role."""
        return f"{role}@{self.slug}.example"

    def plant_site(self, name: str, area: str) -> None:
        """One more site with an area, where the units that follow stand."""
        with self.system.sql() as c:
            self.area = _plant_site(c, self.id, name, area)

    def plant(self, name: str, serial: str | None = None, unit_type: str = "fridge", **sensor: Any) -> UUID:
        """A unit, and a sensor whose serial is the unit's name unless said otherwise."""
        with self.system.sql() as c:
            self.units[name] = unit = one(
                c, "insert into units (organization_id, area_id, name, unit_type)"
                " values (%s, %s, %s, %s::text::unit_type) returning id", self.id, self.area, name, unit_type,
            )  # fmt: skip
            self.plant_sensor(c, serial or self.serial(name), unit, **sensor)
        self.system.wait_for_daemon()
        return unit

    def plant_sensor(
        self, connection: psycopg.Connection, serial: str, unit: UUID | None, interval: int = 300, kind: str = "combo"
    ) -> None:
        """A sensor of the unit, which follows it."""
        connection.execute(
            "insert into sensors (organization_id, serial, unit_id, assigned_at, is_primary, report_interval_seconds,"
            " kind) values (%s, %s, %s::uuid, case when %s then now() - interval '2 days' end, %s, %s, %s)",
            (self.id, serial, unit, unit is not None, unit is not None, interval, kind),
        )

    def serial(self, name: str) -> str:
        """The serial of the sensor of a unit that was planted without one."""
        letters = "".join(c for c in name.lower() if c.isascii() and c.isalnum())
        return f"{self.slug}-{letters}"[:60]

    def publish(self, name: str, *readings: dict[str, Any]) -> None:
        """Publish readings of the unit's sensor, and wait until the daemon has stored them."""
        serial = self.serial(name)
        self.publish_as(serial, *readings)
        wanted = self.system.sent[serial]
        eventually(lambda: self.system.value(STORED, serial) >= wanted, f"{len(readings)} readings of {name}")

    def publish_as(self, serial: str, *readings: dict[str, Any]) -> None:
        """Publish readings of any sensor."""
        sent = self.system.sent
        sent[serial] = sent.get(serial, 0) + len(readings)
        topic = f"frostguard/v1/{self.slug}/{self.gateway}/readings"
        payload = {"readings": [{"sensor": serial, **reading} for reading in readings]}
        with Peer(self.system.broker.port, self.gateway, PASSWORD) as peer:
            assert peer.refused is None
            peer.publish(topic, json.dumps(payload).encode())


def reading(minutes_ago: float, celsius: float, **more: Any) -> dict[str, Any]:
    """A reading as a gateway writes it."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {"at": at.isoformat(), "temperature": celsius, **more}


def day_of(shape: Callable[[int], float | None], **more: Any) -> list[dict[str, Any]]:
    """24 hours of readings, one each five minutes, `shape` of the minutes before now (None: a gap), oldest first."""
    minutes = range(24 * 60, 0, -5)
    return [reading(m, celsius, **more) for m in minutes if (celsius := shape(m)) is not None]


@dataclass
class System:
    """The processes. The API can be killed and brought back on the same port."""

    database: str
    broker: Broker
    daemon: Program
    api: Program
    url: str
    metrics: str
    kitchens: list[Kitchen]
    sent: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def sql(self) -> Iterator[psycopg.Connection]:
        """A connection whose work is committed at the end."""
        with psycopg.connect(self.database) as connection:
            yield connection

    def value(self, text: str, *arguments: object) -> Any:
        """One value of the database."""
        with self.sql() as connection:
            return one(connection, text, *arguments)

    def kitchen(self) -> Kitchen:
        """An organization that no test has touched."""
        return self.kitchens.pop()

    def cut_api(self) -> None:
        """Kill the API as a crash does."""
        assert self.api.process is not None
        kill(self.api.process)
        self.api.process.wait()
        self.api.process = None

    def bring_api_back(self) -> None:
        """Start it again on the same port, unless it runs."""
        if self.api.process is None:
            (self.api.log.parent / "api.ready").unlink(missing_ok=True)
            self.api.start()

    def wait_for_daemon(self) -> None:
        """Wait until the daemon knows every sensor of the database."""
        known = "select count(*) from sensors where deleted_at is null"
        eventually(lambda: self._sensors_known() == self.value(known), "the daemon knows every sensor")

    def _sensors_known(self) -> int:
        with urllib.request.urlopen(f"{self.metrics}/metrics", timeout=5) as answer:
            found = re.search(r'^frostguard_fleet_size\{what="sensors"\} (\S+)', answer.read().decode(), re.MULTILINE)
        return int(float(found[1])) if found else 0

    def phase(self, unit: UUID) -> str | None:
        """The temperature axis of a unit, as the daemon has it."""
        with self.sql() as c:
            row = c.execute("select temperature_phase from unit_states where unit_id = %s", (unit,)).fetchone()
        return row[0] if row else None


def plant_kitchens(database: str, count: int) -> list[Kitchen]:
    """Organizations with a gateway, and users whose password is PASSWORD."""
    hashed, key = hash_password(PASSWORD, CHEAP), mosquitto_hash(PASSWORD)
    made = []
    with psycopg.connect(database) as c:
        for number in range(count):
            slug = f"kitchen-{number}"
            organization = one(
                c, "insert into organizations (name, slug, timezone) values (%s, %s, %s) returning id",
                f"Kitchen {number}", slug, ZONE,
            )  # fmt: skip
            area = _plant_site(c, organization, "Harbour", "Cold store")
            kitchen = Kitchen(None, organization, slug, area)  # type: ignore[arg-type] - given below
            c.execute(
                "insert into gateways (organization_id, serial, name, kind, password_hash)"
                " values (%s, %s, 'Gateway', 'native', %s)", (organization, kitchen.gateway, key),
            )  # fmt: skip
            for role in ("owner", "staff", "viewer"):
                _plant_user(c, kitchen, role, hashed)
            made.append(kitchen)
    return made


def _plant_site(c: psycopg.Connection, organization: UUID, name: str, area: str) -> UUID:
    site = one(c, "insert into sites (organization_id, name) values (%s, %s) returning id", organization, name)
    return one(
        c, "insert into areas (organization_id, site_id, name) values (%s, %s, %s) returning id",
        organization, site, area,
    )  # fmt: skip


def _plant_user(c: psycopg.Connection, kitchen: Kitchen, role: str, hashed: str) -> None:
    email = kitchen.email(role)
    user = one(c, "insert into users (email, password_hash) values (%s, %s) returning id", email, hashed)
    c.execute(
        "insert into profiles (user_id, organization_id, email, full_name) values (%s, %s, %s, %s)",
        (user, kitchen.id, email, role.title()),
    )
    c.execute(
        "insert into user_roles (user_id, organization_id, role) values (%s, %s, %s::text::app_role)",
        (user, kitchen.id, role),
    )


@contextmanager
def system(database: str, folder: Path) -> Iterator[System]:
    """Everything, on free ports, until the end of the block."""
    kitchens = plant_kitchens(database, ORGANIZATIONS)
    broker = Broker(folder / "broker", free_port(), kind="mosquitto" if find_mosquitto() else "embedded")
    broker.folder.mkdir(parents=True)
    hashed = mosquitto_hash(PASSWORD)
    broker.set_passwords({DAEMON: hashed} | {kitchen.gateway: hashed for kitchen in kitchens})
    port, probes = free_port(), free_port()
    daemon = _program(folder, "ingest", {
        "DATABASE_URL": database, "MQTT_URL": f"mqtt://{DAEMON}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{broker.port}",
        "INGEST_PORT": str(probes), "READY_FILE": str(folder / "ingest.ready"), "INGEST_BATCH_MS": "1",
    })  # fmt: skip
    api = _program(folder, "api", {
        "DATABASE_URL": database, "JWT_SECRET": SECRET, "PORT": str(port), "HOST": "127.0.0.1",
        "MAIL_DIR": str(folder / "mail"), "API_READY_FILE": str(folder / "api.ready"),
        "API_MAX_CONNECTIONS_PER_ADDRESS": "1000",
    })  # fmt: skip
    parts = [broker, daemon, api]
    try:
        for part in parts:
            part.start()
        made = System(database, broker, daemon, api, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{probes}", kitchens)
        for kitchen in kitchens:
            kitchen.system = made
        yield made
    finally:
        for part in reversed(parts):
            part.stop(wait_seconds=10)


def _program(folder: Path, name: str, environment: dict[str, str]) -> Program:
    made = Program(name, [sys.executable, "-m", name], {**INHERITED, **environment}, folder / f"{name}.log")
    made.ready = (folder / f"{name}.ready").exists
    return made
