"""Compare the simulator's ledgers with the tables: what was lost, invented, stored twice or changed."""

import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from firmware_sim import ledger

STORED = """
select s.serial, r.recorded_at, r.seq, r.temperature, r.humidity, r.door_open, r.battery_volts, r.battery_percent,
       r.rssi, r.snr
  from sensor_readings r join sensors s on s.id = r.sensor_id
union all
select s.serial, h.recorded_at, h.seq, h.temperature, h.humidity, h.door_open, h.battery_volts, h.battery_percent,
       h.rssi, h.snr
  from held_readings h join sensors s on s.id = h.sensor_id
"""


@dataclass(frozen=True)
class Verdict:
    """`lost_acknowledged`: the broker had promised it; `lost_committed`: we had. From there on all must be 0."""

    sent: int
    acknowledged: int
    committed: int
    stored: int
    lost_acknowledged: int
    lost_committed: int
    phantom: int
    double: int
    changed: int

    @property
    def faults(self) -> dict[str, int]:
        """What is not as it must be."""
        bad = ("lost_acknowledged", "lost_committed", "phantom", "double", "changed")
        return {name: count for name, count in asdict(self).items() if name in bad and count}


def single(value: float | None) -> float | None:
    """The value as a column of type real keeps it."""
    return None if value is None else struct.unpack("f", struct.pack("f", value))[0]


def verify(database: str, ledgers: Iterable[Path]) -> Verdict:
    """Read every ledger and both tables; judge bit for bit."""
    sent, acknowledged, committed = {}, set(), set()
    for path in ledgers:
        for entry in ledger.read(path):
            key = (entry.sensor, entry.at, entry.seq)
            sent[key] = entry
            if entry.acknowledged:
                acknowledged.add(key)
            if entry.committed and not entry.dropped:
                committed.add(key)
    stored: Counter[tuple] = Counter()
    changed = 0
    with psycopg.connect(database) as connection, connection.cursor(name="stored") as cursor:
        cursor.itersize = 20_000
        for row in cursor.execute(STORED):
            key = row[:3]
            stored[key] += 1
            entry = sent.get(key)
            changed += entry is not None and not _same(entry, row)
    return Verdict(
        sent=len(sent),
        acknowledged=len(acknowledged),
        committed=len(committed),
        stored=len(stored),
        lost_acknowledged=sum(key not in stored for key in acknowledged),
        lost_committed=sum(key not in stored for key in committed),
        phantom=sum(key not in sent for key in stored),
        double=sum(count - 1 for count in stored.values()),
        changed=changed,
    )


def _same(entry: ledger.Entry, row: tuple) -> bool:
    temperature, humidity, door, volts, percent, rssi, snr = row[3:]
    return (
        temperature == entry.temperature
        and single(humidity) == single(entry.humidity)
        and door == entry.door_open
        and single(volts) == single(entry.battery_volts)
        and (percent == entry.battery_percent or entry.battery_percent is None)
        and rssi == entry.rssi
        and single(snr) == single(entry.snr)
    )
