"""Uplinks of LoRaWAN networks, The Things Stack v3 and ChirpStack v4, to packets of one reading.

The network's own times and counters are used: `recorded_at` is when the network received the uplink, `seq` its frame
counter, which tells two uplinks of one instant apart; a packet without `boot` feeds no watermark.
"""

from typing import Any, NamedTuple

from frostguard.errors import PacketError
from frostguard.wire.decoded import Quantities, quantities
from frostguard.wire.examine import whole
from frostguard.wire.instants import parse_at
from frostguard.wire.measurement import MAX_SEQ, MAX_SNR, WEAKEST_RSSI, Measurement, Packet, Rejected, within
from frostguard.wire.reasons import Fault, Reason
from frostguard.wire.serials import as_eui

# What only an uplink has in ChirpStack's events; the encoder leaves zeros and empty fields out, so any one will do.
_CHIRPSTACK_UPLINK = frozenset({"fCnt", "fPort", "data", "object", "rxInfo"})


class Uplink(NamedTuple):
    """What the two networks say in common, as sent."""

    eui: object
    at: object
    counter: object
    payload: object  # the sensor's bytes in base64; empty or absent when the uplink carried none
    decoded: object  # what the network's decoder made of them
    radio: object  # one entry for each gateway that heard it


def decode_tts(document: dict[str, Any], payload: bytes) -> Packet:
    """Return the reading of a Things Stack uplink; raises PacketError for joins, acks and the rest."""
    message = document.get("uplink_message")
    if not isinstance(message, dict):
        raise PacketError(Reason.NOT_AN_UPLINK, "the message has no uplink_message")
    uplink = Uplink(
        eui=_object(document.get("end_device_ids")).get("dev_eui"),
        at=message.get("received_at") or document.get("received_at"),
        counter=message.get("f_cnt"),
        payload=message.get("frm_payload"),
        decoded=message.get("decoded_payload"),
        radio=message.get("rx_metadata"),
    )
    return _packet(uplink, payload)


def decode_chirpstack(document: dict[str, Any], payload: bytes) -> Packet:
    """Return the reading of a ChirpStack uplink; raises PacketError for joins, acks, logs and the rest."""
    if "deviceInfo" not in document or _CHIRPSTACK_UPLINK.isdisjoint(document):
        raise PacketError(Reason.NOT_AN_UPLINK, "the event is no uplink of ChirpStack v4")
    uplink = Uplink(
        eui=_object(document["deviceInfo"]).get("devEui"),
        at=document.get("time"),
        counter=document.get("fCnt"),
        payload=document.get("data"),
        decoded=document.get("object"),
        radio=document.get("rxInfo"),
    )
    return _packet(uplink, payload)


def _packet(uplink: Uplink, payload: bytes) -> Packet:
    sensor = as_eui(uplink.eui) if isinstance(uplink.eui, str) else None
    if sensor is None:
        raise PacketError(Reason.BAD_SENSOR, "the device EUI is not 16 hex digits")
    found = _decoded(uplink)
    if found.is_empty():
        detail = "no temperature, humidity, door or battery among the decoded values"
        return Packet([], [Rejected(Reason.NO_MEASUREMENT, detail, payload)], None, found.ignored)
    at = parse_at(uplink.at) if isinstance(uplink.at, str) else None
    rssi, snr, odd = _best_signal(uplink.radio)
    measurement = Measurement(
        sensor,
        at,
        found.temperature,
        found.humidity,
        found.door_open,
        found.volts,
        found.percent,
        rssi,
        snr,
        _counter(uplink.counter),
        found.fault,
    )
    # A time that cannot be read is replaced by ours: late is better than lost.
    return Packet([measurement], [], None, found.ignored + odd + (at is None and uplink.at is not None))


def _decoded(uplink: Uplink) -> Quantities:
    if isinstance(uplink.decoded, dict):
        return quantities(uplink.decoded)
    # Bytes came, and the network made nothing of them: the sensor lives, and what it measures is not known.
    return Quantities(fault=Fault.DECODER_ERROR) if uplink.payload or uplink.decoded else Quantities()


def _best_signal(radio: object) -> tuple[int | None, float | None, int]:
    """Return the best rssi and the best snr of all gateways that heard it, and how many values were impossible."""
    entries = [entry for entry in radio if isinstance(entry, dict)] if isinstance(radio, list) else []
    rssi = [entry["rssi"] for entry in entries if entry.get("rssi") is not None]
    snr = [entry["snr"] for entry in entries if entry.get("snr") is not None]
    strong = [value for value in rssi if _is_number(value) and within(value, WEAKEST_RSSI, 0) is not None]
    clear = [value for value in snr if _is_number(value) and within(value, -MAX_SNR, MAX_SNR) is not None]
    odd = len(rssi) - len(strong) + len(snr) - len(clear)
    return whole(max(strong, default=None)), float(max(clear)) if clear else None, odd


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _counter(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SEQ else 0


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
