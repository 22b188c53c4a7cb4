"""How far each gateway's numbered readings are settled without a gap. Pure bookkeeping: no I/O.

A gateway may forget what its watermark covers, so a watermark never passes a gap: a reading that is missing may still
be on its way. What is settled above the first gap is kept as ranges, and joins the watermark when the gap closes. A
gateway that has dropped readings itself (its buffer was full) says so with the oldest number that it still holds.
"""

from bisect import bisect_left
from collections.abc import Iterable
from uuid import UUID

from frostguard.store.watermarks import KEPT_BOOTS, Watermark

MAX_RANGES = 1000
"""Per boot. Beyond it the lowest gap stays and the highest ranges are forgotten: the gateway sends those again."""

Key = tuple[UUID, str]


class Progress:
    """One boot of one gateway: everything up to `upto` is settled, and the ranges above it."""

    __slots__ = ("firsts", "lasts", "upto")

    def __init__(self, upto: int = 0, beyond: Iterable[int] = ()) -> None:
        pairs = list(beyond)
        self.upto = upto
        self.firsts = pairs[0::2]
        self.lasts = pairs[1::2]

    def copy(self) -> "Progress":
        """Return one that can change without this one."""
        twin = Progress(self.upto)
        twin.firsts, twin.lasts = self.firsts.copy(), self.lasts.copy()
        return twin

    def beyond(self) -> list[int]:
        """Return the ranges as first, last, first, last, ..."""
        return [n for pair in zip(self.firsts, self.lasts, strict=True) for n in pair]

    def settle(self, seq: int) -> None:
        """Number `seq` is stored or dead-lettered."""
        if seq == self.upto + 1:
            self.upto = seq
            if self.firsts and self.firsts[0] == seq + 1:
                self.upto = self.lasts.pop(0)
                del self.firsts[0]
        elif seq > self.upto:
            self._settle_above(seq)

    def _settle_above(self, seq: int) -> None:
        firsts, lasts = self.firsts, self.lasts
        i = bisect_left(lasts, seq)  # the first range that ends at or after seq
        if i < len(firsts) and firsts[i] <= seq:
            return
        touches_left = i > 0 and lasts[i - 1] == seq - 1
        touches_right = i < len(firsts) and firsts[i] == seq + 1
        if touches_left and touches_right:
            lasts[i - 1] = lasts.pop(i)
            del firsts[i]
        elif touches_left:
            lasts[i - 1] = seq
        elif touches_right:
            firsts[i] = seq
        elif len(firsts) < MAX_RANGES:
            firsts.insert(i, seq)
            lasts.insert(i, seq)

    def skip_to(self, oldest: int) -> int:
        """The gateway holds nothing below `oldest` any more. Returns how many numbers will never come."""
        if oldest - 1 <= self.upto:
            return 0
        missing, at = 0, self.upto
        while self.firsts and self.firsts[0] < oldest:
            missing += self.firsts.pop(0) - at - 1
            at = self.lasts.pop(0)
        if at < oldest - 1:
            missing += oldest - 1 - at
            at = oldest - 1
        self.upto = at
        if self.firsts and self.firsts[0] == at + 1:
            self.upto = self.lasts.pop(0)
            del self.firsts[0]
        return missing


class Watermarks:
    """All of them: what is committed, and what an open batch has changed (a copy at the first touch)."""

    def __init__(self, saved: Iterable[Watermark] = ()) -> None:
        self._committed: dict[Key, Progress] = {(w.gateway_id, w.boot): Progress(w.upto, w.beyond) for w in saved}
        self._boots: dict[UUID, list[str]] = {}
        for gateway_id, boot in self._committed:
            self._boots.setdefault(gateway_id, []).append(boot)

    def working_copy(self, key: Key) -> Progress:
        """Return the progress of one boot for a batch to change; it counts once `commit` has taken it."""
        known = self._committed.get(key)
        return known.copy() if known else Progress()

    def commit(self, changed: dict[Key, Progress]) -> None:
        """The batch that made these changes is committed."""
        for key, progress in changed.items():
            self._remember_boot(*key)
            self._committed[key] = progress

    def _remember_boot(self, gateway_id: UUID, boot: str) -> None:
        """Forget the boot that was heard longest ago, which is the one that goes from the table too."""
        boots = self._boots.setdefault(gateway_id, [])
        if boots and boots[-1] == boot:
            return
        if boot in boots:
            boots.remove(boot)
        boots.append(boot)
        if len(boots) > KEPT_BOOTS:
            self._committed.pop((gateway_id, boots.pop(0)), None)

    def is_new(self, key: Key) -> bool:
        """Whether this boot was never committed: its older siblings may have to go from the table."""
        return key not in self._committed
