"""Our own silences: spans in which this system did not listen, so that nobody else is blamed for them.

A sensor's silence counts only while we listened: up to the moment we went deaf, and again from the moment at which the
backlog was drained. The spans are facts, the same for every unit, and are kept: a replay that is given them finds
every deadline where the live run found it. A reading from inside a span came out of the backlog and proves that the
backlog was kept; a gap before it is a gap of the sensor and is judged as such.
"""

from datetime import datetime, timedelta
from typing import NamedTuple


class Outage(NamedTuple):
    """One span: `began` is the last moment known to be heard and committed, `drained` the one of hearing again."""

    began: datetime
    drained: datetime


Outages = tuple[Outage, ...]  # ascending, not overlapping
NO_OUTAGES: Outages = ()


def silence_due(last: datetime, patience: timedelta, outages: Outages, upto: datetime | None) -> datetime:
    """Return when `patience` without a sign of life is over, counted from `last` and from the end of each outage.

    `upto` is the time of the reading that proves the gap (outages that ended after it do not count), None for the
    present.
    """
    due = last + patience
    for began, drained in outages:
        if drained <= last:
            continue
        if due <= began or (upto is not None and drained > upto):
            break
        due = drained + patience
    return due
