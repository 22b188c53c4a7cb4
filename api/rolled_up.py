"""How far readings are summed, remembered for some seconds: the stretch only grows, so an older answer is right too."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from frostguard.domain.buckets import NOTHING, Span, Stretch
from frostguard.store import bucket_retention, rollups
from frostguard.store.connection import Connection

REMEMBER_SECONDS = 10.0


# No setting lets buckets go that are younger (frostguard/config.py).
ALWAYS_KEPT = {Span.FIVE_MINUTES: timedelta(days=400), Span.HOUR: timedelta(days=731)}


class RolledUp:
    """The stretch as this process knows it."""

    def __init__(self) -> None:
        self._stretch = NOTHING
        self._until = 0.0

    async def stretch(self, connection: Connection) -> Stretch:
        """Return what is summed. Where a request needs what lies beyond, it reads the readings themselves."""
        if time.monotonic() >= self._until:
            self._stretch = await rollups.common_stretch(connection) or NOTHING
            self._until = time.monotonic() + REMEMBER_SECONDS
        return self._stretch

    async def stretch_of(self, connection: Connection, unit: UUID, span: Span, begin: datetime) -> Stretch:
        """Return what is summed of a unit in this span, for a question that begins here: old sums may be gone."""
        stretch = await self.stretch(connection)
        kept = ALWAYS_KEPT.get(span)
        if kept is None or begin >= datetime.now(UTC) - kept:
            return stretch
        return await bucket_retention.left_of(connection, unit, span, stretch)
