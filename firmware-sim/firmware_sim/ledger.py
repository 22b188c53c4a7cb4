"""The ledger: what was published, acknowledged and committed, in a file outside of all that is under test.

The file is append-only; each line is a JSON array whose first element names it. Each run begins with `h` and numbers
its gateways' boots ("streams") and sensors anew. Times `ms` are epoch milliseconds: `at` the device's, the others the
simulator's clock.

    ["h", version, {...}]                                     a run begins (options, seed)
    ["b", stream, organization, gateway, boot]                a stream: one boot of one gateway
    ["s", sensor, serial]                                     a sensor
    ["r", stream, seq, sensor, at, temperature, humidity, door_open, battery_volts, battery_percent, rssi, snr]
    ["p", stream, first, last, ms]                            the broker acknowledged (PUBACK 0x00) this range of seq
    ["n", stream, first, last, ms]                            it did not deliver it (PUBACK 0x10)
    ["w", stream, upto, ms]                                   the watermark covers everything up to here
    ["d", stream, first, last]                                dropped: the gateway's buffer was full
    ["x", kind, organization, gateway, ms]                    a broken payload was planted (a dead letter is due)
    ["z", {...}]                                              the summary of the run that ended

Two ledgers in one: P is every reading that a `p` covers (the broker promised it), W is every reading that a `w` covers
(we promised it, and that promise is never broken); what was dropped is not of W, the watermark passes it. A reading
that was numbered but has no `p` may or may not be stored; it is no phantom. A line that is cut off at the end of the
file (the simulator was killed) is left out.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from frostguard.wire.packets import Measurement

VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SYNC_LINES, _SYNC_SECONDS = 500, 0.25


class Entry(NamedTuple):
    """One numbered reading as it was sent, bit for bit, and its fate."""

    organization: str
    gateway: str
    boot: str
    seq: int
    sensor: str
    at: datetime
    temperature: float | None
    humidity: float | None
    door_open: bool | None
    battery_volts: float | None
    battery_percent: int | None
    rssi: int | None
    snr: float | None
    acknowledged: bool  # ledger P
    committed: bool  # ledger W
    dropped: bool  # overwritten in the gateway's buffer; may still have been sent before


def to_ms(at: datetime) -> int:
    """Epoch milliseconds of an aware time (the ledger's times have no finer part)."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """The time of epoch milliseconds."""
    return _EPOCH + timedelta(milliseconds=ms)


class Ledger:
    """Writes the file; without a path it writes nothing. Lines reach the disk (fsync) some hundred at a time."""

    def __init__(self, path: Path | None, about: dict[str, object] | None = None) -> None:
        self._file: IO[bytes] | None = path.open("ab", buffering=1 << 16) if path else None
        self._streams: dict[tuple[str, str, str], int] = {}
        self._sensors: dict[str, int] = {}
        self._unsynced, self._synced_at = 0, time.monotonic()
        self._line(["h", VERSION, about or {}])

    def stream(self, organization: str, gateway: str, boot: str) -> int:
        """The number of this boot of this gateway."""
        key = (organization, gateway, boot)
        number = self._streams.get(key)
        if number is None:
            number = self._streams[key] = len(self._streams)
            self._line(["b", number, *key])
        return number

    def reading(self, stream: int, m: Measurement) -> None:
        """A numbered reading, before it is sent for the first time."""
        if self._file is None or m.at is None:
            return
        sensor = self._sensors.get(m.sensor)
        if sensor is None:
            sensor = self._sensors[m.sensor] = len(self._sensors)
            self._line(["s", sensor, m.sensor])
        # The fields between `at` and `seq`, in the order of Measurement.
        self._line(["r", stream, m.seq, sensor, to_ms(m.at), *m[2:9]])

    def acknowledged(self, stream: int, first: int, last: int) -> None:
        """PUBACK 0x00 for these."""
        self._line(["p", stream, first, last, _now()])

    def undelivered(self, stream: int, first: int, last: int) -> None:
        """PUBACK 0x10 for these: the broker knew nobody to give them to."""
        self._line(["n", stream, first, last, _now()])

    def committed(self, stream: int, upto: int) -> None:
        """The watermark of the stream."""
        self._line(["w", stream, upto, _now()])

    def dropped(self, stream: int, first: int, last: int) -> None:
        """The buffer was full."""
        self._line(["d", stream, first, last])

    def planted(self, kind: str, organization: str, gateway: str) -> None:
        """A broken payload was acknowledged by the broker."""
        self._line(["x", kind, organization, gateway, _now()])

    def close(self, summary: dict[str, object]) -> None:
        """End the run; everything is on disk afterwards."""
        self._line(["z", summary])
        if self._file is not None:
            self._sync(self._file)
            self._file.close()
            self._file = None

    def sync(self) -> None:
        """Bring what was written to the disk when it is enough or old enough; called between two turns."""
        if self._file is None or not self._unsynced:
            return
        age = time.monotonic() - self._synced_at
        if age > 4 * _SYNC_SECONDS or (self._unsynced >= _SYNC_LINES and age > _SYNC_SECONDS):
            self._sync(self._file)

    def _sync(self, file: IO[bytes]) -> None:
        file.flush()
        os.fsync(file.fileno())
        self._unsynced, self._synced_at = 0, time.monotonic()

    def _line(self, line: list[Any]) -> None:
        if self._file is not None:
            self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            self._unsynced += 1


class _Ranges:
    """A set of whole numbers as ranges; cheap when they come nearly in order."""

    def __init__(self) -> None:
        self._ranges: list[list[int]] = []
        self._settled = True

    def add(self, first: int, last: int) -> None:
        tail = self._ranges[-1] if self._ranges else None
        if tail and tail[0] <= first <= tail[1] + 1:
            tail[1] = max(tail[1], last)
        else:
            self._settled = self._settled and (tail is None or first > tail[1])
            self._ranges.append([first, last])

    def __contains__(self, number: object) -> bool:
        assert isinstance(number, int)
        if not self._settled:
            self._settle()
        low, high = 0, len(self._ranges)
        while low < high:
            middle = (low + high) // 2
            first, last = self._ranges[middle]
            if first <= number <= last:
                return True
            if number < first:
                high = middle
            else:
                low = middle + 1
        return False

    def _settle(self) -> None:
        pieces, self._ranges, self._settled = sorted(self._ranges), [], True
        for first, last in pieces:
            self.add(first, last)


class _Fate:
    """What happened to the readings of one stream of one run."""

    def __init__(self) -> None:
        self.acknowledged, self.dropped, self.upto = _Ranges(), _Ranges(), 0


def _lines(path: Path) -> Iterator[tuple[int, list[Any]]]:
    """Each whole line with the number of its run."""
    run = 0
    with path.open("rb") as file:
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            line = orjson.loads(raw)
            run += line[0] == "h"
            yield run, line


def read(path: Path) -> Iterator[Entry]:
    """Every numbered reading of all runs in the file, in the order of their making, with its fate.

    Reads the file twice: first the fates (ranges, not sets), then the readings. Raises OSError, and orjson's
    JSONDecodeError for a line in the middle that is no JSON.
    """
    fates = _fates(path)
    streams: dict[tuple[int, int], tuple[str, str, str]] = {}
    sensors: dict[tuple[int, int], str] = {}
    for run, line in _lines(path):
        match line:
            case ["b", number, organization, gateway, boot]:
                streams[run, number] = (organization, gateway, boot)
            case ["s", number, serial]:
                sensors[run, number] = serial
            case ["r", stream, seq, sensor, at, *values]:
                fate = fates[run, stream]
                lost = seq in fate.dropped
                seen = (seq in fate.acknowledged, seq <= fate.upto and not lost, lost)
                yield Entry._make((*streams[run, stream], seq, sensors[run, sensor], from_ms(at), *values, *seen))


def _fates(path: Path) -> dict[tuple[int, int], _Fate]:
    fates: dict[tuple[int, int], _Fate] = {}
    for run, line in _lines(path):
        match line:
            case ["b", number, *_]:
                fates[run, number] = _Fate()
            case ["p", stream, first, last, _]:
                fates[run, stream].acknowledged.add(first, last)
            case ["d", stream, first, last]:
                fates[run, stream].dropped.add(first, last)
            case ["w", stream, upto, _]:
                fates[run, stream].upto = max(fates[run, stream].upto, upto)
    return fates


def read_planted(path: Path) -> Counter[str]:
    """How many broken payloads of each kind the broker took: as many dead letters are due."""
    return Counter(line[1] for _, line in _lines(path) if line[0] == "x")


def _now() -> int:
    return time.time_ns() // 1_000_000
