"""`frostguard doctor`: is it healthy, and if not, what is to be done."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from frostguard.cli.arguments import add_command, add_database, database_settings
from frostguard.cli.tables import json_line, table
from frostguard.config import GROUPS, ArchiveSettings, DatabaseSettings, IngestSettings, MqttSettings, load
from frostguard.doctor import broker, certificates, clock, daemon, database, figures
from frostguard.doctor import finding as findings
from frostguard.doctor.figures import Figures
from frostguard.doctor.finding import Check, Finding, Found, fail, ok, warn
from frostguard.errors import FrostGuardError, UsageError
from frostguard.store import inspection
from frostguard.store.connection import Connection

T = TypeVar("T")
Judge = Callable[[broker.Limits, float], Found]

MOSQUITTO = (Path("/etc/mosquitto/conf.d/frostguard.conf"), Path("/etc/mosquitto/mosquitto.conf"))
LOCAL = ("localhost", "127.0.0.1", "::1")


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(
        commands, "doctor", run,
        "look at settings, database, broker, daemon, clock, certificates, disks; exit code 0 well, 1 warnings, 2 ill",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--mosquitto", type=Path, metavar="FILE",
        help=f"its configuration (default: {' or '.join(map(str, MOSQUITTO))}, for a broker of this machine)",
    )  # fmt: skip
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
    found: dict[str, Check] = {
        "settings": settings, "daemon": lambda: daemon.ready(load(IngestSettings)), "time service": clock.kept,
    }  # fmt: skip
    where = _or_none(lambda: database_settings(given).model_copy(update={"command_timeout": 5}))
    if where is not None:
        found |= database.checks(where)
    mqtt = _or_none(lambda: load(MqttSettings))
    configuration = _configuration(given.mosquitto, mqtt)
    if mqtt is not None:
        found |= _of_broker(mqtt, _limits_in(configuration))
    found["certificate files"] = lambda: certificates.files(_certificate_files(mqtt, configuration), datetime.now(UTC))
    if configuration is not None:
        found["queue limits"] = lambda: _limits(configuration, where, broker.holds)
        found["persistence"] = lambda: _limits(configuration, where, broker.persists)
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


def _configuration(named: Path | None, mqtt: MqttSettings | None) -> Path | None:
    """Return the broker's configuration, if it can be here: the one that is named, else where it is by custom."""
    places = [named] if named is not None else MOSQUITTO if mqtt is None or mqtt.host in LOCAL else ()
    return next((path for path in places if path.exists()), None)


def _limits_in(configuration: Path | None) -> broker.Limits | None:
    try:
        return broker.limits_in(configuration) if configuration else None
    except (OSError, ValueError):
        return None  # the checks of the limits say so


def _of_broker(mqtt: MqttSettings, limits: broker.Limits | None) -> dict[str, Check]:
    """Return what is asked of the broker. Its own figures are heard once, for all that look at them."""
    heard = _once(lambda: figures.listen(mqtt))

    async def drops() -> Found:
        return await _judged(heard, figures.drops)

    async def backlog() -> Found:
        return await _judged(heard, lambda told: figures.backlog(told, limits))

    async def session() -> Found:
        try:
            told = await heard()
        except (OSError, FrostGuardError):
            told = {}
        return await daemon.session(load(IngestSettings), told)

    return {
        "broker": lambda: broker.admits(mqtt), "certificate": lambda: broker.certificate(mqtt), "session": session,
        "dropped messages": drops, "backlog": backlog,
    }  # fmt: skip


async def _judged(heard: Callable[[], Awaitable[Figures]], judge: Callable[[Figures], Found]) -> Found:
    try:
        return judge(await heard())
    except figures.RefusedError as error:
        return warn(str(error), "mosquitto.acl has its rules; have Mosquitto read both again (SIGHUP)")


def _once(ask: Callable[[], Coroutine[Any, Any, T]]) -> Callable[[], Awaitable[T]]:
    """Return a function that asks at its first call, and gives that answer to all."""
    asked: list[asyncio.Task[T]] = []

    async def answer() -> T:
        if not asked:
            asked.append(asyncio.create_task(ask()))
        return await asyncio.shield(asked[0])

    return answer


def _certificate_files(mqtt: MqttSettings | None, configuration: Path | None) -> list[Path]:
    ours = [path for path in (mqtt.ca_file, mqtt.cert_file) if path is not None] if mqtt is not None else []
    return ours + (certificates.named_in(configuration.read_text()) if configuration else [])


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
