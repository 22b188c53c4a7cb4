"""A gateway's own silence: nothing heard from any of its sensors, noticed before its units' monitoring is interrupted.

These moments are by our clock (received_at): they speak of the way to us, not of the sensors. The broker's last will
is a hint that shortens the wait, never an alert by itself, because a will can be stale.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.event import NOTHING, Event, EventKind
from frostguard.domain.limits import Limits
from frostguard.domain.outages import NO_OUTAGES, Outages, silence_due


class Gateway(NamedTuple):
    """What is known of a gateway: when it was heard last, when its connection was lost after that, and its silence."""

    id: UUID
    heard_at: datetime | None = None
    lost_at: datetime | None = None
    silent_since: datetime | None = None


Step = tuple[Gateway, tuple[Event, ...]]


def hear(now: Gateway, at: datetime) -> Step:
    """Take any message of the gateway but its last will."""
    if now.heard_at is not None and at < now.heard_at:
        return now, NOTHING
    after = Gateway(now.id, at)
    if now.silent_since is None:
        return after, NOTHING
    at = max(at, now.silent_since)
    return after, (Event(EventKind.GATEWAY_HEARD, at, began=now.silent_since),)


def lose(now: Gateway, at: datetime) -> Gateway:
    """Take its last will."""
    return now if now.lost_at is not None else now._replace(lost_at=at)


def gateway_due(
    now: Gateway, interval_seconds: float | None, limits: Limits, outages: Outages = NO_OUTAGES
) -> datetime | None:
    """Return when the gateway counts as silent; `interval_seconds` is that of its fastest sensor, None: it has none."""
    if now.heard_at is None or now.silent_since is not None or interval_seconds is None:
        return None
    due = silence_due(now.heard_at, _patience(limits.gateway_missed_checkins, interval_seconds, limits), outages, None)
    if now.lost_at is None:
        return due
    patience = _patience(limits.gateway_will_missed_checkins, interval_seconds, limits)
    return min(due, max(now.lost_at, silence_due(now.heard_at, patience, outages, None)))


def fall_silent(now: Gateway, at: datetime) -> Step:
    """Say that the gateway is silent: its deadline has passed."""
    return now._replace(silent_since=at), (Event(EventKind.GATEWAY_SILENT, at, began=now.heard_at),)


def _patience(missed: int, interval_seconds: float, limits: Limits) -> timedelta:
    return timedelta(seconds=missed * interval_seconds + limits.slack_seconds)
