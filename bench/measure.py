"""What a measure is: a function that plays one round and returns a table; and how rounds become one table."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.servers import Servers

Table = dict[str, dict[str, float]]
"""Row -> column -> figure."""


@dataclass(frozen=True)
class Scale:
    """How much: the whole, or a short form that shows only that everything works."""

    quick: bool = False

    def of(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole


class Measure(NamedTuple):
    """`fold` makes one figure of those of all rounds: the median, or the worst where one is too many."""

    name: str
    about: str
    play: Callable[[Servers, Scale], Table]
    fold: Callable[[Sequence[float]], float] = statistics.median
    rounds: int | None = None  # where more would only take time


def folded(tables: Sequence[Table], fold: Callable[[Sequence[float]], float]) -> Table:
    """One table of all rounds, cell by cell."""
    return {
        row: {column: fold([table[row][column] for table in tables]) for column in columns}
        for row, columns in tables[0].items()
    }


def text(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}" if abs(value) >= 20 else f"{value:.2f}"


def shown(table: Table) -> str:
    """The table as text, columns aligned. A row may lack columns of another."""
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    lines = [["", *columns]]
    lines += [[name, *(text(row[c]) if c in row else "" for c in columns)] for name, row in table.items()]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns) + 1)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )
