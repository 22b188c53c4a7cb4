"""Batteries: low at or below 20 %, critical at or below 10 %, cleared above 25 %; and what volts mean in percent."""

import functools
import itertools
from collections.abc import Sequence

from frostguard.domain.limits import Limits

# Pack volts as reported and percent, highest first; between two points the charge is linear.
CURVES: dict[str, Sequence[tuple[float, int]]] = {
    "li-mno2": ((3.00, 100), (2.95, 80), (2.85, 50), (2.75, 20), (2.60, 5), (2.50, 0)),
    "lifes2": ((3.60, 100), (3.20, 80), (2.80, 50), (2.40, 20), (2.00, 5), (1.80, 0)),
    "alkaline": ((3.20, 100), (2.80, 70), (2.40, 40), (2.00, 15), (1.80, 5), (1.60, 0)),
    "cr2032": ((3.00, 100), (2.90, 80), (2.70, 50), (2.50, 20), (2.30, 5), (2.20, 0)),
    "li-socl2": ((3.65, 100), (3.60, 90), (3.50, 70), (3.40, 50), (3.30, 30), (3.20, 15), (3.00, 5), (2.50, 0)),
    "cr123a": ((3.30, 100), (3.20, 90), (3.00, 70), (2.90, 50), (2.80, 30), (2.70, 15), (2.50, 5), (2.00, 0)),
}
ALIASES = {
    "cr17450": "li-mno2",
    "lifes2_aa": "lifes2",
    "li-fes2": "lifes2",
    "lithium": "lifes2",
    "li": "lifes2",
    "alkaline_aa": "alkaline",
    "er14505": "li-socl2",
}


def percent_of(volts: float, chemistry: str | None) -> int | None:
    """Return the charge that a voltage means for a chemistry; None for one that is not known: no guess."""
    name = (chemistry or "").lower()
    curve = CURVES.get(ALIASES.get(name, name))
    if curve is None:
        return None
    if volts >= curve[0][0]:
        return 100
    for (upper, more), (lower, less) in itertools.pairwise(curve):
        if volts >= lower:
            return round(less + (more - less) * (volts - lower) / (upper - lower))
    return 0


@functools.lru_cache(maxsize=1024)
def volts_of(percent: int, chemistry: str | None) -> float | None:
    """Return the lowest voltage, in steps of 1 mV, that means at least this charge; None as above."""
    if percent_of(0.0, chemistry) is None:
        return None
    return next((mv / 1000 for mv in range(10_000) if (percent_of(mv / 1000, chemistry) or 0) >= percent), None)


def battery_level(before: int, percent: int, limits: Limits) -> int:
    """Return 0 fine, 1 low or 2 critical. Only a charge above the clear level makes it better."""
    if percent <= limits.battery_critical_percent:
        return 2
    if percent <= limits.battery_low_percent:
        return max(before, 1)
    return 0 if percent > limits.battery_clear_percent else before
