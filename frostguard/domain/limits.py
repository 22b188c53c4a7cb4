"""The numbers in force for one unit: every setting with its unit, default and range, the presets, and the cascade.

The fields of `Limits` are the one table of settings: the API, the database checks and docs/states.md follow `SETTINGS`.

- A setting is resolved field by field: unit -> site -> organization -> preset of the unit type. None means "inherit".
- 0 is a value like any other: a confirm time of 0 is "at once", a limit of 0 is zero degrees.
- `resolve` never refuses: levels that are each valid may contradict each other once merged (an organization's high
  below a unit's low). Such limits err towards the alarm, because then hardly any temperature lies inside them;
  `problems` says what is wrong, and whoever saves a setting asks it first.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints

Source = Literal["unit", "site", "organization", "preset"]
Overrides = Mapping[str, float | None]

EVERY_LEVEL = ("unit", "site", "organization")
ORGANIZATION = ("organization",)


class UnitType(StrEnum):
    """What kind of refrigerated thing a unit is; it chooses the preset."""

    FRIDGE = "fridge"
    FREEZER = "freezer"
    DISPLAY_CASE = "display_case"
    WALK_IN_COOLER = "walk_in_cooler"
    WALK_IN_FREEZER = "walk_in_freezer"
    BLAST_CHILLER = "blast_chiller"


class Scale(NamedTuple):
    """What a setting is measured in, its inclusive range, and where it may be set."""

    unit: str
    minimum: float
    maximum: float
    levels: tuple[str, ...] = EVERY_LEVEL


CELSIUS = Scale("°C", -100, 150)
KELVIN = Scale("K", 0, 20)
SECONDS = Scale("s", 0, 604_800)
MINUTES = Scale("min", 0, 10_080)
SOME_MINUTES = Scale("min", 1, 10_080)
CHECK_INS = Scale("check-ins", 1, 1000)
READINGS = Scale("readings", 1, 100)
PERCENT = Scale("%", 0, 100)
GROUP_SECONDS = Scale("s", 0, 86_400, ORGANIZATION)
GROUP_CHECK_INS = Scale("check-ins", 1, 1000, ORGANIZATION)
GROUP_PERCENT = Scale("%", 1, 100, ORGANIZATION)


class Setting(NamedTuple):
    """One row of the table: `default` is the fridge's, `whole` says that only whole numbers are taken."""

    name: str
    scale: Scale
    default: float | None
    whole: bool
    doc: str


@dataclass(frozen=True, slots=True)
class Limits:
    """All numbers in force for one unit, each with its scale and a sentence. `Limits()` is the fridge's preset."""

    high: Annotated[float, CELSIUS, "Above this the unit is out of limits."] = 5.0
    low: Annotated[float, CELSIUS, "Below this the unit is out of limits."] = -1.0
    hysteresis: Annotated[
        float, KELVIN, "How far inside the limits a temperature must lie to count as back inside."
    ] = 0.5
    critical_high: Annotated[
        float | None, CELSIUS, "Above this the alarm does not wait for the confirm time. Empty: none."
    ] = None
    critical_low: Annotated[
        float | None, CELSIUS, "Below this the alarm does not wait for the confirm time. Empty: none."
    ] = None
    critical_confirm_seconds: Annotated[int, SECONDS, "Confirm time beyond a critical limit; 0 is at once."] = 0
    confirm_seconds: Annotated[
        int, SECONDS, "How long out of limits makes an alarm while the door is closed or unknown."
    ] = 600
    confirm_open_seconds: Annotated[int, SECONDS, "How long out of limits makes an alarm while the door is open."] = (
        1200
    )
    restore_readings: Annotated[
        int, READINGS, "Consecutive readings back inside that end an excursion or alarm; the first counts."
    ] = 2
    door_grace_seconds: Annotated[int, SECONDS, "While the door is open for less than this, no excursion begins."] = (
        1200
    )
    late_missed: Annotated[int, CHECK_INS, "Missed check-ins after which a unit's data is late."] = 1
    interrupted_missed: Annotated[int, CHECK_INS, "Missed check-ins after which its monitoring is interrupted."] = 5
    slack_seconds: Annotated[int, SECONDS, "Allowance for delay on top of every missed check-in."] = 30
    manual_interval_minutes: Annotated[
        int, SOME_MINUTES, "While monitoring is interrupted, a log is due this long after the last value."
    ] = 240
    manual_grace_minutes: Annotated[int, MINUTES, "Allowance on top of the manual interval."] = 0
    door_warning_seconds: Annotated[int, SECONDS, "Open for this long: alert door_open, warning."] = 180
    door_critical_seconds: Annotated[int, SECONDS, "Open for this long: door_open becomes critical."] = 600
    battery_low_percent: Annotated[int, PERCENT, "At or below: alert low_battery, warning."] = 20
    battery_critical_percent: Annotated[int, PERCENT, "At or below: low_battery becomes critical."] = 10
    battery_clear_percent: Annotated[int, PERCENT, "Above: low_battery is resolved."] = 25
    reopen_minutes: Annotated[
        int, MINUTES, "A condition that returns sooner after its alert's end re-opens that alert."
    ] = 15
    catch_up_seconds: Annotated[
        int, GROUP_SECONDS, "What opened and closed longer ago than this is recorded, not told."
    ] = 60
    gateway_missed_checkins: Annotated[
        int, GROUP_CHECK_INS, "Missed check-ins of its fastest sensor after which a gateway is silent."
    ] = 3
    gateway_will_missed_checkins: Annotated[
        int, GROUP_CHECK_INS, "The same after the broker reported the gateway's connection lost."
    ] = 1
    group_wait_seconds: Annotated[
        int, GROUP_SECONDS, "How long a silent gateway's notification waits for others that go silent too."
    ] = 60
    group_share_percent: Annotated[
        int, GROUP_PERCENT, "More than this share of an organization's units silent: told once for all."
    ] = 30
    group_window_seconds: Annotated[
        int, GROUP_SECONDS, "Units that fall silent within this span of each other fall silent together."
    ] = 900


