"""Spans of time in which readings are summed: where a bucket begins, and from which tables a range is put together.

Buckets begin at multiples of their span since 1970 (UTC). Those of a rolled-up stretch are stored; what lies outside of
it, its open end above all, is summed from the readings themselves when somebody asks.
"""

from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

EPOCH = datetime.fromtimestamp(0, UTC)
RAW_UPTO = timedelta(hours=24)
HOURS_UPTO = timedelta(days=31)


class Span(IntEnum):
    """How long a bucket is, in minutes."""

    FIVE_MINUTES = 5
    HOUR = 60
    DAY = 1440

    @property
    def length(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(minutes=self)


def span_for(length: timedelta) -> Span | None:
    """Return the buckets that suit a range of this length; None: the readings themselves."""
    if length <= RAW_UPTO:
        return None
    return Span.HOUR if length <= HOURS_UPTO else Span.DAY


def floor(at: datetime, span: Span) -> datetime:
    """Return the begin of the bucket that `at` falls into."""
    return at - (at - EPOCH) % span.length


def ceiling(at: datetime, span: Span) -> datetime:
    """Return the end of the last bucket that begins before `at`."""
    return at + (EPOCH - at) % span.length


class Stretch(NamedTuple):
    """What is rolled up: from a midnight (UTC) to the end of a 5-minute bucket."""

    since: datetime
    upto: datetime


NOTHING = Stretch(EPOCH, EPOCH)


class Sources(NamedTuple):
    """Which stored buckets and which readings make up a range, as moments: each source from one to the next.

    days .. hours .. fives .. fives_end are stored; head .. head_end lies before the stretch, tail .. tail_end after it.
    """

    days: datetime
    hours: datetime
    fives: datetime
    fives_end: datetime
    head: datetime
    head_end: datetime
    tail: datetime
    tail_end: datetime


def sources(span: Span, begin: datetime, end: datetime, stretch: Stretch) -> Sources:
    """Return where the buckets of this span in [begin, end) come from. Both are rounded outwards to whole buckets."""
    begin, end = floor(begin, span), ceiling(end, span)
    low = min(max(begin, stretch.since), end)  # a midnight or a begin of ours: whole buckets of every span
    high = max(low, min(end, stretch.upto))
    hours = max(low, floor(high, Span.DAY)) if span is Span.DAY else low
    fives = max(hours, floor(high, Span.HOUR)) if span >= Span.HOUR else hours
    return Sources(low, hours, fives, high, begin, low, high, end)
