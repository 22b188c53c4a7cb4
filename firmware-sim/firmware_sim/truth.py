"""The ground truth of a run: when each unit really was out of its limits, and when the rule had to notice.

Everything is computed from the physics alone, on their own grid: no sensor, no gateway, no daemon. `due_at` is the
moment at which a perfect sensor would have brought the rule to its alert:

- `alarm_active`: out of limits (strictly) begins an excursion, unless a door that has been open for less than the door
  grace holds it; being out still after the confirm time (a longer one while the door is open) makes the alarm; back
  inside by the hysteresis ends it;
- `door_open`: open for the warning time;
- `monitoring_interrupted`: five intervals and a grace without any reading of the unit.

`due_at` is null where the rule must stay silent (the excursion was too short).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from firmware_sim.fleet import FleetPlan, GatewayPlan, Kind, SensorPlan
from firmware_sim.physics import Fault, Unit
from firmware_sim.simulation import unit_seed


@dataclass(frozen=True, slots=True)
class Limits:
    """What a unit is held to, °C and K."""

    low: float
    high: float
    hysteresis: float


_COOLER, _FREEZER = Limits(-1.0, 5.0, 0.5), Limits(-30.0, -15.0, 1.0)
PRESETS: dict[str, Limits] = {
    "fridge": _COOLER,
    "display_case": _COOLER,
    "walk_in_cooler": _COOLER,
    "freezer": _FREEZER,
    "walk_in_freezer": _FREEZER,
    "blast_chiller": Limits(-40.0, 5.0, 0.5),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """The times of the rule, in seconds."""

    confirm_seconds: float = 600
    confirm_door_open_seconds: float = 1200
    door_grace_seconds: float = 1200
    door_warning_seconds: float = 180
    silence_intervals: float = 5
    silence_grace_seconds: float = 30


class Truth(NamedTuple):
    """One thing that really happened. Times are epoch seconds; `ended_at` None: it went on at the end of the run."""

    organization: str
    unit: str
    sensors: list[str]
    type: str
    began_at: float
    ended_at: float | None
    due_at: float | None
    interval_seconds: float
    confirm_seconds: float  # what the rule asked for: the excursion must last so long
    extreme: float | None = None


class Silence(NamedTuple):
    """A gateway that nobody hears, epoch seconds."""

    gateway: str
    began_at: float
    ended_at: float


@dataclass(slots=True)
class _Excursion:
    began_at: float
    extreme: float
    since: float | None = None
    due_at: float | None = None
    confirm: float = 0.0


class _Subject(NamedTuple):
    """The unit that is looked at, and by what."""

    organization: str
    unit: str
    sensors: list[str]
    interval: float  # seconds, of the first sensor that measures a temperature, else of the first
    has_temperature: bool
    has_door: bool


def find_truths(
    plan: FleetPlan,
    seed: int,
    span: tuple[float, float],
    faults: dict[str, list[Fault]],
    *,
    limits: dict[str, Limits],
    rule: Rule,
) -> Iterator[Truth]:
    """Walk every unit from span[0] to span[1] (epoch seconds) and yield what happened, unit by unit."""
    for key, members in plan.units().items():
        unit_type = members[0][1].unit_type
        unit = Unit(unit_type, unit_seed(seed, key), span[0], faults.get(key, ()))
        yield from _walk(unit, span[1], _subject(key, members), limits[unit_type], rule)


def find_silences(plan: FleetPlan, silences: Iterable[Silence], rule: Rule) -> Iterator[Truth]:
    """The units that nobody could hear while a gateway was away."""
    for silence in silences:
        for key, members in plan.units().items():
            if any(gateway.id != silence.gateway for gateway, _ in members):
                continue
            subject = _subject(key, members)
            patience = rule.silence_intervals * subject.interval + rule.silence_grace_seconds
            due = silence.began_at + patience
            yield Truth(
                *subject[:3],
                "monitoring_interrupted",
                silence.began_at,
                silence.ended_at,
                due if due < silence.ended_at else None,
                subject.interval,
                patience,
            )


def write_truths(truths: Iterable[Truth]) -> bytes:
    """The truth file: one JSON object a line, times in RFC 3339."""
    lines = []
    for truth in truths:
        line = truth._asdict()
        for name in ("began_at", "ended_at", "due_at"):
            if line[name] is not None:
                line[name] = datetime.fromtimestamp(line[name], UTC)
        lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
    return b"".join(lines)


def _subject(key: str, members: list[tuple[GatewayPlan, SensorPlan]]) -> _Subject:
    sensors = [sensor for _, sensor in members]
    thermometers = [s for s in sensors if s.kind is not Kind.DOOR]
    interval = (thermometers or sensors)[0].interval_seconds
    has_door = any(s.kind in (Kind.DOOR, Kind.COMBO) for s in sensors)
    names = [s.serial for s in sensors]
    return _Subject(members[0][0].organization, key, names, interval, bool(thermometers), has_door)


def _walk(unit: Unit, end: float, subject: _Subject, limits: Limits, rule: Rule) -> Iterator[Truth]:
    excursion: _Excursion | None = None
    opened_at: float | None = None
    while unit.time < end:
        now = unit.step()
        time = unit.time
        if now.door_open:
            opened_at = time if opened_at is None else opened_at
        elif opened_at is not None:
            yield from _door(subject, opened_at, time, end, rule)
            opened_at = None
        open_for = time - opened_at if opened_at is not None and subject.has_door else None
        ended, excursion = _fold(excursion, (time, now.temperature), open_for, limits, rule)
        if ended:
            yield from _temperature(subject, ended, time)
    if excursion:
        yield from _temperature(subject, excursion, None)
    if opened_at is not None:
        yield from _door(subject, opened_at, None, end, rule)


def _fold(
    excursion: _Excursion | None, seen: tuple[float, float], open_for: float | None, limits: Limits, rule: Rule
) -> tuple[_Excursion | None, _Excursion | None]:
    """One point of the grid: what ended there, and what goes on. `open_for` is None while the door is shut."""
    time, celsius = seen
    out = not limits.low <= celsius <= limits.high
    if excursion is None:
        if not out:
            return None, None
        excursion = _Excursion(time, celsius)
    if out:
        high = celsius > limits.high
        excursion.extreme = max(excursion.extreme, celsius) if high else min(excursion.extreme, celsius)
        held = open_for is not None and open_for < rule.door_grace_seconds
        if excursion.since is None and not held:
            excursion.since = time
        excursion.confirm = rule.confirm_seconds if open_for is None else rule.confirm_door_open_seconds
        if excursion.due_at is None and excursion.since is not None and time - excursion.since >= excursion.confirm:
            excursion.due_at = time
    if limits.low + limits.hysteresis <= celsius <= limits.high - limits.hysteresis:
        return excursion, None
    return None, excursion


def _temperature(subject: _Subject, excursion: _Excursion, ended_at: float | None) -> Iterator[Truth]:
    if subject.has_temperature:
        yield Truth(
            *subject[:3],
            "alarm_active",
            excursion.began_at,
            ended_at,
            excursion.due_at,
            subject.interval,
            excursion.confirm,
            round(excursion.extreme, 2),
        )


def _door(subject: _Subject, opened_at: float, shut_at: float | None, end: float, rule: Rule) -> Iterator[Truth]:
    """Openings that are long enough, or nearly; the many short ones are nobody's business."""
    needed = rule.door_warning_seconds
    seconds = (end if shut_at is None else shut_at) - opened_at
    if subject.has_door and seconds >= needed / 2:
        due = opened_at + needed if seconds >= needed else None
        # A door sensor reports a change at once, so its own interval is not what the latency depends on.
        yield Truth(*subject[:3], "door_open", opened_at, shut_at, due, min(subject.interval, 30.0), needed)
