"""Counters and latencies of a run, in constant memory."""

import math
from dataclasses import dataclass, field

# Buckets grow by 2 %, from 10 µs to about three days: a percentile is right to 1 %.
_SMALLEST, _GROWTH = 1e-5, math.log(1.02)
_BUCKETS = 1200


class Latencies:
    """A histogram of durations in seconds."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.highest = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        bucket = int(math.log(max(seconds, _SMALLEST) / _SMALLEST) / _GROWTH)
        self._counts[min(bucket, _BUCKETS - 1)] += 1
        self.count += 1
        self.highest = max(self.highest, seconds)

    def percentile(self, percent: float) -> float | None:
        """The duration that so many percent do not exceed, in seconds; None when nothing was counted."""
        wanted, seen = self.count * percent / 100, 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(self.highest, _SMALLEST * math.exp((bucket + 1) * _GROWTH))
        return None

    def summary(self) -> dict[str, float | None]:
        """p50, p95, p99 and max in milliseconds."""
        found = {f"p{p}": self.percentile(p) for p in (50, 95, 99)} | {"max": self.highest if self.count else None}
        return {name: None if value is None else round(value * 1000, 2) for name, value in found.items()}


@dataclass(slots=True)
class Tally:
    """What happened in a run. Readings are counted once each, messages every time."""

    readings: int = 0  # made and numbered
    published: int = 0  # sent at least once
    resent: int = 0  # sent again: after a reconnect, a refusal or a silence
    acknowledged: int = 0  # PUBACK
    committed: int = 0  # watermark
    dropped: int = 0  # buffer full, oldest first
    messages: int = 0
    duplicates: int = 0  # messages sent twice on purpose
    late: int = 0
    broken: int = 0
    garbage: int = 0
    undelivered: int = 0  # PUBACK 0x10
    connects: int = 0
    connections_lost: int = 0
    to_ack: Latencies = field(default_factory=Latencies)
    to_commit: Latencies = field(default_factory=Latencies)

    def summary(self) -> dict[str, object]:
        """All of it, ready for JSON; latencies in milliseconds, by reading's first publication."""
        names = [name for name in self.__slots__ if not name.startswith("to_")]
        counts: dict[str, object] = {name: getattr(self, name) for name in names}
        return counts | {
            "publish_to_ack_ms": self.to_ack.summary(),
            "publish_to_commit_ms": self.to_commit.summary(),
        }
