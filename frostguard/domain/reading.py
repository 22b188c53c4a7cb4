"""The hot row: one measurement of one sensor at one time, as it is stored and as the state machines see it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Reading(NamedTuple):
    """One stored reading. The fields are the columns of `sensor_readings`, in COPY order (a test compares them).

    Temperatures are °C, humidity %RH, battery volts and percent, rssi dBm, snr dB; None means "not measured".
    `recorded_at` is the device's clock, `received_at` ours. `seq` is the gateway's number, 0 where it has none.
    `fault` names why the sensor's value is no measurement (for example `no_probe`); the value itself is then None.
    """

    unit_id: UUID
    recorded_at: datetime
    sensor_id: UUID
    seq: int
    received_at: datetime
    temperature: float | None = None
    humidity: float | None = None
    door_open: bool | None = None
    battery_volts: float | None = None
    battery_percent: int | None = None
    rssi: int | None = None
    snr: float | None = None
    fault: str | None = None
