"""The short way for messages in which nothing is unusual: parsed and checked in one pass of a compiled decoder.

It never refuses anything. Whatever it does not know, down to one unknown field, it leaves to the long way
(`frostguard.wire.examine`), which says what is wrong or what is meant; a property test holds that both agree.
"""

from typing import Annotated, Any

import msgspec
from msgspec.structs import astuple

from frostguard.wire.instants import parse_at
from frostguard.wire.measurement import (
    COLDEST,
    HOTTEST,
    MAX_READINGS,
    MAX_SEQ,
    MAX_SNR,
    MAX_VOLTS,
    WEAKEST_RSSI,
    Measurement,
    Packet,
)
from frostguard.wire.serials import MAX_SERIAL
from frostguard.wire.watermarks import is_boot

_new = tuple.__new__  # a NamedTuple's own constructor costs twice as much
_FIELDS = len(Measurement._fields)


class _Reading(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The fields of Measurement, in its order, as JSON spells them. An optional field may be null."""

    sensor: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SERIAL)]
    at: Any = None  # a moment, once it is parsed
    temperature: Annotated[float, msgspec.Meta(ge=COLDEST, le=HOTTEST)] | None = None
    humidity: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    door_open: bool | None = msgspec.field(default=None, name="doorOpen")
    battery_volts: Annotated[float, msgspec.Meta(ge=0, le=MAX_VOLTS)] | None = msgspec.field(
        default=None, name="battery"
    )
    battery_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = msgspec.field(
        default=None, name="batteryPercent"
    )
    rssi: Annotated[int, msgspec.Meta(ge=WEAKEST_RSSI, le=0)] | None = None
    snr: Annotated[float, msgspec.Meta(ge=-MAX_SNR, le=MAX_SNR)] | None = None
    seq: Annotated[int, msgspec.Meta(ge=1, le=MAX_SEQ)] = 0
    fault: None = None


class _Single(_Reading, gc=False, forbid_unknown_fields=True):
    """A message that is one reading."""

    boot: str | None = None


class _Several(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A message with a list of readings."""

    readings: Annotated[list[_Reading], msgspec.Meta(min_length=1, max_length=MAX_READINGS)]
    boot: str | None = None


_single = msgspec.json.Decoder(_Single).decode
_several = msgspec.json.Decoder(_Several).decode


def usual(payload: bytes) -> Packet | None:
    """Return what the long way would, or None: it must be asked."""
    try:
        if payload.startswith(b'{"readings"') or b'"readings"' in payload:
            several = _several(payload)
            boot, raws = several.boot, several.readings
        else:
            single = _single(payload)
            boot, raws = single.boot, [_Reading(*astuple(single)[:_FIELDS])]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if boot is not None and not is_boot(boot):
        return None
    readings: list[Measurement] = []
    for raw in raws:
        sensor = raw.sensor
        if not sensor.isascii() or (not sensor.isalnum() and (not sensor.isprintable() or sensor.isspace())):
            return None
        if raw.at is not None:
            raw.at = parse_at(raw.at)
            if raw.at is None:
                return None
        if raw.temperature is None and _is_empty(raw):
            return None
        readings.append(_new(Measurement, astuple(raw)))
    return _new(Packet, (readings, [], boot, 0))


def _is_empty(raw: _Reading) -> bool:
    return raw.humidity is None and raw.door_open is None and raw.battery_volts is None and raw.battery_percent is None
