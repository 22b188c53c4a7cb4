"""Late stretches: what late readings prove, with the stored ones around them, is a historical alert; nobody is paged.

- Judged is the neighbourhood of what came late, from where the unit was surely calm before to where it was calm after.
  So the order in which the pieces of a stretch come, and where they were cut, decide nothing.
- Silence proves nothing here, only readings confirm. An alarm that no reading ended is closed with its last reading.
- An alarm on record that was judged live speaks for itself: what opened within it is nothing new, and what leads into
  it ends where its own condition began.
- A historical alert on record is corrected by what is known now: its times, its reading, its extreme. Where two turn
  out to be one, the second is linked to the first. Where its readings prove no alarm any more, it is withdrawn. Both
  stay on record with severity info, and their timelines say why.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from frostguard.domain.alert import NAMESPACE, Alert, AlertType, Change, Severity, correct, resolve
from frostguard.domain.door import Door, observe_door
from frostguard.domain.event import Event, EventKind
from frostguard.domain.judge import judge
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules
from frostguard.domain.sensors import fault_of
from frostguard.domain.temperature import Temperature, beyond, is_inside, observe_temperature

REACHES = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=8))
"""How far from a late stretch calm is looked for, one after the other; the last is as far as anybody looks."""
FARTHEST = REACHES[-1]
MOST = 50_000  # readings that are judged together: a week of one every 12 s
INSTANT = timedelta(microseconds=1)  # the grain of moments: what ended at a calm one is not concerned


Fetch = Callable[[datetime, datetime], Awaitable[list[Reading]]]


class Stretch(NamedTuple):
    """What is to be judged again: from the first reading concerned to the last."""

    first: datetime
    last: datetime


class Reach(NamedTuple):
    """How far is looked before a stretch and after it."""

    back: timedelta = REACHES[0]
    ahead: timedelta = REACHES[0]

    def around(self, stretch: Stretch) -> tuple[datetime, datetime]:
        """Return the first and the last moment within reach."""
        return stretch.first - self.back, stretch.last + self.ahead


class Episode(NamedTuple):
    """One alarm that the readings prove, as the changes that write it down; `told_by`: the live alert that tells it."""

    changes: tuple[Change, ...]
    told_by: UUID | None = None

    @property
    def alert(self) -> Alert:
        """The alert as it ended."""
        return self.changes[-1].alert


def stretch_of(late: Iterable[Reading], known: Iterable[Alert]) -> Stretch | None:
    """Return what late readings concern, with the historical alerts that they touch; None: they prove nothing."""
    times = [row.recorded_at for row in late if row.temperature is not None]
    if not times:
        return None
    stretch, standing = Stretch(min(times), max(times)), [alert for alert in known if is_standing(alert)]
    while touched := [alert for alert in standing if _concerns(alert, stretch)]:
        standing = [alert for alert in standing if alert not in touched]
        stretch = Stretch(
            min(stretch.first, *(_began(alert) for alert in touched)),
            max(stretch.last, *(_ended(alert) for alert in touched)),
        )
    return stretch


def is_standing(alert: Alert) -> bool:
    """Whether a historical alert says what is known now: it was not merged into another one, and not withdrawn."""
    return alert.backfilled and alert.severity is Severity.CRITICAL


async def gathered(fetch: Fetch, stretch: Stretch, rules: Rules) -> list[Reading]:
    """Return the stored readings around a stretch, as far as it takes until the unit was calm on both sides.

    `fetch` returns those of [begin, end], oldest first, at least MOST of them where there are as many. Where a wider
    view holds MOST, the narrower one decides: of a view that is cut off, the stretch itself may be missing.
    """
    reach, rows = Reach(), await fetch(*Reach().around(stretch))
    while (further := wider(reach, rows, stretch, rules)) is not None:
        found = await fetch(*further.around(stretch))
        if len(found) >= MOST:
            break
        reach, rows = further, found
    return rows


def wider(reach: Reach, rows: Iterable[Reading], stretch: Stretch, rules: Rules) -> Reach | None:
    """Return how far to look next, when `rows` is all within reach of a stretch, oldest first; None: it is enough."""
    before, after = _calm(rows, stretch, rules)
    further = Reach(
        reach.back if before is not None else _further(reach.back),
        reach.ahead if after is not None else _further(reach.ahead),
    )
    return None if further == reach else further


def _further(reach: timedelta) -> timedelta:
    return next((one for one in REACHES if one > reach), reach)


def _calm(rows: Iterable[Reading], stretch: Stretch, rules: Rules) -> tuple[datetime | None, datetime | None]:
    """Return when the unit was surely normal, the last time before a stretch and the first after it.

    After it means by readings that are all newer: what came late cannot have made the difference.
    """
    inside, before, is_behind = 0, None, False
    for row in rows:
        if row.temperature is None or not _measures(row, rules):
            continue
        if row.recorded_at > stretch.last and not is_behind:
            inside, is_behind = 0, True
        if beyond(row.temperature, rules.limits) > 0:
            inside = 0
        elif is_inside(row.temperature, rules.limits):
            inside += 1
        if inside < rules.limits.restore_readings:
            continue
        if row.recorded_at < stretch.first:
            before = row.recorded_at
        elif is_behind:
            return before, row.recorded_at
    return before, None


def backfill(
    unit_id: UUID, rows: Iterable[Reading], rules: Rules, stretch: Stretch, known: Sequence[Alert] = ()
) -> list[Change]:
    """Return the changes that make the unit's historical alerts say what its readings prove now.

    `rows` are the stored readings around the stretch; `known` the unit's alarms on record there, live and historical.
    """
    ordered = sorted(rows, key=lambda row: (row.recorded_at, row.seq, row.sensor_id))
    live = sorted((alert for alert in known if not alert.backfilled), key=_began)
    proved = (_beside(live, episode, ordered, rules) for episode in _episodes(unit_id, ordered, rules))
    before, after = _calm(ordered, stretch, rules)
    near = Stretch(stretch.first if before is None else before + INSTANT, stretch.last if after is None else after)
    found = [episode for episode in proved if _concerns(episode.alert, near)]
    recorded = sorted((alert for alert in known if alert.backfilled), key=lambda alert: (alert.opened_at, alert.id))
    return _settled(found, recorded, near)


def _episodes(unit_id: UUID, rows: Sequence[Reading], rules: Rules) -> list[Episode]:
    events, temperature, last = _fold(rows, rules)
    by_alert: dict[UUID, list[Change]] = {}
    for change in judge(unit_id, events, {}, replace(rules.limits, reopen_minutes=0)):
        alert = replace(change.alert, backfilled=True)
        by_alert.setdefault(alert.id, []).append(change._replace(alert=alert))
    for changes in by_alert.values():
        alert = changes[-1].alert
        if alert.is_open and last is not None:
            changes.append(resolve(alert, last, temperature.extreme))
    return [Episode(tuple(changes)) for changes in by_alert.values()]


def _fold(rows: Iterable[Reading], rules: Rules) -> tuple[list[Event], Temperature, datetime | None]:
    temperature, door, last = Temperature(), Door(), None
    events: list[Event] = []
    for reading in rows:
        if reading.door_open is not None:
            door, _ = observe_door(door, reading.recorded_at, is_open=reading.door_open)
        if reading.temperature is None or not _measures(reading, rules):
            continue
        last = reading.recorded_at
        temperature, said = observe_temperature(temperature, last, reading.temperature, rules.limits, door)
        events += (e for e in said if e.kind is not EventKind.EXCURSION_STARTED)
    return events, temperature, last


def _measures(reading: Reading, rules: Rules) -> bool:
    return reading.temperature is not None and rules.drives(reading.sensor_id) and fault_of(reading, rules) is None


def _beside(live: Iterable[Alert], episode: Episode, rows: Sequence[Reading], rules: Rules) -> Episode:
    """Let the alarms that were judged live speak for their share of an episode."""
    alert = episode.alert
    for told in live:
        if not _overlap(told, alert):
            continue
        if _began(told) <= alert.opened_at:
            return episode._replace(told_by=told.id)
        before = [row for row in rows if row.recorded_at < _began(told)]
        again = _episodes(alert.subject_id, before, rules)
        return next((one for one in again if one.alert.id == alert.id), episode._replace(told_by=told.id))
    return episode


def _settled(found: Sequence[Episode], recorded: Sequence[Alert], stretch: Stretch) -> list[Change]:
    """Give each episode its row: the one of its own id, else the first that overlaps it, else a new one."""
    rows = {alert.id: alert for alert in recorded}
    own = [episode for episode in found if episode.told_by is None]
    free = {alert.id: alert for alert in recorded if is_standing(alert)}
    taken = {e.alert.id: row for e in own if (row := rows.get(e.alert.id)) is not None and _may_take(row, e)}
    for key in taken:
        free.pop(key, None)
    for episode in own:
        row = next((alert for alert in free.values() if _overlap(alert, episode.alert)), None)
        if row is not None and episode.alert.id not in taken:
            taken[episode.alert.id] = free.pop(row.id)
    changes: list[Change] = []
    tellers = {e.alert.id: e.told_by for e in found if e.told_by is not None}
    for episode in own:
        row = taken.get(episode.alert.id)
        said = _opened(episode, rows) if row is None else _corrected(row, episode.alert)
        tellers[episode.alert.id] = row.id if row is not None else said[0].alert.id
        changes += said
    told = [(episode.alert, tellers[episode.alert.id]) for episode in found]
    for row in free.values():
        changes += _left_over(row, told, stretch)
    return changes


def _may_take(row: Alert, episode: Episode) -> bool:
    """Whether the row of an episode's id is its own: it may have been corrected, and stand for another one since."""
    return not is_standing(row) or _overlap(row, episode.alert)


