"""Stories: transcripts of a unit's life that anyone can read, and the small machine that tells them.

`"0:4 5:8 10:8 12:open 20:tick"` is a list of `time:what`, times in minutes (`5+30` is five and a half), what is one of

    -18.5        a temperature of the primary sensor     x-18.5        one of another sensor of the unit
    open closed  a message of the door sensor            fault         a fault of the primary sensor (`fault=no_probe`)
    battery=15   a charge (percent) with no temperature  log=7.5       a manual log
    tick         nothing came: what is due expires

An expectation is the same list with event kinds: `"5:excursion_started 15:alarm_raised"`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from frostguard.domain.event import Event, EventKind
from frostguard.domain.limits import Limits
from frostguard.domain.outages import Outages
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules, SensorRules
from frostguard.domain.unit import ManualLog, expire, manual_log, observe
from frostguard.domain.unit_state import UnitState

START = datetime(2026, 3, 1, tzinfo=UTC)
UNIT, PRIMARY, DOOR, OTHER = (UUID(int=n) for n in range(1, 5))
FREEZER = Limits(high=-15.0, low=-30.0, hysteresis=1.0)

TEMPERATURE = {"excursion_started", "alarm_raised", "restoring_started", "normal_restored"}
DATA = {"data_late", "data_interrupted", "manual_required", "manual_logged", "data_fresh"}
DOORS = {"door_opened", "door_closed", "door_warning", "door_critical"}
EVERYTHING = {str(kind) for kind in EventKind} - {"status_changed"}


def moment(text: str) -> datetime:
    minutes, _, seconds = text.partition("+")
    return START + timedelta(minutes=float(minutes), seconds=float(seconds or 0))


def clock(at: datetime) -> str:
    seconds = (at - START).total_seconds()
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:g}" if not rest else f"{minutes:g}+{rest:g}"


def make_rules(limits: Limits | None = None, interval_seconds: float = 300, **changes: object) -> Rules:
    known = SensorRules(interval_seconds, START, battery_chemistry="li-mno2", range_low=-60, range_high=125)
    sensors = {
        PRIMARY: known,
        DOOR: SensorRules(86_400, START, measures_temperature=False),
        OTHER: SensorRules(600, START),
    }
    given: dict[str, object] = {"limits": limits or Limits(), "primary": PRIMARY, "sensors": sensors}
    return Rules(**{**given, **changes})  # type: ignore[arg-type]


def make_reading(at: datetime, sensor_id: UUID = PRIMARY, seq: int = 0, **values: object) -> Reading:
    return Reading(UNIT, at, sensor_id, seq, at, **values)  # type: ignore[arg-type]


def read(text: str) -> Reading | ManualLog | datetime:
    """Return what one word of a story means: a reading, a manual log, or the moment of a tick."""
    time, _, what = text.partition(":")
    at = moment(time)
    word, _, value = what.partition("=")
    if word == "tick":
        return at
    if word == "log":
        return ManualLog(at, float(value))
    if word in {"open", "closed"}:
        return make_reading(at, DOOR, door_open=word == "open")
    if word.startswith("x"):
        return make_reading(at, OTHER, temperature=float(word[1:]))
    if word == "battery":
        return make_reading(at, battery_percent=int(value))
    return make_reading(at, fault=value or "no_probe") if word == "fault" else make_reading(at, temperature=float(word))


def tell(story: str, rules: Rules, state: UnitState | None = None, outages: Outages = ()) -> list[Event]:
    """Tell a story to a unit, in the order written, and return every event."""
    state = UnitState(UNIT) if state is None else state
    events: list[Event] = []
    for word in story.split():
        happening = read(word)
        known = tuple(o for o in outages if o.drained <= moment(word.partition(":")[0]))
        if isinstance(happening, Reading):
            events += observe(state, happening, rules, known)
        elif isinstance(happening, ManualLog):
            events += manual_log(state, happening, rules, known)
        else:
            events += expire(state, happening, rules, known)
    return events


def write(events: Iterable[Event], about: Iterable[str] = EVERYTHING) -> str:
    """Write events down as an expectation."""
    kinds = set(about)
    return " ".join(f"{clock(e.at)}:{e.kind}" for e in events if e.kind in kinds)


def statuses(events: Iterable[Event]) -> str:
    return " ".join(f"{clock(e.at)}:{e.after}" for e in events if e.kind is EventKind.STATUS_CHANGED)
