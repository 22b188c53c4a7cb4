"""Time zone names that this machine knows."""

from functools import cache
from zoneinfo import available_timezones


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) | {"UTC"}


def is_zone(name: str) -> bool:
    """Tell whether this is an IANA time zone."""
    return name in _zones()
