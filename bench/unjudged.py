"""The daemon without its state machines, to see what they cost. It stores and judges nothing.

Started by bench/judging.py: python -m bench.unjudged.
"""

import sys

from frostguard.domain.run import Piece
from ingest.__main__ import main
from ingest.folding import Folding
from ingest.judge import Judge, Judged


def _only_the_oldest(self: Folding, piece: Piece) -> None:
    """What the roll-ups need to know of a batch is found on the way."""
    self.oldest = min(self.oldest, *piece.columns[1])


async def _nothing(*_: object) -> Judged:
    return Judged()


Folding.piece = _only_the_oldest
Judge.judge = _nothing

if __name__ == "__main__":
    sys.exit(main())
