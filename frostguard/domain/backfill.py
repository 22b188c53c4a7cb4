"""Late stretches: what a run of late readings proves by itself becomes a historical alert, and nobody is paged.

Silence proves nothing here (the readings around the stretch are stored already and were judged), so only readings
confirm, and an alarm that is not over at the end of the stretch is closed with its last reading.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from frostguard.domain.alert import Alert, AlertType, Change, resolve
from frostguard.domain.door import Door, observe_door
from frostguard.domain.event import Event, EventKind
from frostguard.domain.judge import judge
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules
from frostguard.domain.sensors import fault_of
from frostguard.domain.temperature import Temperature, observe_temperature

Span = tuple[datetime, datetime | None]  # an alert's opening and end; None: still open


def backfill(unit_id: UUID, late: Sequence[Reading], rules: Rules, covered: Iterable[Span] = ()) -> list[Change]:
    """Return the changes that write down the alarms of a late stretch of one unit, each opened and resolved.

    `late` is sorted by recorded_at; `covered` are the spans of the unit's alarms on record, which are not told twice.
    """
    opened: dict[UUID, Alert] = {}
    changes: list[Change] = []
    for change in judge(unit_id, _fold(late, rules), {}, replace(rules.limits, reopen_minutes=0)):
        alert = replace(change.alert, backfilled=True)
        opened[alert.id] = alert
        changes.append(change._replace(alert=alert))
    changes += [resolve(alert, late[-1].recorded_at) for alert in opened.values() if alert.is_open]
    ends = {c.alert.id: c.alert for c in changes}
    spans = tuple(covered)
    kept = {key for key, alert in ends.items() if not _is_covered(alert, spans)}
    return [c for c in changes if c.alert.id in kept and c.alert.type is AlertType.ALARM_ACTIVE]


def _fold(late: Sequence[Reading], rules: Rules) -> list[Event]:
    temperature, door = Temperature(), Door()
    events: list[Event] = []
    for reading in late:
        if reading.door_open is not None:
            door, _ = observe_door(door, reading.recorded_at, is_open=reading.door_open)
        if reading.temperature is None or not rules.drives(reading.sensor_id) or fault_of(reading, rules) is not None:
            continue
        temperature, said = observe_temperature(
            temperature, reading.recorded_at, reading.temperature, rules.limits, door
        )
        events += (e for e in said if e.kind is not EventKind.EXCURSION_STARTED)
    return events


def _is_covered(alert: Alert, spans: tuple[Span, ...]) -> bool:
    end = alert.resolved_at or alert.opened_at
    return any(began <= end and (ended is None or alert.opened_at <= ended) for began, ended in spans)
