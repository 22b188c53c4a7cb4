"""The rules of one native reading, told slowly: what is wrong with it, or what it says.

Messages in which nothing is unusual go a shorter way (`frostguard.wire.usual`), and every other one comes here; a
property test holds that both ways agree.
"""

import re
from datetime import datetime

import orjson

from frostguard.errors import PacketError
from frostguard.wire.instants import parse_at
from frostguard.wire.measurement import (
    MAX_PAYLOAD,
    MAX_SEQ,
    MAX_SNR,
    MAX_VOLTS,
    WEAKEST_RSSI,
    Measurement,
    Rejected,
    judge_humidity,
    judge_temperature,
    within,
)
from frostguard.wire.reasons import Reason
from frostguard.wire.serials import normalise_serial

FIELDS = frozenset(
    {
        "sensor",
        "at",
        "temperature",
        "humidity",
        "doorOpen",
        "battery",
        "batteryPercent",
        "rssi",
        "snr",
        "seq",
        "fault",
    }
)

_is_fault = re.compile(r"[a-z][a-z0-9_]{0,49}").fullmatch
_TYPES = {
    bool: "a boolean",
    str: "a string",
    int: "a whole number",
    float: "a number",
    dict: "an object",
    list: "a list",
}
# Longer than any good value, so that clipping never turns a bad one into a good one.
_CLIP = 256


def name_type(value: object) -> str:
    """Return how JSON calls the type of a value: the only thing that a detail tells about what was sent."""
    return _TYPES.get(type(value), "null")


def examine(raw: object) -> tuple[Measurement, int]:
    """Return the reading, and how many of its fields were ignored; raises PacketError with the reason against it."""
    if not isinstance(raw, dict):
        raise PacketError(Reason.BAD_READING, f"a reading is an object, not {name_type(raw)}")
    sensor = _sensor(raw.get("sensor"))
    at = _at(raw.get("at"))
    temperature, humidity, fault = _climate(raw)
    door_open = _door(raw.get("doorOpen"))
    volts = _number(raw, "battery", Reason.BAD_BATTERY)
    percent = _number(raw, "batteryPercent", Reason.BAD_BATTERY_PERCENT)
    rssi = _number(raw, "rssi", Reason.BAD_RSSI)
    snr = _number(raw, "snr", Reason.BAD_SNR)
    seq = _seq(raw.get("seq"))
    sent = (volts, percent, rssi, snr)
    kept = (
        within(volts, 0, MAX_VOLTS),
        within(percent, 0, 100),
        within(rssi, WEAKEST_RSSI, 0),
        within(snr, -MAX_SNR, MAX_SNR),
    )
    volts, percent, rssi, snr = kept
    if all(value is None for value in (temperature, humidity, door_open, volts, percent, fault)):
        raise PacketError(Reason.NO_MEASUREMENT, "no temperature, humidity, doorOpen, battery, batteryPercent or fault")
    dropped = kept.count(None) - sent.count(None)
    measurement = Measurement(
        sensor, at, temperature, humidity, door_open, volts, whole(percent), whole(rssi), snr, seq, fault
    )
    return measurement, dropped + count_unknown(raw)


def count_unknown(raw: dict[str, object]) -> int:
    """Return how many fields of a reading are not in the contract."""
    return sum(field not in FIELDS for field in raw)


def whole(value: float | None) -> int | None:
    """Return the nearest whole number: some encoders know only floats."""
    return None if value is None else round(value)


def _sensor(value: object) -> str:
    if not isinstance(value, str):
        raise PacketError(Reason.BAD_SENSOR, f"sensor is {name_type(value)}, not a string")
    normalise_serial(value)
    return value


def _at(value: object) -> datetime | None:
    if value is None:
        return None
    at = parse_at(value)
    if at is None:
        raise PacketError(Reason.BAD_TIME, "at is neither RFC 3339 with a zone nor milliseconds since 1970")
    return at


def _climate(raw: dict[str, object]) -> tuple[float | None, float | None, str | None]:
    """Return temperature, humidity and fault; the gateway's own word goes first, the temperature's before the other."""
    temperature = _number(raw, "temperature", Reason.BAD_TEMPERATURE)
    humidity = _number(raw, "humidity", Reason.BAD_HUMIDITY)
    own = raw.get("fault")
    if own is not None and not (isinstance(own, str) and _is_fault(own)):
        raise PacketError(Reason.BAD_FAULT, "fault is not a word of a-z 0-9 _ with at most 50 characters")
    fault: str | None = own
    if temperature is not None:
        temperature, found = judge_temperature(temperature)
        fault = fault or found
    if humidity is not None:
        humidity, found = judge_humidity(humidity)
        fault = fault or found
    return temperature, humidity, fault


def _door(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise PacketError(Reason.BAD_DOOR_OPEN, f"doorOpen is {name_type(value)}, not true or false")


def _number(raw: dict[str, object], field: str, reason: Reason) -> float | None:
    value = raw.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PacketError(reason, f"{field} is {name_type(value)}, not a number")
    return float(value)


def _seq(value: object) -> int:
    if value is None:
        return 0
    seq = readable_seq(value)
    if seq == 0:
        raise PacketError(Reason.BAD_SEQ, f"seq is not a whole number from 1 to {MAX_SEQ}")
    return seq


def readable_seq(value: object) -> int:
    """Return the value if it is a reading's number, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SEQ else 0


def reject(error: PacketError, raw: object, boot: str | None) -> Rejected:
    """Return the dead letter of one reading."""
    seq = readable_seq(raw.get("seq")) if isinstance(raw, dict) else 0
    return Rejected(error.reason, error.detail, _alone(raw, boot), seq)


def _alone(raw: object, boot: str | None) -> bytes:
    """Return a payload that holds this reading only, shortened when it is too deep to encode or grows too long."""
    try:
        payload = _envelope(raw, boot)
    except orjson.JSONEncodeError:  # nested deeper than orjson writes, though not deeper than it reads
        payload = b""
    if 0 < len(payload) <= MAX_PAYLOAD:
        return payload
    known = raw if isinstance(raw, dict) else {}
    short = {field: _shortened(known[field]) for field in known if field in FIELDS}
    return _envelope(short if isinstance(raw, dict) else _shortened(raw), boot)


def _envelope(raw: object, boot: str | None) -> bytes:
    return orjson.dumps({"readings": [raw]} if boot is None else {"readings": [raw], "boot": boot})


def _shortened(value: object) -> object:
    if isinstance(value, str):
        return value[:_CLIP]
    return f"({name_type(value)})" if isinstance(value, dict | list) else value