PRESETS: Mapping[UnitType, Limits] = {
    UnitType.FRIDGE: Limits(),
    UnitType.DISPLAY_CASE: Limits(),
    UnitType.WALK_IN_COOLER: Limits(),
    UnitType.FREEZER: Limits(high=-15.0, low=-30.0, hysteresis=1.0),
    UnitType.WALK_IN_FREEZER: Limits(high=-15.0, low=-30.0, hysteresis=1.0),
    UnitType.BLAST_CHILLER: Limits(high=5.0, low=-40.0),
}


def _table() -> dict[str, Setting]:
    defaults = asdict(Limits())
    hints = get_type_hints(Limits, include_extras=True)
    scales = {name: (hint.__metadata__, hint.__origin__ is int) for name, hint in hints.items()}
    return {n: Setting(n, scale, defaults[n], whole, doc) for n, ((scale, doc), whole) in scales.items()}


SETTINGS: Mapping[str, Setting] = _table()


class Effective(NamedTuple):
    """The limits in force and, for each setting, the level that its value comes from."""

    limits: Limits
    sources: Mapping[str, Source]


def resolve(
    unit_type: UnitType,
    unit: Overrides | None = None,
    site: Overrides | None = None,
    organization: Overrides | None = None,
) -> Effective:
    """Merge the levels field by field. An override that is None or absent inherits; unknown names are ignored."""
    preset = PRESETS[unit_type]
    levels: tuple[tuple[Source, Overrides], ...] = (
        ("unit", unit or {}),
        ("site", site or {}),
        ("organization", organization or {}),
    )
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for name, setting in SETTINGS.items():
        sources[name], values[name] = _first(name, setting, levels, getattr(preset, name))
    return Effective(Limits(**values), sources)


def _first(
    name: str, setting: Setting, levels: tuple[tuple[Source, Overrides], ...], preset: float | None
) -> tuple[Source, float | None]:
    for source, overrides in levels:
        value = overrides.get(name)
        if value is not None and source in setting.scale.levels:
            return source, int(value) if setting.whole else float(value)
    return "preset", preset


class Problem(NamedTuple):
    """Why a setting cannot be saved: the field and one sentence."""

    setting: str
    message: str


def override_problems(overrides: Mapping[str, object], level: Source) -> list[Problem]:
    """Return what is wrong with the values of one level, each taken by itself: name, level, type and range."""
    found = [_override_problem(name, value, level) for name, value in overrides.items()]
    return [problem for problem in found if problem is not None]


def _override_problem(name: str, value: object, level: Source) -> Problem | None:
    setting = SETTINGS.get(name)
    if setting is None:
        return Problem(name, f"{name} is no setting")
    if level not in setting.scale.levels:
        return Problem(name, f"{name} belongs to the organization, not to one {level}")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or (setting.whole and value % 1 != 0):
        return Problem(name, f"{name} must be a {'whole ' if setting.whole else ''}number")
    unit, minimum, maximum, _ = setting.scale
    if not minimum <= value <= maximum:
        return Problem(name, f"{name} must lie between {minimum:g} and {maximum:g} {unit}")
    return None


def problems(limits: Limits) -> list[Problem]:
    """Return the contradictions between settings once they are merged; an empty list means that they fit together."""
    v = limits
    rules: tuple[tuple[bool, str, str], ...] = (
        (v.low < v.high, "low", f"low ({v.low:g} °C) must be below high ({v.high:g} °C)"),
        (
            v.low + v.hysteresis <= v.high - v.hysteresis,
            "hysteresis",
            f"a hysteresis of {v.hysteresis:g} K leaves nothing inside {v.low:g} to {v.high:g} °C",
        ),
        (
            v.critical_high is None or v.critical_high >= v.high,
            "critical_high",
            f"critical_high must not be below high ({v.high:g} °C)",
        ),
        (
            v.critical_low is None or v.critical_low <= v.low,
            "critical_low",
            f"critical_low must not be above low ({v.low:g} °C)",
        ),
        (
            v.late_missed <= v.interrupted_missed,
            "late_missed",
            f"late_missed must not exceed interrupted_missed ({v.interrupted_missed})",
        ),
        (
            v.door_warning_seconds <= v.door_critical_seconds,
            "door_warning_seconds",
            f"door_warning_seconds must not exceed door_critical_seconds ({v.door_critical_seconds} s)",
        ),
        (
            v.battery_critical_percent <= v.battery_low_percent <= v.battery_clear_percent,
            "battery_low_percent",
            "the battery's percentages must grow from critical over low to clear",
        ),
    )
    return [Problem(name, message) for holds, name, message in rules if not holds]
