"""Gateways that are sending what they had kept: nothing is said of their units by our clock while they do.

A gateway that was cut off for two hours sends two hours of readings within minutes. Between two batches of them the
newest reading of a unit is an hour old: by our clock its door has stood open for an hour and it has been silent since,
and the next batch says otherwise. So its units' deadlines wait, and alerts of theirs are held, until nothing old has
come for a while. A gateway whose clock is wrong would always seem to be catching up: after LONGEST it is taken at its
word, until it has paused.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

OLD = timedelta(minutes=1)  # a message whose last reading is older than this was kept, not just on its way
QUIET = timedelta(seconds=10)  # without an old message, and the gateway has caught up
LONGEST = timedelta(minutes=10)


class CatchingUp:
    """Since when, and when last, gateways sent old readings; by our clock."""

    def __init__(self) -> None:
        self._spans: dict[UUID, tuple[datetime, datetime]] = {}

    def note(self, gateways: Mapping[UUID, datetime]) -> None:
        """Take note that these gateways sent something old at those moments."""
        for gateway, at in gateways.items():
            began, last = self._spans.get(gateway, (at, at))
            self._spans[gateway] = (at if at - last > QUIET else began, at)

    def until(self, gateway: UUID | None, now: datetime) -> datetime | None:
        """Return when the gateway will have caught up, if it sends nothing old any more; None: it has."""
        if gateway is None or gateway not in self._spans:
            return None
        began, last = self._spans[gateway]
        end = min(last + QUIET, began + LONGEST)
        if last + QUIET <= now:
            del self._spans[gateway]
        return end if now < end else None
