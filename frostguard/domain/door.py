"""The door: open or closed, and how long open; a repeated "open" does not restart it.

A unit with several door sensors is open while any of them is. The door says nothing about the temperature but which
grace and which confirm time are in force.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from frostguard.domain.event import NOTHING, Event, EventKind
from frostguard.domain.limits import Limits


class Door(NamedTuple):
    """`open` None: no sensor has said. `level` is what was said about it: 0 nothing, 1 warning, 2 critical."""

    open: bool | None = None
    since: datetime | None = None
    level: int = 0


Step = tuple[Door, tuple[Event, ...]]


def open_at(door: Door, at: datetime) -> bool:
    """Whether the door stood open at a moment: a reading may be older than the door's own last message."""
    return bool(door.open) and door.since is not None and door.since <= at


def observe_door(now: Door, at: datetime, *, is_open: bool) -> Step:
    """Move the door by what a sensor says; the first "closed" is no event, for nothing ended."""
    if now.open is is_open:
        return now, NOTHING
    if now.since is not None and at < now.since:
        at = now.since
    if is_open:
        return Door(open=True, since=at), (Event(EventKind.DOOR_OPENED, at),)
    if now.open is None:
        return Door(open=False, since=at), NOTHING
    return Door(open=False, since=at), (Event(EventKind.DOOR_CLOSED, at, began=now.since),)


def door_due(now: Door, limits: Limits) -> datetime | None:
    """Return when the door has next been open for too long."""
    if not now.open or now.since is None or now.level == 2:
        return None
    seconds = limits.door_warning_seconds if now.level == 0 else limits.door_critical_seconds
    return now.since + timedelta(seconds=seconds)


def expire_door(now: Door, at: datetime) -> Step:
    """Say that the door has been open for too long, one level further."""
    kind = EventKind.DOOR_WARNING if now.level == 0 else EventKind.DOOR_CRITICAL
    return now._replace(level=now.level + 1), (Event(kind, at, began=now.since),)
