"""Fold the facts of one unit again, in the order in which the daemon met them. Pure: facts in, a state and alerts out.

The machines need no clock to find every moment, with one exception: a reading that was delayed past a deadline changes
nothing that was spoken of already, so it matters whether the daemon had looked at the clock before the reading came.
Two sources say so:

- It surely looked at everything that was due `grace` before the batch, where it listened then: that does not depend on
  the record, so a deadline that the daemon slept through shows.
- Nearer than that, the record says which deadlines were spoken of, and in which batch (`looks`). A look makes nothing
  true by itself: what was not due is not said by looking.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from frostguard.domain.alert import Alert, AlertType, Change, resolve_by_person
from frostguard.domain.backfill import Stretch, alarms_of, backfill, stretch_of
from frostguard.domain.event import Event, EventKind
from frostguard.domain.judge import judge
from frostguard.domain.outages import Outage
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules
from frostguard.domain.unit import ManualLog, expire, manual_log, observe
from frostguard.domain.unit_state import UnitState

ALWAYS = datetime.max.replace(tzinfo=UTC)
LAST_BATCH = 2**62
SOMEBODY = UUID(int=0)  # who resolved an alert decides nothing


class Fact(NamedTuple):
    """What happened besides readings: the batch that took it (batches grow), our clock, and one of the three.

    `log`: a manual log was judged. `look`: a deadline of this moment was spoken of. `resolved`: a person resolved this
    alert.
    """

    batch: int
    at: datetime
    log: ManualLog | None = None
    look: datetime | None = None
    resolved: UUID | None = None


@dataclass(frozen=True, slots=True)
class Ears:
    """When the daemon listened: its outages with the batch that ended each (both ascending), and up to when it did.

    `grace` is how long a look at the clock may take at most.
    """

    outages: tuple[tuple[int, Outage], ...] = ()
    until: datetime = ALWAYS
    grace: timedelta = timedelta(0)

    def surely_looked(self, at: datetime) -> datetime:
        """Return the last moment up to which every deadline had surely been looked at when it was `at`."""
        moment = min(at, self.until) - self.grace
        for _, (began, drained) in reversed(self.outages):
            if drained + self.grace <= moment:
                break
            moment = min(moment, began - self.grace)
        return moment


class Listener(Protocol):
    """Who follows a fold: the events of every step in order, and the state after every reading."""

    def said(self, events: Sequence[Event]) -> None:
        """Take what a step said."""

    def folded(self, state: UnitState) -> None:
        """Look at the state after a reading."""


class Fold:
    """One unit: give it batches of readings in order, then `finish`. Read `state` and `alerts`."""

    def __init__(
        self,
        unit_id: UUID,
        rules: Rules,
        ears: Ears,
        facts: Sequence[Fact] = (),
        listener: Listener | None = None,
    ) -> None:
        self.rules = rules
        self.state = UnitState(unit_id)
        self.alerts: dict[UUID, Alert] = {}
        self._newest: dict[AlertType, Alert] = {}
        self._ears = ears
        self._known = 0
        self._outages: tuple[Outage, ...] = ()
        self._facts = facts
        self._next = 0
        self._listener = listener
        self._moved_at: datetime | None = None  # our clock when the last batch came

    def batch(self, number: int, rows: Sequence[Reading]) -> list[Reading]:
        """Fold what one batch brought of this unit, sorted by recorded_at. Returns what was late: see `stretch`."""
        self._facts_before(number)
        self._look_before(min(row.received_at for row in rows))
        self._moved_at = max(row.received_at for row in rows)
        late: list[Reading] = []
        said: list[Event] = []
        for row in rows:
            for event in observe(self.state, row, self.rules, self._outages):
                if event.kind is EventKind.READING_LATE:
                    late.append(row)
                else:
                    said.append(event)
            if self._listener is not None:
                self._listener.folded(self.state)
        self._say(said)
        self._facts_before(number + 1)
        return late

    def stretch(self, late: Sequence[Reading]) -> Stretch | None:
        """Return which stored readings late ones are judged with, and those around them; None: they prove nothing."""
        return stretch_of(late, alarms_of(self.alerts.values()))

    def late(self, around: Sequence[Reading], stretch: Stretch) -> None:
        """Judge the readings around such a stretch."""
        known = alarms_of(self.alerts.values())
        for change in backfill(self.state.unit_id, around, self.rules, stretch, known):
            self._keep(change)

    def finish(self) -> None:
        """Take what is left after the last reading, and look at the clock for the last time."""
        self._facts_before(LAST_BATCH)
        self._look_before(self._ears.until)

    def _facts_before(self, number: int) -> None:
        """Take the facts of all batches before this one; a batch's facts come after its readings."""
        while self._next < len(self._facts) and self._facts[self._next].batch < number:
            fact = self._facts[self._next]
            self._next += 1
            self._hear_of_outages(fact.batch)
            if fact.log is not None:
                self._look_before(fact.at)
                self._moved_at = fact.at
                self._say(manual_log(self.state, fact.log, self.rules, self._outages))
            if fact.look is not None:
                self._look(fact.look)
            if fact.resolved is not None:
                self._resolved(fact.resolved, fact.at)
        self._hear_of_outages(number)

    def _hear_of_outages(self, number: int) -> None:
        """An outage is known to the batches after the one that ended it."""
        spans = self._ears.outages
        while self._known < len(spans) and spans[self._known][0] < number:
            self._outages = (*self._outages, spans[self._known][1])
            self._known += 1

    def _look_before(self, at: datetime) -> None:
        """Look at the clock as was surely done before `at`: at deadlines that the state before had long enough."""
        if self.state.due > at:
            return
        moment = self._ears.surely_looked(at)
        if self._moved_at is None or self._moved_at <= moment:
            self._look(moment)

    def _look(self, at: datetime) -> None:
        self._say(expire(self.state, at, self.rules, self._outages))

    def _resolved(self, alert_id: UUID, at: datetime) -> None:
        alert = self.alerts.get(alert_id)
        if alert is not None and alert.is_open:
            self._keep(resolve_by_person(alert, SOMEBODY, at, holds=False))

    def _say(self, said: Iterable[Event]) -> None:
        events = tuple(said)
        if not events:
            return
        if self._listener is not None:
            self._listener.said(events)
        for change in judge(self.state.unit_id, events, self._newest, self.rules.limits):
            self._keep(change)

    def _keep(self, change: Change) -> None:
        """Keep an alert as its row is kept: what it was opened with stays, unless it is historical."""
        alert = change.alert
        before = self.alerts.get(alert.id)
        if before is not None and not before.backfilled:
            alert = replace(alert, began_at=before.began_at, celsius=before.celsius, backfilled=False)
        self.alerts[alert.id] = alert
        if not alert.backfilled:
            self._newest[alert.type] = alert
