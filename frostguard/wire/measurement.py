"""What a payload becomes, and the rules of values that every kind of payload shares.

A value outside what is physically possible never costs the whole reading: an impossible temperature becomes a fault,
an impossible battery or signal is dropped and counted. A value of the wrong *type* refuses its reading.
"""

from datetime import datetime
from typing import NamedTuple

from frostguard.wire.reasons import Fault

MAX_PAYLOAD = 64 * 1024  # bytes, looked at before parsing
MAX_READINGS = 1000  # in one message
MAX_SEQ = 2**63 - 1

COLDEST, HOTTEST = -100.0, 150.0  # °C: beyond it nothing is a temperature
NO_PROBE_CELSIUS = 327.67  # 0x7FFF hundredths: what Dragino sensors send without a probe
# Capacitive sensors overshoot when water condenses on them; up to here it means dry or wet, beyond it is a fault.
HUMIDITY_SLACK = 5.0
MAX_VOLTS = 10.0
WEAKEST_RSSI = -150  # dBm
MAX_SNR = 50.0  # dB, either sign


class Measurement(NamedTuple):
    """One reading as sent: `sensor` by its name, not yet looked up. None means "not measured", seq 0 "not numbered".

    °C, %RH, volts, percent, dBm, dB. `at` is aware, None when the message names no time. `fault` says why a value is
    no measurement; the other values still count.
    """

    sensor: str
    at: datetime | None = None
    temperature: float | None = None
    humidity: float | None = None
    door_open: bool | None = None
    battery_volts: float | None = None
    battery_percent: int | None = None
    rssi: int | None = None
    snr: float | None = None
    seq: int = 0
    fault: str | None = None


class Rejected(NamedTuple):
    """One reading that cannot be used. `payload` holds it alone (at most MAX_PAYLOAD bytes), fit to be sent again.

    `seq` is its number where that much could be read, else 0.
    """

    reason: str
    detail: str
    payload: bytes
    seq: int = 0


class Packet(NamedTuple):
    """One decoded message: every reading in it is in one of the two lists.

    `unknown_fields` counts what was ignored: fields outside the contract and values dropped as impossible.
    """

    readings: list[Measurement]
    rejected: list[Rejected]
    boot: str | None = None
    unknown_fields: int = 0


def judge_temperature(celsius: float) -> tuple[float | None, Fault | None]:
    """Return the temperature, or the fault that it is."""
    if COLDEST <= celsius <= HOTTEST:
        return celsius, None
    return None, Fault.NO_PROBE if celsius == NO_PROBE_CELSIUS else Fault.OUT_OF_RANGE


def judge_humidity(percent: float) -> tuple[float | None, Fault | None]:
    """Return the humidity, a slight overshoot brought back to 0 or 100, or the fault that it is."""
    if -HUMIDITY_SLACK <= percent <= 100 + HUMIDITY_SLACK:
        return min(max(percent, 0.0), 100.0), None
    return None, Fault.HUMIDITY_OUT_OF_RANGE


def within(value: float | None, low: float, high: float) -> float | None:
    """Return the value, or None when it is impossible."""
    return value if value is not None and low <= value <= high else None
