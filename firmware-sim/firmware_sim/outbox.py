"""What a gateway keeps until it may forget: numbered readings, a cursor of what was sent, and a bound.

Rules, as a firmware would follow them:
- every reading gets a number on arrival; a restart begins a new `boot` and counts from 1 again, what was kept stays
  under its old boot and number (so that a repeat is recognised);
- readings go out in order; after a reconnect everything that is still kept goes out again, in order;
- with a watermark a reading is kept until the watermark of its boot covers it; without ("plain") until its PUBACK;
- when the bound is reached the oldest reading is dropped and counted; `oldest` tells the server what will never come.

Inside, each reading has an ordinal that grows over all boots; a boot knows the ordinal of its first reading.
"""

from bisect import bisect_right
from typing import NamedTuple

from frostguard.wire.packets import Measurement


class Batch(NamedTuple):
    """Consecutive readings of one boot, for one message. `start` is the ordinal of the first."""

    boot: str
    start: int
    readings: list[Measurement]

    @property
    def stop(self) -> int:
        """The ordinal after the last."""
        return self.start + len(self.readings)


class Gap(NamedTuple):
    """Readings `first` to `last` of a boot."""

    boot: str
    first: int
    last: int


class Outbox:
    """The buffer of one gateway. Pure: it neither sends nor waits."""

    def __init__(self, boot: str, bound: int, *, watermark: bool = True) -> None:
        self.bound, self.watermark = bound, watermark
        self.dropped = 0
        self._boots = [boot]
        self._bases = [0]  # the ordinal of each boot's first reading
        self._kept: dict[int, Measurement] = {}
        self._acked: set[int] = set()
        self._first = self._cursor = self._end = self._sent = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def boot(self) -> str:
        """The present boot."""
        return self._boots[-1]

    @property
    def waiting(self) -> int:
        """Readings behind the cursor: to be sent, first or again. Drops and releases may make it a little less."""
        return self._end - max(self._cursor, self._first)

    @property
    def unacknowledged(self) -> int:
        """Kept readings without a PUBACK."""
        return len(self._kept) - len(self._acked)

    @property
    def unreleased(self) -> int:
        """Kept readings whose PUBACK came, but no watermark."""
        return len(self._acked)

    @property
    def oldest(self) -> int:
        """The lowest number of the present boot that may still come."""
        return max(self._first, self._bases[-1]) - self._bases[-1] + 1

    def oldest_by_boot(self) -> list[tuple[str, int]]:
        """Each boot that still has something, and the present one last, with its lowest number that may still come."""
        found = []
        for index, (boot, base) in enumerate(zip(self._boots, self._bases, strict=True)):
            if self._first < self._stop_of(index) or index == len(self._boots) - 1:
                found.append((boot, max(self._first, base) - base + 1))
        return found

    def restart(self, boot: str) -> None:
        """The gateway lost power: a new boot; what was kept is in flash and stays."""
        if self._bases[-1] == self._end:
            self._boots[-1] = boot  # the boot before never numbered a reading
        else:
            self._boots.append(boot)
            self._bases.append(self._end)
        self.rewind()

    def add(self, reading: Measurement) -> tuple[Measurement, Gap | None]:
        """Number and keep a reading; also returns what had to be dropped for it."""
        numbered = reading._replace(seq=self._end - self._bases[-1] + 1)
        gap = self._drop_oldest() if len(self._kept) >= self.bound else None
        self._kept[self._end] = numbered
        self._end += 1
        return numbered, gap

    def take(self, limit: int) -> Batch | None:
        """The next readings to send, at most `limit`, and move the cursor behind them."""
        batch = self.peek(max(self._cursor, self._first), limit)
        if batch:
            self._cursor = batch.stop
            self._sent = max(self._sent, batch.stop)
        else:
            self._cursor = self._end
        return batch

    def peek(self, start: int | None = None, limit: int = 1) -> Batch | None:
        """Kept readings from an ordinal on (default: the oldest), without moving the cursor."""
        start = self._first if start is None else start
        while start < self._end and start not in self._kept:
            start += 1
        if start >= self._end:
            return None
        index = bisect_right(self._bases, start) - 1
        stop = min(start + limit, self._stop_of(index))
        readings = []
        for ordinal in range(start, stop):
            reading = self._kept.get(ordinal)
            if reading is None:
                break
            readings.append(reading)
        return Batch(self._boots[index], start, readings)

    def acknowledge(self, batch: Batch) -> int:
        """The broker took the batch (PUBACK). Returns for how many readings that is news; plain mode forgets them."""
        news = [n for n in range(batch.start, batch.stop) if n in self._kept and n not in self._acked]
        if self.watermark:
            self._acked.update(news)
        else:
            for ordinal in news:
                del self._kept[ordinal]
            self._advance()
        return len(news)

    def refuse(self, batch: Batch) -> None:
        """The broker has nobody to give it to (PUBACK 0x10): not delivered, send it again."""
        self._cursor = min(self._cursor, batch.start)

    def release(self, boot: str, upto: int) -> Gap | None:
        """The server has committed everything up to `upto` of `boot`. Returns what is forgotten now.

        A watermark beyond what was ever sent releases only what was sent: nothing is forgotten on a stranger's word.
        """
        if boot not in self._boots:
            return None
        index = self._boots.index(boot)
        base = self._bases[index]
        start = max(base, self._first)
        stop = min(base + upto, self._stop_of(index), self._sent)
        if stop <= start:
            return None
        for ordinal in range(start, stop):
            self._kept.pop(ordinal, None)
            self._acked.discard(ordinal)
        self._advance()
        return Gap(boot, start - base + 1, stop - base)

    def rewind(self) -> None:
        """After a reconnect: everything that is kept goes out again, the oldest first."""
        self._cursor = self._first

    def _stop_of(self, index: int) -> int:
        return self._bases[index + 1] if index + 1 < len(self._bases) else self._end

    def _drop_oldest(self) -> Gap:
        ordinal = self._first
        index = bisect_right(self._bases, ordinal) - 1
        reading = self._kept.pop(ordinal)
        self._acked.discard(ordinal)
        self.dropped += 1
        self._advance()
        return Gap(self._boots[index], reading.seq, reading.seq)

    def _advance(self) -> None:
        while self._first < self._end and self._first not in self._kept:
            self._first += 1
