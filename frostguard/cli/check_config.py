"""`frostguard check-config`: whether all settings are there and right, before anything is started."""

import argparse
from textwrap import wrap
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from frostguard.cli.arguments import add_command
from frostguard.cli.tables import table
from frostguard.config import GROUPS, load
from frostguard.errors import UsageError
from frostguard.groups import Group

# What --example shows for settings without a default.
EXAMPLES = {
    "DATABASE_URL": "postgresql://frostguard:password@localhost:5432/frostguard",
    "MQTT_URL": "mqtt://frostguard-ingest:password@localhost:1883",
    "JWT_SECRET": "",
}

HEAD = """\
# Every setting with its default. Written by `frostguard check-config --example`; a test compares.
# A line that begins with # is a comment: the default is in force. Every setting can also come from a file, by
# NAME_FILE=/path/of/the/file, or as a systemd credential of that name: the way for secrets.
# `frostguard up` needs none of them.
"""


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "check-config", run, "check every setting and show where it stands, secrets hidden")
    parser.add_argument("--example", action="store_true", help="print an example of all settings instead")


def run(given: argparse.Namespace) -> int:
    """Print every setting; raise UsageError with all that is wrong, of all groups."""
    if given.example:
        print(example(), end="")
        return 0
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


def example() -> str:
    """Return the text of .env.example."""
    return HEAD + "".join(_section(group) for group in GROUPS)


def _section(group: type[Group]) -> str:
    title = (group.__doc__ or group.__name__).strip()
    entries = (_entry(field) for field in group.model_fields.values())
    return f"\n# --- {title}\n\n" + "\n".join(entries)


def _entry(field: FieldInfo) -> str:
    name = field.alias or ""
    comment = "\n".join(wrap(field.description or "", 118, initial_indent="# ", subsequent_indent="# "))
    if field.is_required():
        return f"{comment}\n{name}={EXAMPLES[name]}\n"
    return f"{comment}\n#{name}={_shown(field.default)}\n"


def _shown(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rows(group: Group) -> list[tuple[str, str, str]]:
    rows = []
    for name, field in type(group).model_fields.items():
        value = getattr(group, name)
        shown = "(a secret)" if isinstance(value, SecretStr) else _shown(value)
        rows.append((field.alias or name, shown, field.description or ""))
    return rows
