"""What decoders of LoRaWAN sensors call things: their field names, and the traps in them.

Names are tried in order, the first usable number counts. °C is assumed (names in °F are not known here). The field
names are those of Dragino, Elsys, Milesight and Netvox decoders and of the earlier system's catalog.
"""

from typing import Any, NamedTuple

from frostguard.wire.examine import whole
from frostguard.wire.measurement import MAX_VOLTS, judge_humidity, judge_temperature, within
from frostguard.wire.reasons import Fault

# A probe on a cable is there to be in the cabinet, while the sensor's body may hang outside: the probe goes first, and
# a probe that is missing is a fault: the body's own temperature must not stand in for it.
PROBE = ("TempC_DS", "ext_temperature_c", "ext_temperature", "external_temperature", "externalTemperature")
TEMPERATURE = ("temperature", "TempC_SHT", "temperature_c", "temp_c", "temp")
HUMIDITY = ("humidity", "Hum_SHT", "humidity_pct", "relative_humidity")
VOLTS = ("battery_voltage", "BatV", "BAT_V", "bat_v", "battery_v", "battery_volt_abs", "batteryVoltage", "vbat")
MILLIVOLTS = ("vdd",)  # Elsys
PERCENT = ("battery_level", "battery", "battery_pct")
DOOR = (
    "door_open",
    "DOOR_OPEN_STATUS",
    "door_status",
    "open_state_abs",
    "doorStatus",
    "door",
    "open_close",
    "contactStatus",
)
# Says whether a probe is configured at all; as a number it is a mode, never a temperature.
PROBE_MODE = ("Ext_sensor", "ext_sensor_type", "Ext")
# Understood and left aside: Bat_status is a level from 0 to 3 and never a percent; openings are counted by others.
ASIDE = (
    "Bat_status",
    "open_count",
    "DOOR_OPEN_TIMES",
    "open_times",
    "door_open_times",
    "LAST_DOOR_OPEN_DURATION",
    "last_door_open_duration",
    "open_duration_s",
    "errors",
    "error",
)
KNOWN = frozenset({*PROBE, *TEMPERATURE, *HUMIDITY, *VOLTS, *MILLIVOLTS, *PERCENT, *DOOR, *PROBE_MODE, *ASIDE})

_NO_PROBE_MODES = frozenset({"0", "none", "null", "no", "no external sensor"})
_OPEN = frozenset({"1", "open", "opened", "true"})
_CLOSED = frozenset({"0", "close", "closed", "false"})


class Quantities(NamedTuple):
    """What a decoder's object says in our terms; `ignored` counts unknown fields and impossible values."""

    temperature: float | None = None
    humidity: float | None = None
    door_open: bool | None = None
    volts: float | None = None
    percent: int | None = None
    fault: str | None = None
    ignored: int = 0

    def is_empty(self) -> bool:
        """Say whether nothing was measured, not even wrongly."""
        return all(value is None for value in self[:6])


class _Found(NamedTuple):
    """The first number under one of the names, and how many values on the way to it were none."""

    number: float | None
    odd: int


def quantities(decoded: dict[str, Any]) -> Quantities:
    """Return what the object of a network's decoder says; nothing in it is trusted once it reports errors."""
    unknown = sum(name not in KNOWN for name in decoded)
    if any(decoded.get(name) and isinstance(decoded[name], list | str) for name in ("errors", "error")):
        return Quantities(fault=Fault.DECODER_ERROR, ignored=unknown)
    temperature, fault = _temperature(decoded)
    moist = _first(decoded, HUMIDITY)
    humidity, damp = (None, None) if moist.number is None else judge_humidity(moist.number)
    door_open, odd_doors = _door(decoded)
    volts, odd_volts = _volts(decoded)
    level = _first(decoded, PERCENT)
    percent = whole(within(level.number, 0, 100))
    odd = moist.odd + odd_doors + odd_volts + level.odd + (percent is None and level.number is not None)
    return Quantities(temperature, humidity, door_open, volts, percent, fault or damp, unknown + odd)


def _temperature(decoded: dict[str, Any]) -> tuple[float | None, Fault | None]:
    """Return the temperature that watches the cabinet; what is there and is no number is a decoder's mistake."""
    for names in (TEMPERATURE,) if _has_no_probe(decoded) else (PROBE, TEMPERATURE):
        found = _first(decoded, names)
        if found.number is not None:
            return judge_temperature(found.number)
        if found.odd:
            return None, Fault.DECODER_ERROR
    return None, None


def _has_no_probe(decoded: dict[str, Any]) -> bool:
    modes = [decoded[name] for name in PROBE_MODE if name in decoded]
    return any(str(mode).casefold() in _NO_PROBE_MODES for mode in modes if isinstance(mode, int | float | str))


def _first(decoded: dict[str, Any], names: tuple[str, ...]) -> _Found:
    odd = 0
    for name in names:
        value = decoded.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _Found(float(value), odd)
        odd += value is not None
    return _Found(None, odd)


def _door(decoded: dict[str, Any]) -> tuple[bool | None, int]:
    odd = 0
    for name in DOOR:
        value = decoded.get(name)
        if value is None:
            continue
        state = _state(value)
        if state is not None:
            return state, odd
        odd += 1
    return None, odd


def _state(value: object) -> bool | None:
    if isinstance(value, str):
        word = value.strip().casefold()
        return True if word in _OPEN else False if word in _CLOSED else None
    if isinstance(value, int | float) and value in (0, 1):  # and false, and true
        return value == 1
    return None


def _volts(decoded: dict[str, Any]) -> tuple[float | None, int]:
    found = _first(decoded, VOLTS)
    volts, odd = found
    if volts is None:
        milli = _first(decoded, MILLIVOLTS)
        volts, odd = None if milli.number is None else milli.number / 1000, odd + milli.odd
    kept = within(volts, 0, MAX_VOLTS)
    return kept, odd + (kept is None and volts is not None)
