"""How often one address may do something: token buckets in the memory of this process, bounded."""

import time

MAX_ADDRESSES = 20_000


class Throttle:
    """Buckets that hold `per_minute` requests and fill up again within a minute."""

    def __init__(self, per_minute: float) -> None:
        self._size = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}

    def _level(self, address: str, now: float) -> float:
        level, at = self._buckets.get(address, (self._size, now))
        return min(self._size, level + (now - at) * self._size / 60)

    def wait(self, address: str) -> float:
        """Return the seconds until this address may try (0: now). Takes nothing."""
        level = self._level(address, time.monotonic())
        return 0.0 if level >= 1 else (1 - level) * 60 / self._size

    def take(self, address: str) -> float:
        """Take one from the address's bucket if there is one. Returns the seconds to wait: 0 if it was taken."""
        now = time.monotonic()
        level = self._level(address, now)
        if level < 1:
            return (1 - level) * 60 / self._size
        self._buckets.pop(address, None)
        if len(self._buckets) >= MAX_ADDRESSES:  # the one that was not seen for the longest time is full again
            self._buckets.pop(next(iter(self._buckets)))
        self._buckets[address] = (level - 1, now)
        return 0.0
