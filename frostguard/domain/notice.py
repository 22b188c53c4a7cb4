"""When an alert speaks: at once, later, or never; windows in which alerts open but do not speak.

A notification is owed as long as an open alert is worse than what has been told. Nothing is remembered but `told`, so
the question can be asked again at any time: when a window ends, when the backlog is drained, when the alert that spoke
for this one is over.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from frostguard.domain.alert import Alert, AlertType
from frostguard.domain.limits import Limits


class Place(NamedTuple):
    """Where an alert's subject stands; a gateway has no unit, an organization neither."""

    organization_id: UUID
    site_id: UUID | None = None
    unit_id: UUID | None = None


class Suppression(NamedTuple):
    """A window, [starts_at, ends_at), over a unit, a site or (both None) the organization; no types: all of them."""

    organization_id: UUID
    starts_at: datetime
    ends_at: datetime
    site_id: UUID | None = None
    unit_id: UUID | None = None
    types: frozenset[AlertType] = frozenset()

    def covers(self, place: Place, alert_type: AlertType, at: datetime) -> bool:
        """Whether an alert of this type at this place is kept from speaking at a moment."""
        return (
            self.organization_id == place.organization_id
            and (self.site_id is None or self.site_id == place.site_id)
            and (self.unit_id is None or self.unit_id == place.unit_id)
            and (not self.types or alert_type in self.types)
            and self.starts_at <= at < self.ends_at
        )


class Occasion(NamedTuple):
    """When and among what it is decided: our clock, the limits, whether the backlog is drained, the windows, and
    `speaker`: the alert that this one is linked to.
    """  # noqa: D205

    now: datetime
    limits: Limits
    caught_up: bool = True
    suppressions: tuple[Suppression, ...] = ()
    speaker: Alert | None = None


class Decision(NamedTuple):
    """`notify`, `hold` (ask again at `until`, None: when what holds it is over) or `nothing`, and why."""

    verb: Literal["notify", "hold", "nothing"]
    reason: str
    until: datetime | None = None


def is_owed(alert: Alert) -> bool:
    """Whether the alert is worse than what has been told of it."""
    return not alert.backfilled and (alert.told is None or alert.severity > alert.told)


def decide(alert: Alert, place: Place, occasion: Occasion) -> Decision:
    """Decide whether the alert speaks now. Time in this question is our clock, for it is about people."""
    if not is_owed(alert):
        return Decision("nothing", "backfilled" if alert.backfilled else "told")
    if not alert.is_open and not _is_recent(alert, occasion):
        return Decision("nothing", "over")
    return _held(alert, place, occasion) or Decision("notify", "due")


def _held(alert: Alert, place: Place, occasion: Occasion) -> Decision | None:
    speaker = occasion.speaker
    if speaker is not None and speaks(speaker, occasion.now, occasion.limits):
        return Decision("hold", "linked", _silent_from(speaker, occasion.limits))
    if not occasion.caught_up:
        return Decision("hold", "catching_up")
    ends = last_end(occasion.suppressions, place, alert.type, occasion.now)
    if ends is not None:
        return Decision("hold", "suppressed", ends)
    wait = alert.opened_at + timedelta(seconds=occasion.limits.group_wait_seconds)
    if alert.type is AlertType.GATEWAY_SILENT and occasion.now < wait:
        return Decision("hold", "grouping", wait)
    return None


def speaks(alert: Alert, now: datetime, limits: Limits) -> bool:
    """Whether an alert speaks for those linked to it: while it is open, and a while longer.

    When a gateway is heard again its units come back one by one; those that stay silent speak for themselves then.
    """
    until = _silent_from(alert, limits)
    return until is None or now < until


def _silent_from(alert: Alert, limits: Limits) -> datetime | None:
    return None if alert.resolved_at is None else alert.resolved_at + timedelta(seconds=limits.group_window_seconds)


def last_end(suppressions: Iterable[Suppression], place: Place, alert_type: AlertType, at: datetime) -> datetime | None:
    """Return when the last of the windows that are open for this alert ends; None: there is none."""
    return max((s.ends_at for s in suppressions if s.covers(place, alert_type, at)), default=None)


def _is_recent(alert: Alert, occasion: Occasion) -> bool:
    """Whether an alert that is over already was over too lately to be a matter of the backlog."""
    if alert.told is not None or alert.resolved_at is None:
        return False
    return alert.resolved_by is None and alert.resolved_at > occasion.now - timedelta(
        seconds=occasion.limits.catch_up_seconds
    )
