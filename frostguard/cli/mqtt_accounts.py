"""`frostguard mqtt-accounts`: write the broker's password file from the gateways, once or at every change.

Mosquitto looks through its connected clients when it reads the file again: whoever's password is gone or another is cut
off, the others stay. So a gateway that was revoked is outside as soon as the file is written and the broker told.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import uvloop

from frostguard.cli.arguments import ArgumentsError, add_command, add_database, database_settings, with_connection
from frostguard.config import DatabaseSettings, MqttSettings, load
from frostguard.doctor.figures import ACCOUNT, password_of
from frostguard.domain.shards import Shard
from frostguard.errors import StoreUnavailableError
from frostguard.gateway_passwords import matches, mosquitto_hash
from frostguard.local.folder import write_private
from frostguard.store import gateways, shards
from frostguard.store.connection import Connection, abandon, connect, translated

LOOK_EVERY = 10.0  # seconds, though nothing was heard: a connection that is only half there tells nothing
SETTLE = 0.1  # many gateways that are changed together are one file
CHANNELS = ("config", "access")  # a gateway that is new; a password or a gateway that is another or gone


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(
        commands, "mqtt-accounts", run,
        "write Mosquitto's password file: every gateway, and the daemon's account of MQTT_URL",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="replaced only if it changes")
    parser.add_argument("--follow", action="store_true", help="go on until stopped: write it at every change")
    parser.add_argument(
        "--pid-file", type=Path, metavar="FILE", help="Mosquitto's: it is told to read the file again (SIGHUP)"
    )
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Write it. Says whether Mosquitto has to read it again, unless it was told."""
    if given.follow and given.pid_file is None:
        raise ArgumentsError("--follow needs --pid-file: a broker that is not told keeps old passwords")
    if given.follow:
        with contextlib.suppress(asyncio.CancelledError):
            uvloop.run(_follow(given, database_settings(given)))
        return 0
    with_connection(given, lambda connection: update(connection, given))
    return 0


async def update(connection: Connection, given: argparse.Namespace) -> bool:
    """Write the file if it is not right, and tell Mosquitto. Returns whether it was written."""
    output: Path = given.output
    accounts = await gateways.broker_accounts(connection)
    before = _text_of(output)
    mqtt = load(MqttSettings)
    layout = await shards.layout(connection)
    for of in {1, layout["shards"], layout["following"] or 1}:  # of daemons to come, and of the one there may be again
        for user in {mqtt.of_shard(Shard(number, of)).username for number in range(of)}:
            if user and mqtt.password:
                accounts[user] = _kept(before, user, mqtt.password)
    if mqtt.password:
        accounts[ACCOUNT] = _kept(before, ACCOUNT, password_of(mqtt.password))
    text = "".join(f"{user}:{stored}\n" for user, stored in sorted(accounts.items()))
    if text == before:
        if not given.follow:
            _say(f"{output} is up to date: {len(accounts)} accounts")
        return False
    write_private(output, text.encode())
    _say(f"{output}: {len(accounts)} accounts; {_told(given.pid_file)}")
    return True


async def _follow(given: argparse.Namespace, settings: DatabaseSettings) -> None:
    """Update at every change, for ever. SIGTERM ends it."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    while True:
        connection: Connection | None = None
        try:
            connection = await connect(settings, "frostguard-accounts")
            await _update_at_changes(connection, given)
        except StoreUnavailableError as error:
            _say(f"not following: {error}")
        finally:
            abandon(connection)
        await asyncio.sleep(1)


async def _update_at_changes(connection: Connection, given: argparse.Namespace) -> None:
    changed = asyncio.Event()
    with translated():
        for channel in CHANNELS:
            await connection.add_listener(channel, lambda *_: changed.set())
    connection.add_termination_listener(lambda *_: changed.set())
    while True:
        changed.clear()
        await update(connection, given)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), LOOK_EVERY)
            await asyncio.sleep(SETTLE)


def _text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _told(pid_file: Path | None) -> str:
    """Tell Mosquitto to read its files again. Returns what became of that."""
    if pid_file is None:
        return "have Mosquitto read it (SIGHUP)"
    try:
        os.kill(int(pid_file.read_text()), signal.SIGHUP)
    except (OSError, ValueError) as error:
        return f"Mosquitto was not told: {error}"  # one that does not run reads the file when it starts
    return "Mosquitto was told"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _kept(before: str, user: str, password: str) -> str:
    """Return the hash that is there already if it fits: a new salt at every run would change the file every time."""
    for line in before.splitlines():
        name, _, stored = line.partition(":")
        if name == user and matches(password, stored):
            return stored
    return mosquitto_hash(password)
