"""Everything on one machine: which parts there are, how they find each other, what the ready line says."""

import asyncio
import contextlib
import http.client
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from frostguard import migrate
from frostguard.config import DatabaseSettings, MqttSettings, load
from frostguard.errors import StoreUnavailableError, UsageError
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local import demo
from frostguard.local.broker import DAEMON, Broker, Kind
from frostguard.local.folder import DataFolder
from frostguard.local.ports import TakenError, free_port, is_taken
from frostguard.local.postgres import PostgresServer
from frostguard.local.supervisor import Program, Report, Supervisor
from frostguard.store import connection as database
from frostguard.store import gateways

DATABASE = "frostguard"
ACCOUNTS_EVERY = 2.0  # seconds between looks for new gateways that the broker should admit

DEMO_PAST = 86_400  # seconds of readings that a new demo begins with
# Seconds for an orderly stop; together they stay below the ten that a Ctrl-C may take.
PATIENCE = {"simulator": 1.0, "api": 1.5, "ingest": 3.5, "broker": 1.0, "postgresql": 1.2}


@dataclass(frozen=True)
class Wishes:
    """What the command line asks for. A port of 0 means any free one."""

    data_dir: Path
    port: int = 4000
    mqtt_port: int = 1883
    mqtt_host: str = "127.0.0.1"
    with_demo: bool = False
    broker: Kind = "auto"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass
class Plan:
    """Where everything will be. `None` for what comes from outside or is not there."""

    api_port: int | None
    mqtt_port: int | None
    postgres_port: int | None
    ingest_port: int


def has(environment: Mapping[str, str], name: str) -> bool:
    """Tell whether a setting is given, itself or as a file."""
    return bool(environment.get(name) or environment.get(f"{name}_FILE"))


def is_program(package: str) -> bool:
    """Tell whether `python -m package` would run something. Looks for its files, imports nothing of it."""
    found = find_spec(package)
    folders = (found.submodule_search_locations if found else None) or []
    return any((Path(folder) / "__main__.py").exists() for folder in folders)


def plan(wishes: Wishes, folder: DataFolder) -> Plan:
    """Choose the ports: the wished ones, else those of the last run. Raises TakenError."""
    inside = Plan(
        api_port=_port("--port", wishes.port, folder, "api_port") if is_program("api") else None,
        mqtt_port=None
        if has(wishes.environment, "MQTT_URL")
        else _port("--mqtt-port", wishes.mqtt_port, folder, "mqtt_port", wishes.mqtt_host),
        postgres_port=None if has(wishes.environment, "DATABASE_URL") else free_port(folder.get("postgres_port", 0)),
        ingest_port=free_port(folder.get("ingest_port", 0)),
    )
    chosen = {name: port for name, port in vars(inside).items() if port is not None}
    folder.remember(**chosen)
    return inside


def _port(option: str, wished: int, folder: DataFolder, remembered: str, host: str = "127.0.0.1") -> int:
    if wished == 0:
        return free_port(folder.get(remembered, 0))
    if is_taken(wished, host):
        raise TakenError(f"port {wished} is taken: choose another with {option}, or 0 for any free one")
    return wished


