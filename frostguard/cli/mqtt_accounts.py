"""`frostguard mqtt-accounts`: write the broker's password file from the gateways of the database."""

import argparse
import sys
from pathlib import Path
from typing import Any

from frostguard.cli.arguments import add_command, add_database, with_connection
from frostguard.config import MqttSettings, load
from frostguard.gateway_passwords import matches, mosquitto_hash
from frostguard.local.folder import write_private
from frostguard.store import hierarchy
from frostguard.store.connection import Connection


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(
        commands, "mqtt-accounts", run,
        "write Mosquitto's password file: every gateway, and the daemon's account of MQTT_URL",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="replaced only if it changes")
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Write it. Says whether Mosquitto has to read it again."""

    async def read(connection: Connection) -> dict[str, str]:
        return await hierarchy.gateway_credentials(connection)

    accounts = with_connection(given, read)
    before = given.output.read_text() if given.output.exists() else ""
    mqtt = load(MqttSettings)
    if mqtt.username and mqtt.password:
        accounts[mqtt.username] = _kept(before, mqtt.username, mqtt.password)
    text = "".join(f"{user}:{stored}\n" for user, stored in sorted(accounts.items()))
    if text == before:
        print(f"{given.output} is up to date: {len(accounts)} accounts", file=sys.stderr)
        return 0
    write_private(given.output, text.encode())
    print(f"{given.output}: {len(accounts)} accounts; have Mosquitto read it (SIGHUP)", file=sys.stderr)
    return 0


def _kept(before: str, user: str, password: str) -> str:
    """Return the hash that is there already if it fits: a new salt at every run would change the file every time."""
    for line in before.splitlines():
        name, _, stored = line.partition(":")
        if name == user and matches(password, stored):
            return stored
    return mosquitto_hash(password)
