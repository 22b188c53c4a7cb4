"""Runs: readings of one unit in event time, taken together where all of them are dull.

Of twenty readings of a unit that is well only the last one leaves anything behind, but each costs a call of `observe`,
and the unit a working copy. As columns, whether all are dull takes a handful of calls that look at all of them at once.
Nothing is decided here that `observe` would decide otherwise: what is not surely dull is left to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import compress
from operator import is_not, lt, sub
from typing import Any, NamedTuple
from uuid import UUID

from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules
from frostguard.domain.unit_state import UnitState

PIECE = 500  # turning rows into columns costs twice as much per row with ten thousand at once

_NAMES = "unit_id recorded_at sensor_id seq temperature door_open battery_volts battery_percent fault"
_UNIT, _AT, _SENSOR, _SEQ, _CELSIUS, _DOOR, _VOLTS, _PERCENT, _FAULT = map(Reading._fields.index, _NAMES.split())


class Piece(NamedTuple):
    """Some rows, also as columns (one for each field of Reading), and where in them each run ends."""

    rows: Sequence[Reading]
    columns: Sequence[Sequence[Any]]
    stops: Sequence[int]
    without_faults: bool
    without_doors: bool


class Last(NamedTuple):
    """What dull readings leave behind: time, number and °C of the last of them."""

    at: datetime
    seq: int
    celsius: float


NO_RUNS: Mapping[UUID, Last] = {}


def pieces(rows: Sequence[Reading]) -> Iterator[Piece]:
    """Cut rows, which are unit by unit, into pieces that end where a run does, if it is no longer than a piece."""
    begin, end = 0, 0
    while begin < len(rows):
        end, longest = min(begin + PIECE, len(rows)), min(begin + 2 * PIECE, len(rows))
        while end < longest and rows[end][_UNIT] is rows[end - 1][_UNIT]:
            end += 1
        some, begin = rows[begin:end], end
        columns = list(zip(*some, strict=True))
        units, count = columns[_UNIT], len(some)
        stops = [*compress(range(1, count), map(is_not, units[1:], units)), count]
        yield Piece(
            some, columns, stops, columns[_FAULT].count(None) == count, columns[_DOOR].count(None) == count
        )  # fmt: skip


def dull(state: UnitState, piece: Piece, start: int, stop: int, rules: Rules) -> Last | None:
    """Return what rows [start, stop) of a piece, a run in event time, leave behind; None if they may say anything.

    The state is not moved: see `leave`. The conditions are those of the shortcut in `unit.observe`, of all rows.
    """
    sensor, columns, count = state.sensor, piece.columns, stop - start
    if state.calm is not rules or sensor is None or not count:
        return None
    times, celsius = columns[_AT][start:stop], columns[_CELSIUS][start:stop]
    first, last = times[0], times[-1]
    try:
        # Of rows that do not measure a temperature there is no least one: None is not compared with numbers.
        if not (
            state.seen_at < first < state.due
            and last < state.calm_until
            and rules.low <= min(celsius)
            and max(celsius) <= rules.high
            and columns[_SENSOR][start:stop].count(sensor.id) == count
        ):
            return None
    except TypeError:
        return None
    if count > 1 and not _goes_on(state, times):
        return None
    if not (piece.without_faults and piece.without_doors) and not _is_well(state, piece, start, stop):
        return None
    return Last(last, columns[_SEQ][stop - 1], celsius[-1]) if _is_charged(state, piece, start, stop) else None


def leave(state: UnitState, last: Last) -> None:
    """Move a state past dull readings, in place."""
    state.seen_at = state.measured_at = last.at
    state.seen_seq = last.seq
    state.celsius = last.celsius
    state.due = last.at + state.patience


def _goes_on(state: UnitState, times: Sequence[datetime]) -> bool:
    """Whether each comes after the one before, and in time."""
    later, patience = times[1:], state.patience
    return all(map(lt, times, later)) and (
        times[-1] - times[0] < patience or max(map(sub, later, times)) < patience
    )  # fmt: skip


def _is_well(state: UnitState, piece: Piece, start: int, stop: int) -> bool:
    """Whether no row has a fault, or another word of the door than the sensor's last."""
    assert state.sensor is not None
    faults, doors, count = piece.columns[_FAULT][start:stop], piece.columns[_DOOR][start:stop], stop - start
    known = state.sensor.door_open
    as_known = doors.count(known) if known is not None else 0
    return faults.count(None) == count and doors.count(None) + as_known == count


def _is_charged(state: UnitState, piece: Piece, start: int, stop: int) -> bool:
    """Whether every row says of the battery what the sensor said last, or a voltage that is surely fine."""
    assert state.sensor is not None
    count, percent = stop - start, state.sensor.percent
    percents = piece.columns[_PERCENT][start:stop]
    same = percents.count(percent) if percent is not None else 0
    if same == count:
        return True
    if same + percents.count(None) < count:
        return False
    volts = piece.columns[_VOLTS][start:stop]
    return all(
        given is not None or volt is None or volt >= state.calm_volts
        for given, volt in zip(percents, volts, strict=True)
    )
