"""Sums of readings that came after their week was archived: nobody else can sum them any more."""

from datetime import datetime
from uuid import UUID

import numpy as np

from frostguard.archive.rows import EPOCH_2000, NO_FAULT, Array, datetime_of
from frostguard.domain.buckets import Span

MICROSECONDS = 60_000_000

Key = tuple[UUID, datetime, UUID, int]


class Sums:
    """Adds up temperatures in buckets of all spans."""

    def __init__(self) -> None:
        self._found: dict[Key, list[float]] = {}

    def add(self, rows: Array) -> None:
        """Add rows (rows.ROW). A fault is no temperature."""
        rows = rows[~np.isnan(rows["temperature"]) & (rows["fault"] == NO_FAULT)]
        if not len(rows):
            return
        for span in Span:
            width = span * MICROSECONDS
            at = rows["recorded_at"].astype("i8") + EPOCH_2000
            group = np.empty(len(rows), [("unit", "V16"), ("at", ">i8"), ("sensor", "V16")])
            group["unit"], group["at"], group["sensor"] = rows["unit_id"], at - at % width, rows["sensor_id"]
            names, which = np.unique(group.view("S40"), return_inverse=True)
            order = np.argsort(which, kind="stable")
            starts = np.searchsorted(which[order], np.arange(len(names)))
            celsius = rows["temperature"].astype("f8")[order]
            counts = np.diff(np.append(starts, len(rows)))
            totals = np.add.reduceat(celsius, starts)
            lows, highs = np.minimum.reduceat(celsius, starts), np.maximum.reduceat(celsius, starts)
            for n, first in enumerate(starts):
                one = group[order[first]]
                key = (_uuid(one["unit"]), datetime_of(int(one["at"])), _uuid(one["sensor"]), int(span))
                self._merge(key, [float(totals[n]), float(lows[n]), float(highs[n]), float(counts[n])])

    def _merge(self, key: Key, values: list[float]) -> None:
        old = self._found.get(key)
        if old is None:
            self._found[key] = values
        else:
            total, low, high, count = values
            self._found[key] = [old[0] + total, min(old[1], low), max(old[2], high), old[3] + count]

    def rows(self) -> list[tuple[object, ...]]:
        """Return what archives.add_file takes, in an order in which two runs could not block each other."""
        return [(*key, *values[:3], int(values[3])) for key, values in sorted(self._found.items())]


def _uuid(value: np.void) -> UUID:
    return UUID(bytes=value.tobytes())
