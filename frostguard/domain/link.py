"""The data axis: `never | fresh | late | interrupted | manual`. Values move it to fresh, silence moves it on.

- It follows the valid temperatures of the unit's primary sensor; a door or humidity message never hides that the
  temperature is missing. The interval is the sensor's own.
- fresh -> late -> interrupted by missed check-ins; never -> interrupted by those missed since the sensor's assignment;
  interrupted -> manual when neither a value nor a manual log has come for the manual interval.
- A manual log leaves manual (to interrupted, not to fresh: the sensor is still silent), and the next is due one
  interval later. A unit to which no temperature sensor was ever assigned waits for nothing and stays never.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.event import NOTHING, Event, EventKind
from frostguard.domain.limits import Limits
from frostguard.domain.outages import Outages, silence_due
from frostguard.domain.rules import Rules


class DataPhase(StrEnum):
    """Where the unit stands on the data axis."""

    NEVER = "never"
    FRESH = "fresh"
    LATE = "late"
    INTERRUPTED = "interrupted"
    MANUAL = "manual"


class Link(NamedTuple):
    """The axis: its phase, since when, and the time of the newest manual log."""

    phase: DataPhase = DataPhase.NEVER
    since: datetime | None = None
    logged_at: datetime | None = None


Step = tuple[Link, tuple[Event, ...]]

NEXT: dict[DataPhase, tuple[DataPhase, EventKind]] = {
    DataPhase.NEVER: (DataPhase.INTERRUPTED, EventKind.DATA_INTERRUPTED),
    DataPhase.FRESH: (DataPhase.LATE, EventKind.DATA_LATE),
    DataPhase.LATE: (DataPhase.INTERRUPTED, EventKind.DATA_INTERRUPTED),
    DataPhase.INTERRUPTED: (DataPhase.MANUAL, EventKind.MANUAL_REQUIRED),
}


class Silence(NamedTuple):
    """What a silence is counted from and by: the last sign of life, the rules, our outages, and up to when."""

    heard_at: datetime | None
    measured_by: UUID | None
    rules: Rules
    outages: Outages
    upto: datetime | None

    def missed_due(self, missed: int) -> datetime | None:
        """Return when so many check-ins have been missed."""
        if self.heard_at is None:
            return None
        return silence_due(self.heard_at, self.rules.patience(missed, self.measured_by), self.outages, self.upto)

    def manual_due(self, logged_at: datetime | None) -> datetime | None:
        """Return when a manual log is due: one interval after the last value or log."""
        if self.heard_at is None:
            return None
        last = self.heard_at if logged_at is None else max(self.heard_at, logged_at)
        return silence_due(last, manual_interval(self.rules.limits), self.outages, self.upto)


def manual_interval(limits: Limits) -> timedelta:
    """Return the longest time without a value or a manual log."""
    return timedelta(minutes=limits.manual_interval_minutes + limits.manual_grace_minutes)


def link_due(now: Link, silence: Silence) -> datetime | None:
    """Return when silence moves the axis next."""
    limits = silence.rules.limits
    match now.phase:
        case DataPhase.FRESH:
            return silence.missed_due(limits.late_missed)
        case DataPhase.LATE | DataPhase.NEVER:
            return silence.missed_due(limits.interrupted_missed)
        case DataPhase.INTERRUPTED:
            return silence.manual_due(now.logged_at)
        case DataPhase.MANUAL:
            return None


def expire_link(now: Link, at: datetime) -> Step:
    """Move the axis one step further into silence."""
    phase, kind = NEXT[now.phase]
    return now._replace(phase=phase, since=at), (Event(kind, at, began=now.since),)


def observe_value(now: Link, at: datetime, celsius: float) -> Step:
    """Take a valid temperature: whatever was missing is there again."""
    if now.phase is DataPhase.FRESH:
        return now, NOTHING
    if now.since is not None and at < now.since:
        at = now.since
    return now._replace(phase=DataPhase.FRESH, since=at), (Event(EventKind.DATA_FRESH, at, celsius, began=now.since),)


def observe_log(now: Link, at: datetime, limits: Limits) -> Step:
    """Take a manual log. One that was already overdue again when `manual` began does not leave it."""
    if now.phase is not DataPhase.MANUAL or (now.since is not None and at + manual_interval(limits) <= now.since):
        return now._replace(logged_at=at), NOTHING
    moment = at if now.since is None else max(at, now.since)
    after = Link(DataPhase.INTERRUPTED, moment, at)
    return after, (Event(EventKind.MANUAL_LOGGED, moment, began=now.since),)
