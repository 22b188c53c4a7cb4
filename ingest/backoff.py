"""How long to wait before something is tried again: quickly at first, then seldom, and never all at the same moment."""

import random
import time
from collections.abc import Callable

FIRST_SECONDS = 0.2
STEADY_SECONDS = 10.0
"""What lasted so long has worked. What ends sooner is one more failure: who accepts and drops is not asked at once."""


class Backoff:
    """Bounds that double from FIRST_SECONDS up to `longest`; a pause is between the half and the whole of its bound.

    The half that is certain keeps attempts apart (with 30 s, at most four a minute follow), the other half spreads
    those of many processes. `clock` gives seconds that only grow, `chance` a number in [0, 1).
    """

    def __init__(
        self,
        longest: float,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._longest = longest
        self._clock = clock
        self._chance = chance
        self._bound = FIRST_SECONDS
        self._began: float | None = None

    def began(self) -> None:
        """Note that an attempt has led to something, which must now last."""
        self._began = self._clock()

    def pause(self) -> float:
        """Return the seconds to wait now that it has ended, or has not begun at all."""
        if self._began is not None and self._clock() - self._began >= STEADY_SECONDS:
            self._bound = FIRST_SECONDS
        self._began = None
        bound = min(self._bound, self._longest)
        self._bound = min(2 * bound, self._longest)
        return bound * (1 + self._chance()) / 2
