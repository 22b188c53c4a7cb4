"""Battery voltage to percent, by the discharge curve of its chemistry."""

from bisect import bisect_left
from math import isfinite

# Pack volts as the sensors report them (two cells in series for the AA packs), rising, and percent left.
CHEMISTRIES: dict[str, tuple[tuple[float, int], ...]] = {
    "CR17450": ((2.50, 0), (2.60, 5), (2.75, 20), (2.85, 50), (2.95, 80), (3.00, 100)),
    "LiFeS2_AA": ((1.80, 0), (2.00, 5), (2.40, 20), (2.80, 50), (3.20, 80), (3.60, 100)),
    "Alkaline_AA": ((1.60, 0), (1.80, 5), (2.00, 15), (2.40, 40), (2.80, 70), (3.20, 100)),
    "CR2032": ((2.20, 0), (2.30, 5), (2.50, 20), (2.70, 50), (2.90, 80), (3.00, 100)),
    "ER14505": ((2.50, 0), (3.00, 5), (3.20, 15), (3.30, 30), (3.40, 50), (3.50, 70), (3.60, 90), (3.65, 100)),
    "CR123A": ((2.00, 0), (2.50, 5), (2.70, 15), (2.80, 30), (2.90, 50), (3.00, 70), (3.20, 90), (3.30, 100)),
}
DEFAULT_CHEMISTRY = "LiFeS2_AA"

# Compared without case and punctuation: "Li-MnO2", "li_mno2" and "LiMnO2" are one word.
_ALIASES = {
    "limno2": "CR17450",
    "lithium": "LiFeS2_AA",
    "li": "LiFeS2_AA",
    "lifes2": "LiFeS2_AA",
    "alkaline": "Alkaline_AA",
    "lisocl2": "ER14505",
    "cr123": "CR123A",
}


def _word(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


_NAMES = {_word(name): name for name in CHEMISTRIES} | _ALIASES


def percent(volts: float, chemistry: str | None) -> int:
    """Return the percent (0 to 100) left in a battery of this voltage; the curve is linear between its points.

    A chemistry that is unknown or None counts as two AA lithium cells, the commonest pack. Raises ValueError for a
    voltage that is no finite number.
    """
    if not isfinite(volts):
        raise ValueError("volts must be a finite number")
    curve = CHEMISTRIES[_NAMES.get(_word(chemistry or ""), DEFAULT_CHEMISTRY)]
    above = bisect_left(curve, (volts, 0))
    if above == 0:
        return curve[0][1]
    if above == len(curve):
        return curve[-1][1]
    (low, least), (high, most) = curve[above - 1], curve[above]
    return round(least + (most - least) * (volts - low) / (high - low))
