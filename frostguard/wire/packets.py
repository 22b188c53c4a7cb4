"""Payloads to packets and back: what one message says, reading by reading.

Nothing but PacketError leaves `decode`, whatever the bytes are; one bad reading never costs its neighbours.
"""

from collections.abc import Iterable
from typing import Any

import orjson

from frostguard.errors import PacketError
from frostguard.wire.examine import examine, reject
from frostguard.wire.instants import format_at
from frostguard.wire.lorawan import decode_chirpstack, decode_tts
from frostguard.wire.measurement import MAX_PAYLOAD, MAX_READINGS, Measurement, Packet, Rejected
from frostguard.wire.reasons import Reason
from frostguard.wire.topics import TopicKind
from frostguard.wire.usual import usual
from frostguard.wire.watermarks import (
    Status,
    decode_committed,
    decode_status,
    encode_committed,
    encode_status,
    is_boot,
)

__all__ = [
    "MAX_PAYLOAD",
    "MAX_READINGS",
    "Measurement",
    "Packet",
    "Rejected",
    "Status",
    "decode",
    "decode_committed",
    "decode_status",
    "encode",
    "encode_committed",
    "encode_status",
]


_READINGS = TopicKind.READINGS  # looking a member up in its enumeration costs as much as five comparisons


def decode(kind: TopicKind, payload: bytes) -> Packet:
    """Return the readings of a message, good and bad; raises PacketError for a message that cannot be used at all."""
    if len(payload) > MAX_PAYLOAD:
        raise PacketError(Reason.TOO_LARGE, f"{len(payload)} bytes, at most {MAX_PAYLOAD} are allowed")
    if kind is _READINGS and (packet := usual(payload)) is not None:
        return packet
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise PacketError(Reason.NOT_JSON, "the payload is not JSON in UTF-8") from None
    if document.__class__ is not dict:
        raise PacketError(Reason.BAD_SHAPE, "the payload is not a JSON object")
    if kind is TopicKind.READINGS:
        return _decode_native(document)
    if kind is TopicKind.TTS:
        return decode_tts(document, payload)
    if kind is TopicKind.CHIRPSTACK:
        return decode_chirpstack(document, payload)
    raise PacketError(Reason.NOT_READINGS, f"a {kind.value} topic carries no readings")


def _decode_native(document: dict[str, Any]) -> Packet:
    boot = document.pop("boot", None)
    if boot is not None and not is_boot(boot):
        raise PacketError(Reason.BAD_BOOT, "boot is not a string of 1 to 64 printable characters")
    items, unknown = _items(document)
    readings: list[Measurement] = []
    rejected: list[Rejected] = []
    for raw in items:
        try:
            reading, ignored = examine(raw)
        except PacketError as error:
            rejected.append(reject(error, raw, boot))
            continue
        readings.append(reading)
        unknown += ignored
    return Packet(readings, rejected, boot, unknown)


def _items(document: dict[str, Any]) -> tuple[list[Any], int]:
    """Return the raw readings, and how many fields beside them are unknown."""
    if "readings" not in document:
        if "sensor" not in document:
            raise PacketError(Reason.NO_READINGS, "neither readings nor a sensor is named")
        return [document], 0
    items = document["readings"]
    if items.__class__ is not list:
        raise PacketError(Reason.BAD_SHAPE, "readings is not a list")
    if not items:
        raise PacketError(Reason.NO_READINGS, "the list of readings is empty")
    if len(items) > MAX_READINGS:
        raise PacketError(Reason.TOO_MANY_READINGS, f"{len(items)} readings, at most {MAX_READINGS} are allowed")
    return items, len(document) - 1


def encode(readings: Iterable[Measurement], boot: str | None = None) -> bytes:
    """Return the native payload of these readings: what is None is left out, times are UTC; nothing is lost.

    Raises ValueError for a time without a zone. The limits of a message are the caller's to keep.
    """
    document: dict[str, object] = {"readings": [_raw(reading) for reading in readings]}
    if boot is not None:
        document["boot"] = boot
    return orjson.dumps(document)


def _raw(reading: Measurement) -> dict[str, object]:
    raw = {
        "sensor": reading.sensor,
        "at": None if reading.at is None else format_at(reading.at),
        "temperature": reading.temperature,
        "humidity": reading.humidity,
        "doorOpen": reading.door_open,
        "battery": reading.battery_volts,
        "batteryPercent": reading.battery_percent,
        "rssi": reading.rssi,
        "snr": reading.snr,
        "seq": reading.seq or None,
        "fault": reading.fault,
    }
    return {field: value for field, value in raw.items() if value is not None}
