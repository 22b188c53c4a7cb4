"""The daemon without its state machines, to see what they cost. It stores and judges nothing.

Started by bench/judging.py: python -m bench.unjudged.
"""

import sys
from collections.abc import Sequence

from frostguard.domain.reading import Reading
from ingest.__main__ import main
from ingest.judge import Folding, Judge, Judged


def _only_the_oldest(self: Folding, rows: Sequence[Reading]) -> None:
    """What the roll-ups need to know of a batch is found on the way."""
    self.oldest = min((row.recorded_at for row in rows), default=self.oldest)


async def _nothing(*_: object) -> Judged:
    return Judged()


Folding.readings = _only_the_oldest
Judge.judge = _nothing

if __name__ == "__main__":
    sys.exit(main())
