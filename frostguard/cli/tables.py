"""Rows for people: columns that line up, ages in words, numbers with a fixed look."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return the rows under their headings; a heading that begins with > is aligned to the right."""
    names = [heading.removeprefix(">") for heading in headings]
    cells = [names, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    right = [heading.startswith(">") for heading in headings]
    lines = (
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)) for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def printable(cell: object) -> str:
    """Return a cell as text without anything that could steer a terminal; - for nothing."""
    if cell is None or cell == "":
        return "-"
    return "".join(c if c.isprintable() else "?" for c in str(cell))


def age(at: datetime | None, now: datetime) -> str:
    """Return how long ago that was: 7 s, 12 min, 3 h, 5 d; - for never."""
    if at is None:
        return "-"
    seconds = max(0.0, (now - at).total_seconds())
    for unit, size, limit in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def celsius(value: float | None) -> str:
    """Return a temperature with one decimal."""
    return "-" if value is None else f"{value:.1f} °C"


def json_line(value: Any) -> str:  # noqa: ANN401 - whatever is to be shown
    """Return one line of JSON; what JSON has no form for is shown as text."""
    return orjson.dumps(value, default=str).decode()
