"""`frostguard doctor`: is it healthy, and if not, what is to be done."""

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import urlopen

import uvloop

from frostguard.cli.arguments import add_command, add_database, database_settings
from frostguard.cli.tables import json_line, table
from frostguard.config import GROUPS, ArchiveSettings, DatabaseSettings, IngestSettings, MqttSettings, load
from frostguard.doctor import broker, database
from frostguard.doctor import finding as findings
from frostguard.doctor.finding import Check, Finding, Found, fail, ok, warn
from frostguard.errors import UsageError
from frostguard.store import inspection
from frostguard.store.connection import Connection

T = TypeVar("T")
Judge = Callable[[broker.Limits, float], Found]

MOSQUITTO = Path("/etc/mosquitto/conf.d/frostguard.conf")


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(
        commands, "doctor", run,
        "look at settings, database, broker, daemon, clock, certificates, disks; exit code 0 well, 1 warnings, 2 ill",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--mosquitto", type=Path, default=MOSQUITTO, metavar="FILE", help="its configuration (default: %(default)s)"
    )
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Print what was found, the worst last."""
    found = uvloop.run(findings.run(checks_for(given)))
    worst = max(finding.level for finding in found)
    if given.json:
        print(json_line({"level": worst.name.lower(), "checks": [_as_json(finding) for finding in found]}))
    else:
        rows = ((f.level.name.lower(), f.name, f.says, f.do) for f in sorted(found, key=lambda f: f.level))
        print(table(("", "what", "how it stands", "what to do"), rows))
    return int(worst)


def _as_json(finding: Finding) -> dict[str, str]:
    return {"name": finding.name, "level": finding.level.name.lower(), "says": finding.says, "do": finding.do}


def checks_for(given: argparse.Namespace) -> dict[str, Check]:
    """Return every check that the settings allow; what they lack, the check of the settings tells."""
    found: dict[str, Check] = {"settings": settings, "daemon": daemon}
    where = _or_none(lambda: database_settings(given).model_copy(update={"command_timeout": 5}))
    if where is not None:
        found |= database.checks(where)
    mqtt = _or_none(lambda: load(MqttSettings))
    if mqtt is not None:
        found["broker"] = lambda: broker.admits(mqtt)
        found["certificate"] = lambda: broker.certificate(mqtt)
    if given.mosquitto.exists():
        found["queue limits"] = lambda: _limits(given.mosquitto, where, broker.holds)
        found["persistence"] = lambda: _limits(given.mosquitto, where, broker.persists)
    archive = load(ArchiveSettings).folder
    if archive is not None:
        found["archive disk"] = lambda: _disk(archive)
    return found


def _or_none(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except UsageError:
        return None


async def settings() -> Found:
    """Tell which settings are wrong or missing, of all programs."""
    wrong = []
    for group in GROUPS:
        try:
            load(group)
        except UsageError as error:
            wrong.append(str(error).removeprefix("settings: "))
    return fail("; ".join(wrong), "see .env.example; frostguard check-config") if wrong else ok("all there")


async def daemon() -> Found:
    """Tell whether the daemon of this machine is ready."""
    given = load(IngestSettings)
    address = f"http://{given.host}:{given.port}/readyz"

    def ask() -> str:
        with urlopen(address, timeout=3) as answer:
            text: str = answer.read(500).decode()
        return text

    try:
        await asyncio.to_thread(ask)
    except OSError as error:
        return warn(f"{address}: {error}", "not on this machine? Else systemctl status frostguard-ingest@0")
    return ok("ready: its shard is its own and the broker delivers")


async def _limits(file: Path, where: DatabaseSettings | None, judge: Judge) -> Found:
    """Hold the broker's limits against the fleet's present rate."""
    rates = [0.0]

    async def look(connection: Connection) -> Found:
        rates.append(await inspection.readings_a_second(connection))
        return ok("")

    if where is not None:
        await database.on_connection(where, look)
    return judge(broker.limits_in(file), rates[-1])


async def _disk(folder: Path) -> Found:
    try:
        return database.disk_of(folder)
    except FileNotFoundError:
        return fail(f"{folder} is not there", "make or mount it")
