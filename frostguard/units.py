"""The rules of each unit, put together from the levels of its settings and from its sensors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import orjson

from frostguard.domain.limits import Limits, UnitType, resolve
from frostguard.domain.rules import Rules, SensorRules
from frostguard.store.alerts import Subject
from frostguard.store.connection import Record

DOOR_KINDS = frozenset({"door", "contact"})


@dataclass(slots=True, frozen=True, eq=False)
class Unit:
    """One unit: whose it is and where, the rules in force, and the gateway that its driving sensor speaks through."""

    subject: Subject
    rules: Rules
    gateway_id: UUID | None


@lru_cache(maxsize=4096)
def limits_of(unit_type: str, levels: tuple[str, str, str], own_range: tuple[float | None, float | None]) -> Limits:
    """Return the limits in force, from the levels' settings as JSON and the unit's own low and high.

    Equal levels share one value, so that a hundred thousand units do not hold as many.
    """
    unit, site, organization = levels
    given = {name: value for name, value in zip(("low", "high"), own_range, strict=True) if value is not None}
    own = orjson.loads(unit) | given
    return resolve(UnitType(unit_type), own, orjson.loads(site), orjson.loads(organization)).limits


def organization_limits(settings: str) -> Limits:
    """Return the limits that hold for gateways and for the organization itself."""
    return limits_of("fridge", ("{}", "{}", settings), (None, None))


def build_units(units: Iterable[Record], sensors: Iterable[Record], known: Mapping[UUID, Unit]) -> dict[UUID, Unit]:
    """Return the units by id. A unit whose rules are as before keeps its Rules: the machines notice new ones."""
    of_unit: dict[UUID, list[Record]] = {}
    for sensor in sensors:
        if sensor["unit_id"] is not None:
            of_unit.setdefault(sensor["unit_id"], []).append(sensor)
    built = {}
    for row in units:
        unit = _unit(row, of_unit.get(row["id"], []))
        before = known.get(row["id"])
        if before is not None and _same(before.rules, unit.rules):
            unit = Unit(unit.subject, before.rules, unit.gateway_id)
        built[row["id"]] = unit
    return built


def _unit(row: Record, sensors: list[Record]) -> Unit:
    levels = (row["unit"], row["site"], row["organization"])
    limits = limits_of(row["unit_type"], levels, (row["temp_min"], row["temp_max"]))
    primary = next((s for s in sensors if s["is_primary"]), None)
    rules = Rules(
        limits=limits,
        primary=primary["id"] if primary is not None else None,
        sensors={s["id"]: _sensor(s) for s in sensors},
        since=_since(row["since"], sensors),
    )
    driving = primary or next((s for s in sensors if s["kind"] not in DOOR_KINDS), None)
    subject = Subject(row["organization_id"], row["id"], row["id"], row["site_id"], row["area_id"])
    return Unit(subject, rules, driving["gateway_id"] if driving is not None else None)


def _since(changed: datetime, sensors: list[Record]) -> datetime | None:
    """Rules hold from the last change of a level or of a sensor; a new sensor begins with its own assignment."""
    return max(changed, *[s["updated_at"] for s in sensors]) if sensors else None


def _sensor(row: Record) -> SensorRules:
    return SensorRules(
        interval_seconds=row["report_interval_seconds"],
        assigned_at=row["assigned_at"],
        measures_temperature=row["kind"] not in DOOR_KINDS,
        battery_chemistry=row["battery_chemistry"],
        range_low=row["range_low"],
        range_high=row["range_high"],
        calibration_due_at=row["calibration_due_at"],
    )


def _same(before: Rules, after: Rules) -> bool:
    """Whether nothing that the machines look at has changed (a rename has not)."""
    return (before.limits, before.primary, before.sensors) == (after.limits, after.primary, after.sensors)
