"""What a check finds, and how many of them are run."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from frostguard.errors import FrostGuardError

SECONDS = 8.0  # a check that takes longer has failed


class Level(IntEnum):
    """How bad it is; the worst of all is the exit code."""

    OK = 0
    WARN = 1
    FAIL = 2


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands, and what to do about it (empty where nothing is to be done)."""

    name: str
    level: Level
    says: str
    do: str = ""


Found = tuple[Level, str, str]
Check = Callable[[], Awaitable[Found]]


def ok(says: str) -> Found:
    """Return that all is well."""
    return Level.OK, says, ""


def warn(says: str, do: str) -> Found:
    """Return what should be looked at soon."""
    return Level.WARN, says, do


def fail(says: str, do: str) -> Found:
    """Return what must be mended."""
    return Level.FAIL, says, do


async def run(checks: Mapping[str, Check], seconds: float = SECONDS) -> list[Finding]:
    """Run all side by side. None can hold up the others, and none takes longer than `seconds`."""
    return list(await asyncio.gather(*(_one(name, check, seconds) for name, check in checks.items())))


async def _one(name: str, check: Check, seconds: float) -> Finding:
    try:
        async with asyncio.timeout(seconds):
            return Finding(name, *await check())
    except TimeoutError:
        return Finding(
            name, *fail(f"no answer within {seconds:g} s", "see whether it hangs: its log, its disk, its load")
        )
    except (FrostGuardError, OSError) as error:
        return Finding(name, *fail(f"{error}".splitlines()[0] if str(error) else type(error).__name__, "see its log"))
