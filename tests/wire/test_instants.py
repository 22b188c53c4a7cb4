from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.wire.instants import format_at, parse_at

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
EARLIEST, LATEST = datetime(1971, 1, 1), datetime(9998, 12, 30)  # noqa: DTZ001  # the zone is drawn beside it
INSTANTS = st.datetimes(EARLIEST, LATEST, timezones=st.one_of(st.just(UTC), ZONES))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T10:00:00Z", TEN),
        ("2026-11-22t10:00:00z", TEN),
        ("2026-11-22 10:00:00Z", TEN),
        ("2026-11-22T15:30:00+05:30", TEN),
        ("2026-11-22T10:00:00-00:00", TEN),
        ("2026-11-22T10:00:00.5Z", TEN + timedelta(milliseconds=500)),
        ("2026-11-22T10:00:00.123456789Z", TEN + timedelta(microseconds=123456)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2017-01-01T00:59:60.25+01:00", datetime(2017, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1795341600000, TEN),
        (1795341600123, TEN + timedelta(milliseconds=123)),
        (1.7953416e12, TEN),
        (253370764799999, datetime(9998, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read(value, expected):
    assert parse_at(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, "", "now", "2026-11-22", "2026-11-22T10:00:00", "2026-11-22T10:00Z", "20261122T100000Z",
        "2026-W47-7T10:00:00Z", "2026-326T10:00:00Z", "2026-11-22T10:00:00,5Z", "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00 Z", "2026-11-22T10:00:00+0100", "2026-11-22T10:00:00+01", "2026-11-22T10:00:00+01:00:30",
        "2026-11-22T10:00:00.1234567890Z", "2026-02-29T10:00:00Z", "2026-13-01T10:00:00Z", "2026-11-22T24:00:00Z",
        "2026-11-22T10:00:60Z", "2026-11-22T23:59:61Z", "2026-11-22T10:00:00+24:00", "9999-12-31T23:59:59Z",
        "1969-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9998-12-31T23:59:60Z ", " 2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00Z\n", "\uff12\uff10\uff12\uff16-11-22T10:00:00Z", "1795341600000", -1, 253370764800000,
        2**63, 1e300, 0.5, [], {},
    ],
)  # fmt: skip
def test_an_odd_form_names_no_instant(value):
    assert parse_at(value) is None


@given(INSTANTS)
def test_an_instant_survives_the_wire(at):
    text = format_at(at)
    assert text.endswith("Z")
    assert parse_at(text) == at


@given(st.integers(0, 253370764799999))
def test_milliseconds_are_exact(milliseconds):
    at = parse_at(milliseconds)
    assert (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) == milliseconds
    assert at.microsecond % 1000 == 0


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (TEN, "2026-11-22T10:00:00.000Z"),
        (TEN + timedelta(milliseconds=7), "2026-11-22T10:00:00.007Z"),
        (TEN + timedelta(microseconds=7), "2026-11-22T10:00:00.000007Z"),
        (TEN.astimezone(timezone(timedelta(hours=2))), "2026-11-22T10:00:00.000Z"),
    ],
)
def test_times_are_written_in_utc(at, text):
    assert format_at(at) == text


def test_a_time_without_a_zone_is_not_written():
    with pytest.raises(ValueError, match="zone"):
        format_at(datetime(2026, 11, 22))  # noqa: DTZ001  # the point


@given(st.text(st.sampled_from("0123456789-:.TtZz+ W,"), max_size=40))
def test_noise_that_looks_like_time_raises_nothing(text):
    at = parse_at(text)
    assert at is None or at.utcoffset() is not None