class Machine:
    """The parts of one run, started by `start` and looked after by `run`."""

    def __init__(self, wishes: Wishes, folder: DataFolder, report: Report) -> None:
        self.wishes = wishes
        self.folder = folder
        self.report = report
        self.supervisor = Supervisor(report)
        self.hold = (folder.lock,)
        self.broker: Broker | None = None
        self.demo: demo.Demo | None = None
        self.database: DatabaseSettings | None = None

    def start(self) -> dict[str, Any]:
        """Start everything in order. Returns the ready line. Raises the error of the first that cannot."""
        places = plan(self.wishes, self.folder)
        settings = self.database = self._database(places)
        applied = migrate.apply(settings.url.get_secret_value())
        self.report(f"{len(applied)} migrations applied" if applied else "the schema is up to date")
        is_new = not self.folder.get("demo_users")
        if self.wishes.with_demo:
            self.demo = asyncio.run(demo.prepare(settings, self.folder))
        mqtt = self._mqtt(places)
        environment = self._environment(settings, mqtt, places)
        self._ingest(environment)
        if places.api_port is not None:
            self._api(environment, places.api_port)
        if self.demo is not None:
            self._simulator(environment, mqtt, past=DEMO_PAST if is_new else 0)
        return self._ready(places, mqtt)

    def run(self, between: Callable[[], None] = lambda: None) -> None:
        """Look after the parts for as long as nobody stops us (by an exception); `between` is called at every look."""
        accounts_at = time.monotonic()
        while True:
            self.supervisor.look_after()
            between()
            if time.monotonic() >= accounts_at:
                self._admit_gateways()
                accounts_at = time.monotonic() + ACCOUNTS_EVERY
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop everything in order."""
        self.supervisor.stop()

    # --- the parts

    def _database(self, places: Plan) -> DatabaseSettings:
        if places.postgres_port is None:
            return load(DatabaseSettings)
        server = PostgresServer(self.folder.path / "postgresql", places.postgres_port, hold=self.hold)
        self.supervisor.launch("postgresql", server, PATIENCE["postgresql"])
        server.ensure_database(DATABASE)
        self.folder.remember(database_url=server.url(DATABASE))
        return load(DatabaseSettings, {"DATABASE_URL": server.url(DATABASE)})

    def _mqtt(self, places: Plan) -> MqttSettings:
        if places.mqtt_port is None:
            return load(MqttSettings)
        host = self.wishes.mqtt_host
        self.broker = Broker(self.folder.path / "broker", places.mqtt_port, host, self.wishes.broker, hold=self.hold)
        self.broker.folder.mkdir(exist_ok=True, mode=0o700)
        self._admit_gateways()
        self.supervisor.launch("broker", self.broker, PATIENCE["broker"])
        if self.broker.kind == "embedded":
            self.report("this is the embedded broker: what it holds for clients ends when it does")
        password = quote(self.folder.secret("mqtt_daemon_password"), safe="")
        return load(MqttSettings, {"MQTT_URL": f"mqtt://{DAEMON}:{password}@{_reachable(host)}:{places.mqtt_port}"})

    def _admit_gateways(self) -> None:
        """Give the broker the accounts of all gateways of the database; new ones appear while we run."""
        if self.broker is None or self.database is None:
            return
        with contextlib.suppress(StoreUnavailableError):
            accounts = asyncio.run(_gateway_accounts(self.database))
            ours = self.folder.get("mqtt_daemon_hash") or mosquitto_hash(self.folder.secret("mqtt_daemon_password"))
            self.folder.remember(mqtt_daemon_hash=ours)
            self.broker.set_passwords({**accounts, DAEMON: ours})

    def _environment(self, settings: DatabaseSettings, mqtt: MqttSettings, places: Plan) -> dict[str, str]:
        given = dict(self.wishes.environment)
        for name in ("DATABASE_URL_FILE", "MQTT_URL_FILE"):
            given.pop(name, None)
        return {
            "LOG_FORMAT": "text",
            "JWT_SECRET": self.folder.secret("jwt_secret"),
            "MAIL_DIR": str(self.folder.path / "mail"),
            **given,
            "DATABASE_URL": settings.url.get_secret_value(),
            "MQTT_URL": mqtt.url.get_secret_value(),
            "INGEST_PORT": str(places.ingest_port),
            "PYTHONUNBUFFERED": "1",
        }

    def _program(self, name: str, *command: str | Path, environment: dict[str, str]) -> Program:
        return Program(
            name,
            [sys.executable, "-m", *command],
            environment,
            self.folder.path / f"{name}.log",
            hold=self.hold,
        )

    def _ingest(self, environment: dict[str, str]) -> None:
        marker = self.folder.path / "ingest.ready"
        marker.unlink(missing_ok=True)
        program = self._program("ingest", "ingest", environment={**environment, "READY_FILE": str(marker)})
        program.ready = marker.exists
        self.supervisor.launch("ingest", program, PATIENCE["ingest"])

    def _api(self, environment: dict[str, str], port: int) -> None:
        host = environment.get("HOST") or "127.0.0.1"
        program = self._program("api", "api", environment={**environment, "PORT": str(port), "HOST": host})
        program.ready = lambda: _answers(_reachable(host), port, "/health")
        self.supervisor.launch("api", program, PATIENCE["api"])

    def _simulator(self, environment: dict[str, str], mqtt: MqttSettings, past: int) -> None:
        if not is_program("firmware_sim"):
            self.report("the simulator is not installed here: the demo units stay silent")
            return
        scheme = "mqtts" if mqtt.tls else "mqtt"
        program = self._program(
            "simulator", "firmware_sim", "--mqtt-url", f"{scheme}://{mqtt.host}:{mqtt.port}",
            "--fleet", self.folder.path / "fleet.json", "--per-message", "50", environment=environment,
        )  # fmt: skip
        always = program.command
        if past:  # once, so that charts have something to show
            program.command = (*always, "--past", str(past))
        self.supervisor.launch("simulator", program, PATIENCE["simulator"])
        program.command = always

    def _ready(self, places: Plan, mqtt: MqttSettings) -> dict[str, Any]:
        host = _reachable(self.wishes.environment.get("HOST") or "127.0.0.1")
        settings = self.database
        if settings is None:
            raise UsageError("not started")
        url = settings.url.get_secret_value()
        line: dict[str, Any] = {
            "event": "ready",
            "api": f"http://{host}:{places.api_port}" if places.api_port is not None else None,
            "mqtt": f"{'mqtts' if mqtt.tls else 'mqtt'}://{mqtt.host}:{mqtt.port}",
            "database": url if places.postgres_port is not None else without_password(url),
            "data_dir": str(self.folder.path),
        }
        return {**line, "demo": self.demo.shown} if self.demo is not None else line


def without_password(url: str) -> str:
    """Return the URL with *** for a password: one that was given to us is not ours to show."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=f"{parts.username}:***@{parts.netloc.rpartition('@')[2]}").geturl()


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def _answers(host: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


async def _gateway_accounts(settings: DatabaseSettings) -> dict[str, str]:
    connection = await database.connect(settings, "frostguard-up")
    try:
        return await gateways.broker_accounts(connection)
    finally:
        await connection.close()
