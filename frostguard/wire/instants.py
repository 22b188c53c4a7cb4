"""Times on the wire: RFC 3339 with a zone, or milliseconds since 1970."""

import re
from datetime import UTC, datetime, timedelta

# Only what every calendar of ours can hold; whether a time is plausible is for the daemon to judge.
FIRST_YEAR = 1970
LAST_YEAR = 9998

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND = 253_370_764_799_999  # the end of the year 9998
# datetime.fromisoformat alone would take week dates, commas, seconds in offsets and more.
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_parse = datetime.fromisoformat
# A gateway that asks all its sensors at once sends one time for all of them: the last texts and what they mean.
_seen: dict[str, datetime] = {}
_MOST_SEEN = 512


def parse_at(value: object) -> datetime | None:
    """Return the instant that a JSON value names (microseconds; finer digits are cut), or None when it names none.

    The offset stays as sent. A leap second counts as the second after it.
    """
    if isinstance(value, str):
        known = _seen.get(value)
        return known if known is not None else _parse_text(value)
    if isinstance(value, float) and value.is_integer():  # 1.7636e12: how some encoders write it
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LAST_MILLISECOND:
        return None
    return _EPOCH + timedelta(0, 0, 0, value)


def _parse_text(text: str) -> datetime | None:
    if not _RFC_3339(text):
        return None
    try:
        at = _parse(text)
    except ValueError:
        return _unusual(text)
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        return None
    if len(_seen) >= _MOST_SEEN:
        _seen.clear()
    _seen[text] = at
    return at


def _unusual(text: str) -> datetime | None:
    """Parse what RFC 3339 allows and Python does not: a lower-case z, and a leap second at the end of a UTC day."""
    leap = text[17:19] == "60"
    try:
        at = _parse(f"{text[:17]}59{text[19:]}".upper() if leap else text.upper())
    except ValueError:
        return None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        return None
    if not leap:
        return at
    after = at.replace(microsecond=0) + timedelta(seconds=1)
    midnight = after.astimezone(UTC).time() == datetime.min.time()
    return after.replace(microsecond=at.microsecond) if midnight else None


def format_at(at: datetime) -> str:
    """Return the instant as RFC 3339 in UTC, with milliseconds, or microseconds where it has them: lossless.

    Raises ValueError for a time without a zone.
    """
    if at.utcoffset() is None:
        raise ValueError("a time on the wire needs a zone")
    spec = "microseconds" if at.microsecond % 1000 else "milliseconds"
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=spec) + "Z"
