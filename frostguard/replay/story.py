"""What happened to a unit, as people tell it: episodes, alerts, and how long it was out of its limits. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.alert import Alert
from frostguard.domain.backfill import is_standing
from frostguard.domain.event import Event, EventKind
from frostguard.domain.rules import Rules
from frostguard.domain.temperature import beyond
from frostguard.domain.unit_state import UnitState
from frostguard.replay.fold import Ears, Fact, Fold


class Episode(NamedTuple):
    """From the first reading out of limits until the unit was normal again (None: not yet).

    `alarm_at` None: it never became an alarm. `extreme` is the °C farthest out.
    """

    began_at: datetime
    alarm_at: datetime | None = None
    ended_at: datetime | None = None
    extreme: float | None = None


class Span(NamedTuple):
    """What is told: everything that touches [since, upto)."""

    since: datetime
    upto: datetime

    def touches(self, began: datetime, ended: datetime | None) -> bool:
        """Whether something that lasted from `began` to `ended` (None: it goes on) is part of it."""
        return began < self.upto and (ended is None or ended >= self.since)

    def seconds(self, began: datetime, ended: datetime) -> float:
        """Return how long [began, ended) lies inside."""
        return max(0.0, (min(ended, self.upto) - max(began, self.since)).total_seconds())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one set of rules made of a unit's readings in a span. `seconds_out`: out of limits, silence not counted."""

    episodes: Sequence[Episode] = ()
    alerts: Sequence[Alert] = ()
    seconds_out: float = 0.0


@dataclass(slots=True)
class Story:
    """Listens to the fold of one unit and tells what happened."""

    span: Span
    _episodes: list[Episode] = field(default_factory=list)
    _current: Episode | None = None
    _seconds_out: float = 0.0
    # The last temperature: when, whether it was out of limits, and how long it holds.
    _last: tuple[datetime, bool, timedelta] | None = None

    def said(self, events: Sequence[Event]) -> None:
        """Take what a step said."""
        for event in events:
            if event.kind is EventKind.EXCURSION_STARTED and self._current is None:
                self._current = Episode(event.at)
            elif event.kind is EventKind.ALARM_RAISED and self._current is not None:
                self._current = self._current._replace(alarm_at=self._current.alarm_at or event.at)
            elif event.kind is EventKind.NORMAL_RESTORED and self._current is not None:
                self._close(self._current._replace(ended_at=event.at, extreme=event.extreme))
                self._current = None

    def folded(self, state: UnitState) -> None:
        """Count the time since the last temperature, if that was out of limits."""
        measured, celsius = state.measured_at, state.celsius
        if measured is None or celsius is None or state.rules is None or self._is_known(measured):
            return
        self._count(measured)
        self._last = (measured, beyond(celsius, state.rules.limits) > 0, state.patience)

    def _is_known(self, measured: datetime) -> bool:
        return self._last is not None and self._last[0] == measured

    def _count(self, upto: datetime) -> None:
        if self._last is not None and self._last[1]:
            at, _, patience = self._last
            self._seconds_out += self.span.seconds(at, min(upto, at + patience))

    def _close(self, episode: Episode) -> None:
        if self.span.touches(episode.began_at, episode.ended_at):
            self._episodes.append(episode)

    def end(self, fold: Fold) -> Outcome:
        """Return the whole, once the fold is finished."""
        self._count(self.span.upto)
        if self._current is not None:
            self._close(self._current._replace(extreme=fold.state.temperature.extreme))
        # Of the historical ones, those that stand: merged and withdrawn ones are traces of how readings came.
        stand = (a for a in fold.alerts.values() if is_standing(a) or not a.backfilled)
        alerts = [a for a in stand if self.span.touches(a.opened_at, a.resolved_at)]
        alerts.sort(key=lambda alert: (alert.opened_at, alert.type))
        return Outcome(tuple(self._episodes), tuple(alerts), self._seconds_out)


class Telling:
    """One unit under one set of rules, from a moment on: a fold and its story."""

    def __init__(self, unit_id: UUID, rules: Rules, ears: Ears, facts: Sequence[Fact], span: Span) -> None:
        self.story = Story(span)
        self.fold = Fold(unit_id, rules, ears, facts, self.story)

    def end(self) -> Outcome:
        """Finish, and tell."""
        self.fold.finish()
        return self.story.end(self.fold)


def as_if_always(rules: Rules, begin: datetime, changes: dict[str, float | None]) -> Rules:
    """Return the rules with some settings changed, in force since the begin of what is folded."""
    return replace(rules, limits=replace(rules.limits, **changes), since=begin)  # type: ignore[arg-type] # checked: changes.py
