"""What a batch adds to the feed: each reading while they come singly, only the units while they come in thousands.

A backlog must not be stored twice, so a large batch says which units got readings, from when on, and their last values:
that costs by the unit, not by the reading.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from frostguard.domain.reading import Reading
from frostguard.store import feed
from frostguard.wire.feed import READINGS, encode_batch
from ingest.judge import Judged

LISTED = 2000
"""Readings of one batch that are listed one by one. A daemon that keeps up with 100,000 a second has fewer."""


def closing(new: Sequence[Reading], judged: Judged, oldest: datetime) -> str:
    """Return the last statements of the transaction: commit, and before it the batch's row of the feed, if it has one.

    Events need nothing here: they come into the feed by themselves. `oldest` is before all of the new readings.
    """
    moved = [judged.units[unit] for unit in judged.moved]
    if not new and not moved:
        return "commit"
    if len(new) <= LISTED:
        body = encode_batch([(row, _is_newest(row, judged)) for row in new], moved, (), None)
        return feed.appending(READINGS, len(new) + len(moved), body)
    newest: list[tuple[UUID, datetime | None, float | None]] = [
        (unit_id, last.at, last.celsius) for unit_id, last in judged.dull.items()
    ]
    newest += [(state.unit_id, state.measured_at, state.celsius) for state in judged.units.values()]
    if not newest:  # readings of units that are gone meanwhile: there is nobody to tell
        return "commit"
    body = encode_batch((), moved, newest, oldest)
    return feed.appending(READINGS, len(moved) + len(newest), body)


def _is_newest(row: Reading, judged: Judged) -> bool:
    last = judged.dull.get(row.unit_id)
    if last is not None:
        return last.at == row.recorded_at
    state = judged.units.get(row.unit_id)
    return state is not None and state.measured_at == row.recorded_at and state.measured_by == row.sensor_id
