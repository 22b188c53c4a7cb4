"""Who is simulated: gateways with their sensors, read from a JSON file or made up with predictable serials."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson

from firmware_sim.errors import UsageError
from firmware_sim.physics import UNIT_TYPES
from frostguard.errors import TopicError
from frostguard.wire.topics import readings_topic


class Kind(StrEnum):
    """What a sensor measures."""

    TEMPERATURE = "temperature"
    TEMPERATURE_HUMIDITY = "temperature_humidity"
    DOOR = "door"
    COMBO = "combo"  # temperature, humidity and door


@dataclass(frozen=True, slots=True)
class SensorPlan:
    """One sensor. Sensors with the same `unit` key sit in one physical unit."""

    serial: str
    unit_type: str
    kind: Kind
    interval_seconds: float
    unit: str


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """One gateway and the sensors that it hears."""

    organization: str
    id: str
    password: str | None
    sensors: tuple[SensorPlan, ...]


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """All gateways."""

    gateways: tuple[GatewayPlan, ...]

    def sensors(self) -> Iterator[tuple[GatewayPlan, SensorPlan]]:
        """Every sensor with its gateway."""
        return ((gateway, sensor) for gateway in self.gateways for sensor in gateway.sensors)

    def units(self) -> dict[str, list[tuple[GatewayPlan, SensorPlan]]]:
        """The sensors of each physical unit, by its key, in the order of the file."""
        found: dict[str, list[tuple[GatewayPlan, SensorPlan]]] = {}
        for gateway, sensor in self.sensors():
            found.setdefault(sensor.unit, []).append((gateway, sensor))
        return found


def read_fleet(path: Path) -> FleetPlan:
    """Read a fleet file: {"gateways": [{organization, id, password, sensors: [...]}]}. Raises UsageError."""
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read the fleet file {path}: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise UsageError(f"the fleet file {path} is not JSON: {error}") from None
    return parse_fleet(document, str(path))


def parse_fleet(document: Any, source: str) -> FleetPlan:  # noqa: ANN401 - it came out of a file
    """Return the fleet that a document describes. Raises UsageError, which names the place in `source`."""
    if not isinstance(document, dict) or not isinstance(document.get("gateways"), list):
        raise UsageError(f'{source}: a fleet is an object with a list "gateways"')
    gateways = tuple(_gateway(raw, f"{source}: gateways[{i}]") for i, raw in enumerate(document["gateways"]))
    fleet = FleetPlan(gateways)
    _check(fleet, source)
    return fleet


def generate_fleet(organization: str, gateways: int, sensors: int, interval_seconds: float = 60.0) -> FleetPlan:
    """Make up a fleet: gateway n is `gw-{organization}-{n:04d}`, its sensors have the serials `5f00{n:06x}{m:06x}`.

    Each sensor has a unit of its own; types and kinds take turns, so that any part of the fleet is a mixture.
    """
    types, kinds = cycle(UNIT_TYPES), cycle((Kind.TEMPERATURE, Kind.TEMPERATURE_HUMIDITY, Kind.COMBO))
    made = []
    for n in range(1, gateways + 1):
        serials = [f"5f00{n:06x}{m:06x}" for m in range(1, sensors + 1)]
        plans = tuple(SensorPlan(s, next(types), next(kinds), interval_seconds, s) for s in serials)
        made.append(GatewayPlan(organization, f"gw-{organization}-{n:04d}", None, plans))
    fleet = FleetPlan(tuple(made))
    _check(fleet, "the generated fleet")
    return fleet


def write_fleet(fleet: FleetPlan) -> bytes:
    """The JSON of a fleet, as `read_fleet` takes it."""
    return orjson.dumps(fleet, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _gateway(raw: Any, where: str) -> GatewayPlan:  # noqa: ANN401
    if not isinstance(raw, dict) or not isinstance(raw.get("sensors"), list):
        raise UsageError(f'{where}: a gateway is an object with a list "sensors"')
    sensors = tuple(_sensor(s, f"{where}.sensors[{i}]") for i, s in enumerate(raw["sensors"]))
    password = raw.get("password")
    if password is not None and not isinstance(password, str):
        raise UsageError(f"{where}: password must be a string")
    return GatewayPlan(_text(raw, "organization", where), _text(raw, "id", where), password, sensors)


def _sensor(raw: Any, where: str) -> SensorPlan:  # noqa: ANN401
    if not isinstance(raw, dict):
        raise UsageError(f"{where}: a sensor is an object")
    serial = _text(raw, "serial", where)
    unit_type = _text(raw, "unit_type", where)
    if unit_type not in UNIT_TYPES:
        raise UsageError(f"{where}: unit_type {unit_type!r} is none of {', '.join(UNIT_TYPES)}")
    kind = raw.get("kind", Kind.TEMPERATURE)
    if kind not in set(Kind):
        raise UsageError(f"{where}: kind {kind!r} is none of {', '.join(Kind)}")
    interval = raw.get("interval_seconds", 60)
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 1 <= interval <= 86_400:
        raise UsageError(f"{where}: interval_seconds must be a number from 1 to 86400")
    return SensorPlan(serial, unit_type, Kind(kind), float(interval), str(raw.get("unit", serial)))


def _text(raw: dict[str, Any], field: str, where: str) -> str:
    value = raw.get(field)
    if not isinstance(value, str) or not value:
        raise UsageError(f"{where}: {field} must be a string that is not empty")
    return value


def _check(fleet: FleetPlan, source: str) -> None:
    if not any(gateway.sensors for gateway in fleet.gateways):
        raise UsageError(f"{source}: there is no sensor in it")
    seen: set[tuple[str, str]] = set()
    for gateway in fleet.gateways:
        try:
            readings_topic(gateway.organization, gateway.id)
        except TopicError as error:
            raise UsageError(f"{source}: {gateway.organization}/{gateway.id}: {error.detail}") from None
        if (gateway.organization, gateway.id) in seen:
            raise UsageError(f"{source}: gateway {gateway.id} is there twice")
        seen.add((gateway.organization, gateway.id))
    for key, members in fleet.units().items():
        if len({sensor.unit_type for _, sensor in members}) > 1:
            raise UsageError(f"{source}: the sensors of unit {key} name different unit types")
