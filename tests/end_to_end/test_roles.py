"""The whole system with no more rights than it needs: owner, daemon and API are roles of their own, none a superuser.

Real processes, a real broker whose accounts our command writes; a fridge gets warm, somebody acknowledges, it recovers;
old readings leave for the archive and are read back. Nobody is refused anything on the way, and each is who it should.
"""

import base64
import contextlib
import json
import os
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import psycopg
import pytest

from frostguard.archive import run as archive_run
from frostguard.cli.main import main
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from frostguard.local.postgres import PostgresServer
from tests.mqtt_peer import Peer
from tests.supervising import Program, Supervisor
from tests.waiting import eventually

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=120)
FOREIGN_TABLES = """
select count(*) from pg_class where relnamespace = 'public'::regnamespace
   and relowner <> (select datdba from pg_database where datname = current_database())
"""
ROLES = ("frostguard_ingest", "frostguard_api")


class System:
    """An installation: its database, who owns it, the programs' logins, the broker."""

    def __init__(self, postgres: PostgresServer, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.name = f"roles_{secrets.token_hex(4)}"
        self.folder = folder
        self._capsys = capsys
        self._superuser = postgres.url(self.name)
        self._password = secrets.token_hex(12)
        self._server = postgres.url()
        self.owner = self._superuser.replace(
            postgres.url().split("/")[2].split("@")[0], f"{self.name}:{self._password}", 1
        )
        self.broker = Broker(folder / "broker", free_port(), kind="mosquitto" if find_mosquitto() else "embedded")
        self.broker.folder.mkdir()
        self.mqtt = f"mqtt://{DAEMON}:of-the-tests@127.0.0.1:{self.broker.port}"
        self.environment = {
            "MQTT_URL": self.mqtt, "JWT_SECRET": secrets.token_hex(20), "PORT": "0", "INGEST_PORT": "0",
            "READY_FILE": str(folder / "ingest.ready"), "API_READY_FILE": str(folder / "api.ready"),
            "ARCHIVE_DIR": str(folder / "archive"), "ARCHIVE_QUIET_HOURS": "0",
        }  # fmt: skip

    def make(self) -> dict[str, str]:
        """Make the database under its owner, and a login for each program; return their URLs."""
        with psycopg.connect(self._server, autocommit=True) as c:
            c.execute(f"create role {self.name} login password '{self._password}'")
            c.execute(f"create database {self.name} owner {self.name} strategy file_copy")
        self.command("migrate")
        said = self.command("roles", "create", "--suffix", self.name, DATABASE_URL=self._superuser)
        api, ingest = re.findall(r"DATABASE_URL=(\S+)", said)
        return {"api": api, "ingest": ingest}

    def remove(self) -> None:
        """Drop database and roles."""
        with psycopg.connect(self._server, autocommit=True) as c:
            c.execute(f"drop database if exists {self.name} with (force)")
            for role in (self.name, *(f"{program}_{self.name}" for program in ROLES)):
                c.execute(f"drop role if exists {role}")

    def command(self, *words: str, **changes: str) -> str:
        """Run a command of ours as the owner, in this process; return what it printed."""
        clean = {key: value for key, value in os.environ.items() if not key.endswith(("_URL", "_SECRET", "_FILE"))}
        given = {**clean, **self.environment, "DATABASE_URL": self.owner, **changes}
        self._capsys.readouterr()
        with mock.patch.dict(os.environ, given, clear=True):
            code = main(words)
        said = self._capsys.readouterr()
        assert code == 0, (words, said)
        return said.out + said.err

    def ask(self, query: str) -> list[tuple]:
        with psycopg.connect(self._superuser) as c:
            return c.execute(query).fetchall()

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """A request to the API; what it answers. Fails where that is a refusal."""
        base = (self.folder / "api.ready").read_text().strip()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            base + path, data, {"Content-Type": "application/json", **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None


@pytest.fixture
def system(postgres: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[System]:
    made = System(postgres, tmp_path, capsys)
    try:
        yield made
    finally:
        made.broker.stop()
        made.remove()


@pytest.fixture
def urls(system: System, supervisor: Supervisor) -> Iterator[dict[str, str]]:
    """The programs run, each under its login; where they do."""
    logins = system.make()
    accounts = ("mqtt-accounts", "--output", str(system.broker.folder / "passwords"))
    system.command(*accounts)
    system.broker.start()
    programs = [
        Program(supervisor, name, {**system.environment, "DATABASE_URL": url}, system.folder / f"{name}.log")
        for name, url in logins.items()
    ]
    for name in logins:
        eventually((system.folder / f"{name}.ready").exists, f"{name} is ready", 40)
    try:
        yield logins
        assert [program.stop() for program in programs] == [0, 0]
    finally:
        for program in programs:
            program.end()


def reached(system: System, condition: Callable[[], object], what: str) -> None:
    """Wait for it; where it does not come, say what the daemon made of the messages."""
    try:
        eventually(condition, what, 30)
    except AssertionError as error:
        letters = system.ask("select reason, detail, topic from dead_letters")
        counts = system.ask("select (select count(*) from sensor_readings), (select count(*) from held_readings)")
        raise AssertionError(f"{error}; {letters=} {counts=}") from None


def is_known(system: System) -> bool:
    """Whether the daemon has heard of the gateway and its sensor."""
    with urllib.request.urlopen((system.folder / "ingest.ready").read_text().strip() + "/metrics", timeout=10) as told:
        text = told.read().decode()
    return all(f'frostguard_fleet_size{{what="{what}"}} 1.0' in text for what in ("gateways", "sensors"))


def readings(*those: tuple[float, float], sensor: str = "a1b2", start: datetime = NOW) -> list[dict[str, Any]]:
    """Readings so many minutes before, of so many degrees."""
    return [
        {"sensor": sensor, "temperature": celsius, "at": (start - timedelta(minutes=ago)).isoformat()}
        for ago, celsius in those
    ]


def found(system: System) -> dict[str, Any]:
    """An owner, a fridge, a sensor in it and a gateway, all made through the API."""
    password = "correct horse battery"
    system.call("POST", "/auth/register", {
        "email": "o@example.com", "password": password, "fullName": "O", "organizationName": "Acme",
    })  # fmt: skip
    tokens = system.call("POST", "/auth/login", {"email": "o@example.com", "password": password})
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    [organization] = system.call("GET", "/organizations", **bearer)
    org = organization["id"]
    site = system.call("POST", f"/organizations/{org}/sites", {"name": "Kitchen"}, **bearer)
    area = system.call("POST", f"/sites/{site['id']}/areas", {"name": "Back"}, **bearer)
    unit = system.call("POST", f"/areas/{area['id']}/units", {"name": "Fridge", "unitType": "fridge"}, **bearer)
    box = system.call("POST", f"/organizations/{org}/gateways", {"name": "Box", "serial": "gw-1"}, **bearer)
    key = system.call("POST", f"/gateways/{box['id']}/credentials", **bearer)
    sensor = system.call("POST", f"/organizations/{org}/sensors", {"name": "S", "serial": "a1b2"}, **bearer)
    system.call("POST", f"/sensors/{sensor['id']}/assign", {"unitId": unit["id"]}, **bearer)
    return {"bearer": bearer, "org": org, "slug": organization["slug"], "unit": unit["id"], "password": key["password"]}


@pytest.mark.case("H22")
def test_a_warm_fridge_from_gateway_to_archive_under_roles_that_may_only_that(
    system: System, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch, case
) -> None:
    monkeypatch.setattr(archive_run, "REMEMBERED_SECONDS", 0.0)
    kitchen = found(system)
    bearer, unit, topic = kitchen["bearer"], kitchen["unit"], f"frostguard/v1/{kitchen['slug']}/gw-1"
    system.command("mqtt-accounts", "--output", str(system.broker.folder / "passwords"))
    system.broker.stop()
    system.broker.start()

    reached(system, lambda: is_known(system), "the daemon knows the gateway")
    with Peer(system.broker.port, "gw-1", kitchen["password"]) as gateway:

        def send(*those: dict[str, Any], **more: Any) -> None:
            gateway.publish(f"{topic}/readings", json.dumps({"readings": those, **more}).encode())

        def shown(path: str) -> list[dict[str, Any]]:
            listed: list[dict[str, Any]] = system.call("GET", path, **bearer)
            return listed

        gateway.publish(f"{topic}/status", b"online")
        # A week without a partition, an unknown sensor, what is no reading: each takes rights of its own.
        send(*readings((0, 3.5), (5, 3.6), start=LONG_AGO), boot="b1", seq=1)
        send(*readings((30, 4.0), sensor="c3d4"))
        gateway.publish(f"{topic}/readings", b"nonsense")
        send(*readings((20, 4.0), (15, 9.0), (4, 9.5)))
        reached(system, lambda: shown(f"/units/{unit}/alerts"), "an alert")
        [alert] = shown(f"/units/{unit}/alerts")
        assert (alert["alertType"], alert["severity"]) == ("alarm_active", "critical")
        system.call("PUT", f"/alerts/{alert['id']}/acknowledge", {"note": "on my way"}, **bearer)
        system.call("POST", f"/units/{unit}/manual-logs", {"temperature": 4.5}, **bearer)
        send(*readings((3, 3.9), (2, 3.8)))
        reached(system, lambda: shown(f"/units/{unit}/alerts")[0]["status"] == "resolved", "the alert is resolved")

        basic = base64.b64encode(f"gw-1:{kitchen['password']}".encode()).decode()
        system.call("POST", "/ingest/readings", {"readings": readings((1, 3.7))}, Authorization=f"Basic {basic}")
        reached(system, lambda: len(shown(f"/units/{unit}/readings?range=1h")) == 6, "what came by HTTP")

        [pending] = shown(f"/organizations/{kitchen['org']}/sensors?pending=true")
        system.call("POST", f"/sensors/{pending['id']}/assign", {"unitId": unit}, **bearer)
        reached(system, lambda: len(shown(f"/units/{unit}/readings?range=1h")) == 7, "what was held")
        letters = system.command("dead-letters", "list")
        assert "invalid" in letters or "not_json" in letters, letters
        assert not gateway.lost

    runs: list[str] = []

    def archived() -> bool:
        runs.append(system.command("archive", "run"))
        return "summed" not in runs[-1]  # the daemon sums what came late, once in a while

    eventually(archived, "what came late is summed", 60)
    assert "2 readings archived" in runs[-1]
    assert system.ask("select count(*) from sensor_readings where recorded_at < now() - interval '100 days'") == [(0,)]
    span = f"from={quote((LONG_AGO - timedelta(hours=1)).isoformat())}&to={quote(LONG_AGO.isoformat())}"
    assert [r["temperature"] for r in system.call("GET", f"/units/{unit}/readings?{span}&resolution=raw", **bearer)]
    system.command("housekeeping")
    system.command("backup", "create", str(system.folder / "backup"))
    assert {"archive", "backup", "housekeeping", "retention"} == {
        name for (name,) in system.ask("select name from chores")
    }

    who = dict(system.ask(f"""
        select regexp_replace(usename, '_{system.name}$', ''), bool_or(usesuper) from pg_stat_activity join pg_user
         using (usename) where datname = '{system.name}' and application_name ~ '^frostguard-(ingest|api|rollups)'
         group by 1"""))  # fmt: skip
    assert who == dict.fromkeys(ROLES, False)
    assert system.ask(FOREIGN_TABLES) == [(0,)], "a week that the daemon asked for is the owner's too"
    system.command("roles", "check")
    logs = "".join((system.folder / f"{name}.log").read_text() for name in urls)
    refusals = [line for line in logs.splitlines() if "42501" in line or "permission denied" in line]
    assert refusals == []
    case("refusals met by programs that run under their roles", len(refusals), equal=0)


def test_a_program_under_the_other_s_role_gets_nowhere(system: System, supervisor: Supervisor) -> None:
    """The control: the roles do keep the programs apart, so that what went well above was not for lack of fences."""
    logins = system.make()
    system.command("mqtt-accounts", "--output", str(system.broker.folder / "passwords"))
    system.broker.start()
    swapped = Program(
        supervisor, "ingest", {**system.environment, "DATABASE_URL": logins["api"]}, system.folder / "swapped.log"
    )
    with contextlib.ExitStack() as stack:
        stack.callback(swapped.end)
        assert swapped.process.wait(40) == 78, "a missing grant is a setting that is wrong"
    assert "permission denied" in (system.folder / "swapped.log").read_text()
