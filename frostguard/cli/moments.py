"""Moments as they are typed and as they are shown: UTC unless they say otherwise, whole seconds."""

import argparse
from datetime import UTC, datetime


def moment(text: str) -> datetime:
    """Return the moment that a date or a time in ISO 8601 names; argparse says so otherwise."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-11-22 or 2026-11-22T10:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def clock(at: datetime | None) -> str:
    """Return a moment in UTC; - for none."""
    return "-" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
