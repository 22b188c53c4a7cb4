"""A scenario: a fleet, a length, what happens in it, and hence its ground truth. Read from TOML."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from firmware_sim.errors import UsageError
from firmware_sim.fleet import FleetPlan, generate_fleet, parse_fleet
from firmware_sim.physics import UNIT_TYPES, Fault, FaultKind
from firmware_sim.truth import PRESETS, Limits, Rule, Silence, Truth, find_silences, find_truths

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"

OPTIONS = frozenset({"speedup", "rate", "per_message", "garbage", "duplicates", "broken", "buffer"})
"""Options of the command line that a scenario may preset (`firmware_sim.options.PRESETS`; a test compares)."""

_OUTAGE = "gateway_outage"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens `at` seconds after the beginning, for `seconds`.

    It strikes the `nth` unit of a type (any type when empty), every unit of it when `every`, or the `nth` gateway.
    """

    kind: str
    at: float
    seconds: float
    unit_type: str = ""
    nth: int = 0
    every: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a TOML file says; `fleet` can be exchanged for another (`--fleet`)."""

    name: str
    about: str
    duration: float
    seed: int
    fleet: FleetPlan
    events: tuple[Event, ...]
    limits: dict[str, Limits]
    rule: Rule
    options: dict[str, float]

    def faults(self, fleet: FleetPlan, start: float) -> dict[str, list[Fault]]:
        """The faults of each unit, by its key. Raises UsageError when the fleet lacks the unit that an event names."""
        found: dict[str, list[Fault]] = {}
        for event in self.events:
            if event.kind != _OUTAGE:
                for key in self._struck(event, fleet):
                    found.setdefault(key, []).append(Fault(FaultKind(event.kind), start + event.at, event.seconds))
        return found

    def silences(self, fleet: FleetPlan, start: float) -> list[Silence]:
        """The outages of gateways."""
        outages = [event for event in self.events if event.kind == _OUTAGE]
        if any(event.nth >= len(fleet.gateways) for event in outages):
            raise UsageError(f"scenario {self.name}: the fleet has too few gateways for its outages")
        return [Silence(fleet.gateways[e.nth].id, start + e.at, start + e.at + e.seconds) for e in outages]

    def truths(self, fleet: FleetPlan, seed: int, start: float) -> list[Truth]:
        """Everything that really happens in a run from `start` (epoch seconds)."""
        span, faults = (start, start + self.duration), self.faults(fleet, start)
        found = [*find_truths(fleet, seed, span, faults, limits=self.limits, rule=self.rule)]
        return [*found, *find_silences(fleet, self.silences(fleet, start), self.rule)]

    def _struck(self, event: Event, fleet: FleetPlan) -> list[str]:
        wanted = event.unit_type
        keys = [k for k, members in fleet.units().items() if not wanted or members[0][1].unit_type == wanted]
        if event.every:
            return keys
        if event.nth >= len(keys):
            raise UsageError(f"scenario {self.name}: the fleet has no {wanted or 'unit'} number {event.nth}")
        return [keys[event.nth]]


def list_scenarios() -> list[str]:
    """The names of those that come with the simulator."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_scenario(name: str) -> Scenario:
    """Read one by its name, or by a path. Raises UsageError."""
    path = FOLDER / f"{name}.toml" if name in list_scenarios() else Path(name)
    try:
        document = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise UsageError(f"no scenario {name}: there are {', '.join(list_scenarios())}, or give a file") from None
    except OSError as error:
        raise UsageError(f"cannot read the scenario {name}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the scenario {name} is not TOML: {error}") from None
    try:
        return _scenario(document, path.stem)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"the scenario {name}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)


def _scenario(raw: dict[str, Any], name: str) -> Scenario:
    known = {"about", "duration_seconds", "seed", "generate", "gateways", "events", "limits", "rule", "options"}
    if unknown := raw.keys() - known:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    options = {key: float(value) for key, value in raw.get("options", {}).items()}
    if unknown := options.keys() - OPTIONS:
        raise ValueError(f"not an option of scenarios: {', '.join(sorted(unknown))}")
    return Scenario(
        name,
        str(raw["about"]),
        float(raw["duration_seconds"]),
        int(raw.get("seed", 1)),
        generate_fleet(**raw["generate"]) if "generate" in raw else parse_fleet(raw, name),
        tuple(_event(event) for event in raw.get("events", [])),
        PRESETS | {key: Limits(**value) for key, value in raw.get("limits", {}).items()},
        Rule(**raw.get("rule", {})),
        options,
    )


def _event(raw: dict[str, Any]) -> Event:
    if unknown := raw.keys() - {f.name for f in fields(Event)}:
        raise ValueError(f"unknown in an event: {', '.join(sorted(unknown))}")
    event = Event(**raw)
    if event.kind not in {*FaultKind, _OUTAGE}:
        raise ValueError(f"an event of kind {event.kind!r}: there are {', '.join(FaultKind)}, {_OUTAGE}")
    if event.unit_type and event.unit_type not in UNIT_TYPES:
        raise ValueError(f"an event names the unit type {event.unit_type!r}")
    return event
