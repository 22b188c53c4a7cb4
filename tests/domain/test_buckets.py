"""Where buckets begin, and from which sources a range is put together."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.domain.buckets import EPOCH, NOTHING, Sources, Span, Stretch, ceiling, floor, sources, span_for

DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)

moments = st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
fives = st.integers(0, 10 * 288).map(lambda n: MIDNIGHT - 5 * DAY + n * Span.FIVE_MINUTES.length)
midnights = st.integers(-15, 5).map(lambda n: MIDNIGHT + n * DAY)


def at(text: str) -> datetime:
    """`21 14:35` of November 2026."""
    return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "span"),
    [
        (timedelta(hours=1), None),
        (DAY, None),
        (DAY + timedelta(seconds=1), Span.HOUR),
        (7 * DAY, Span.HOUR),
        (31 * DAY, Span.HOUR),
        (32 * DAY, Span.DAY),
        (365 * DAY, Span.DAY),
    ],
)
def test_a_range_has_its_resolution(length: timedelta, span: Span | None) -> None:
    assert span_for(length) is span


@given(moments, st.sampled_from(Span))
def test_a_moment_lies_in_its_bucket(moment: datetime, span: Span) -> None:
    begin, end = floor(moment, span), ceiling(moment, span)
    assert begin <= moment <= end
    assert end - begin in (timedelta(0), span.length)
    assert (begin - EPOCH) % span.length == timedelta(0)


STRETCH = Stretch(at("10 00:00"), at("22 14:35"))
# span, begin, end -> days .. hours .. fives .. fives_end, head .. head_end, tail .. tail_end
CASES = [
    (Span.HOUR, "20 10:20", "22 14:50", "20 10:00|20 10:00|22 14:00|22 14:35|20 10:00|20 10:00|22 14:35|22 15:00"),
    (Span.DAY, "20 10:20", "22 14:50", "20 00:00|22 00:00|22 14:00|22 14:35|20 00:00|20 00:00|22 14:35|23 00:00"),
    (Span.FIVE_MINUTES, "22 14:01", "22 14:37",
     "22 14:00|22 14:00|22 14:00|22 14:35|22 14:00|22 14:00|22 14:35|22 14:40"),
    (Span.HOUR, "09 22:00", "10 02:00", "10 00:00|10 00:00|10 02:00|10 02:00|09 22:00|10 00:00|10 02:00|10 02:00"),
    (Span.HOUR, "22 16:00", "22 18:00", "22 16:00|22 16:00|22 16:00|22 16:00|22 16:00|22 16:00|22 16:00|22 18:00"),
    (Span.HOUR, "05 16:00", "05 18:00", "05 18:00|05 18:00|05 18:00|05 18:00|05 16:00|05 18:00|05 18:00|05 18:00"),
]  # fmt: skip


@pytest.mark.parametrize(("span", "begin", "end", "expected"), CASES)
def test_a_range_is_put_together(span: Span, begin: str, end: str, expected: str) -> None:
    assert sources(span, at(begin), at(end), STRETCH) == Sources(*map(at, expected.split("|")))


@given(moments, moments, midnights, fives, st.sampled_from(Span))
def test_every_moment_of_a_range_has_one_source(
    begin: datetime, end: datetime, since: datetime, upto: datetime, span: Span
) -> None:
    if begin > end:
        begin, end = end, begin
    found = sources(span, begin, end, Stretch(since, max(since, upto)))
    assert found.head == floor(begin, span)
    assert found.head_end == found.days
    assert found.fives_end == found.tail
    assert found.tail_end == max(ceiling(end, span), found.head)
    order = [found.head, found.days, found.hours, found.fives, found.fives_end, found.tail_end]
    assert all(one <= other for one, other in pairwise(order))


@given(moments, moments, midnights, fives, st.sampled_from(Span))
def test_stored_buckets_are_whole_and_rolled_up(
    begin: datetime, end: datetime, since: datetime, upto: datetime, span: Span
) -> None:
    if begin > end:
        begin, end = end, begin
    stretch = Stretch(since, max(since, upto))
    found = sources(span, begin, end, stretch)
    for first, last, length in (
        (found.days, found.hours, Span.DAY), (found.hours, found.fives, Span.HOUR),
        (found.fives, found.fives_end, Span.FIVE_MINUTES),
    ):  # fmt: skip
        if first < last:
            assert length <= span
            assert floor(first, length) == first
            assert floor(last, length) == last
            assert stretch.since <= first
            assert last <= stretch.upto


def test_where_nothing_is_rolled_up_readings_are_summed() -> None:
    found = sources(Span.DAY, MIDNIGHT, MIDNIGHT + DAY, NOTHING)
    assert found.days == found.fives_end
    assert (found.head, found.head_end) == (MIDNIGHT, MIDNIGHT) or (found.tail, found.tail_end) == (
        MIDNIGHT,
        MIDNIGHT + DAY,
    )
