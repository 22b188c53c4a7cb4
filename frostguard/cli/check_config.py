"""`frostguard check-config`: whether all settings are there and right, before anything is started."""

import argparse
from typing import Any

from pydantic import SecretStr

from frostguard.cli.arguments import add_command
from frostguard.cli.tables import table
from frostguard.config import GROUPS, Group, load
from frostguard.errors import UsageError


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    add_command(commands, "check-config", run, "check every setting and show where it stands, secrets hidden")


def run(given: argparse.Namespace) -> int:  # noqa: ARG001 - every command takes them
    """Print every setting; raise UsageError with all that is wrong, of all groups."""
    groups, wrong = [], []
    for group in GROUPS:
        try:
            groups.append(load(group))
        except UsageError as error:
            wrong.append(str(error).removeprefix("settings: "))
    if wrong:
        raise UsageError("settings: " + "; ".join(wrong))
    print(table(("setting", "value", "meaning"), (row for group in groups for row in _rows(group))))
    return 0


def _rows(group: Group) -> list[tuple[str, str, str]]:
    rows = []
    for name, field in type(group).model_fields.items():
        value = getattr(group, name)
        shown = "(a secret)" if isinstance(value, SecretStr) else "" if value is None else str(value)
        rows.append((field.alias or name, shown, field.description or ""))
    return rows
