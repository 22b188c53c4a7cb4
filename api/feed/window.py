"""The last minutes of the feed in memory: what every subscriber that is not up to date is served from.

A subscriber that comes back, one that is slow, one whose access is being looked at: none of them has a queue of its
own. Each has a number, and reads on from it here when it can. So memory has one bound, however many they are.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from frostguard.store.feed import Row
from frostguard.wire.feed import (
    EVENTS,
    READINGS,
    UNITS,
    Batch,
    Happened,
    Placed,
    decode_batch,
    decode_events,
    decode_units,
)

ROW_BYTES = 300  # what a row costs beside its body
DECODED = 30_000  # pieces kept as objects, for many who come back at once

_DECODERS: dict[str, Any] = {READINGS: decode_batch, EVENTS: decode_events, UNITS: decode_units}
Decoded = Batch | list[Happened] | list[Placed] | None


class Window:
    """Rows in order, as many as fit. `floor`: everything above it is here; `newest`: up to which id."""

    def __init__(self, size: int) -> None:
        self._most = size
        self._size = 0
        self._rows: list[Row] = []
        self._begin = 0  # rows before it are gone
        self._decoded: OrderedDict[int, Decoded] = OrderedDict()
        self._pieces = 0
        self.floor = 0
        self.newest = 0

    def begin(self, rows: Iterable[Row], position: int) -> None:
        """Hold these rows and nothing else. `position` is the newest id that there is."""
        self._rows, self._begin, self._size = [], 0, 0
        self._decoded.clear()
        self._pieces = 0
        kept = list(rows)
        self.floor = kept[0].first - 1 if kept else position
        self.newest = position
        self.add(kept)

    def add(self, rows: Iterable[Row]) -> None:
        """Take rows that follow; the oldest go when there are too many bytes."""
        for row in rows:
            self._rows.append(row)
            self._size += len(row.body) + ROW_BYTES
            self.newest = max(self.newest, row.last)
        while self._size > self._most and self._begin < len(self._rows):
            row = self._rows[self._begin]
            self._begin += 1
            self._size -= len(row.body) + ROW_BYTES
            self.floor = row.last
        if self._begin > 1000 and self._begin * 2 > len(self._rows):
            del self._rows[: self._begin]
            self._begin = 0

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return self._size

    def covers(self, position: int) -> bool:
        """Whether everything after this id is here, and the id is not from the future."""
        return self.floor <= position <= self.newest

    def after(self, position: int, pieces: int) -> list[Row]:
        """Return the rows with ids above a position: at least one if there is any, then up to so many pieces."""
        at = bisect_right(self._rows, position, lo=self._begin, key=attrgetter("last"))
        end, left = at, pieces
        while end < len(self._rows) and (left > 0 or end == at):
            left -= self._rows[end].last - self._rows[end].first + 1
            end += 1
        return self._rows[at:end]

    def decoded(self, row: Row) -> Decoded:
        """Return what a row says; that of the last rows asked for is kept."""
        key = row.first
        if key in self._decoded:
            return self._decoded[key]
        decoder = _DECODERS.get(row.kind)
        found: Decoded = decoder(row.body) if decoder is not None else None
        self._decoded[key] = found
        self._pieces += row.last - row.first + 1
        while self._pieces > DECODED and len(self._decoded) > 1:
            _, dropped = self._decoded.popitem(last=False)
            self._pieces -= dropped.pieces if isinstance(dropped, Batch) else len(dropped or ("one",))
        return found