def _opened(episode: Episode, rows: Mapping[UUID, Alert]) -> list[Change]:
    """Write a new alert down; where its id stands for something else by now, under one that follows from that id."""
    key = episode.alert.id
    while key in rows:
        key = uuid5(NAMESPACE, f"{key}/again")
    return [
        c._replace(alert=replace(c.alert, id=key), entry=c.entry._replace(alert_id=key)) for c in episode.changes
    ]  # fmt: skip


def _corrected(row: Alert, proved: Alert) -> list[Change]:
    after = replace(
        row,
        severity=proved.severity,
        opened_at=proved.opened_at,
        began_at=proved.began_at,
        celsius=proved.celsius,
        extreme=proved.extreme,
        resolved_at=proved.resolved_at,
        linked_to=None,
    )
    if after == row:
        return []
    return [correct(after, _ended(after), f"late readings: it was {_span(row)}, it is {_span(after)}")]


def _left_over(row: Alert, told: Iterable[tuple[Alert, UUID]], stretch: Stretch) -> list[Change]:
    """Merge a historical alert into the alert that tells its readings now, withdraw it, or leave it in peace."""
    teller = next((key for alert, key in told if _overlap(row, alert)), None)
    if teller is not None:
        after = replace(row, severity=Severity.INFO, linked_to=teller)
        return [correct(after, _ended(row), f"merged into {teller}: late readings show one excursion")]
    if not _concerns(row, stretch):
        return []
    return [correct(replace(row, severity=Severity.INFO), _ended(row), "withdrawn: late readings show no alarm")]


def _began(alert: Alert) -> datetime:
    return alert.began_at or alert.opened_at


def _ended(alert: Alert) -> datetime:
    return alert.resolved_at or alert.opened_at


def _span(alert: Alert) -> str:
    return f"{alert.opened_at.isoformat()} to {_ended(alert).isoformat()}"


def _concerns(alert: Alert, stretch: Stretch) -> bool:
    return _began(alert) <= stretch.last and _ended(alert) >= stretch.first


def _overlap(one: Alert, other: Alert) -> bool:
    return (other.resolved_at is None or one.opened_at <= other.resolved_at) and (
        one.resolved_at is None or other.opened_at <= one.resolved_at
    )


def alarms_of(alerts: Iterable[Alert]) -> list[Alert]:
    """Return the temperature alarms among alerts."""
    return [alert for alert in alerts if alert.type is AlertType.ALARM_ACTIVE]
