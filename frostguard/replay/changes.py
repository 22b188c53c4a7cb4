"""Settings that somebody wants to try: NAME=VALUE, checked like those that are saved."""

import difflib

from frostguard.domain.limits import SETTINGS, Limits, override_problems, problems
from frostguard.errors import FrostGuardError

# What people call them, where that differs from the name.
ALIASES = {
    "confirm_seconds_door_closed": "confirm_seconds",
    "confirm_seconds_door_open": "confirm_open_seconds",
    "manual_minutes": "manual_interval_minutes",
}
NONE = frozenset({"", "none", "null"})


class ChangeRefusedError(FrostGuardError):
    """A change that is no setting, or that its setting cannot take."""


def parse_change(text: str) -> tuple[str, float | None]:
    """Return (setting, value) of NAME=VALUE. Raises ChangeRefusedError with one sentence."""
    given, equals, value = text.partition("=")
    name = ALIASES.get(given.strip(), given.strip())
    if name not in SETTINGS:
        near = difflib.get_close_matches(name, [*SETTINGS, *ALIASES], 3, 0.5)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise ChangeRefusedError(f"{given!r} is no setting{hint}")
    if not equals:
        raise ChangeRefusedError(f"{name} needs a value: {name}=NUMBER")
    number = _number(name, value.strip().lower())
    found = override_problems({name: number}, "organization")
    if found:
        raise ChangeRefusedError(found[0].message)
    return name, number


def _number(name: str, text: str) -> float | None:
    if text in NONE:
        if SETTINGS[name].default is not None:
            raise ChangeRefusedError(f"{name} needs a number")
        return None
    try:
        return int(text) if SETTINGS[name].whole else float(text)
    except ValueError:
        whole = "whole " if SETTINGS[name].whole else ""
        raise ChangeRefusedError(f"{name} must be a {whole}number, not {text!r}") from None


def check_together(limits: Limits) -> None:
    """Raise ChangeRefusedError where the settings of a unit contradict each other once they are changed."""
    found = problems(limits)
    if found:
        raise ChangeRefusedError(found[0].message)
