"""How far readings are summed, remembered for some seconds: the stretch only grows, so an older answer is right too."""

import time

from frostguard.domain.buckets import NOTHING, Stretch
from frostguard.store import rollups
from frostguard.store.connection import Connection

REMEMBER_SECONDS = 10.0


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
