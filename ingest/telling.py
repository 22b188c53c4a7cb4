"""Tell gateways how far their readings are committed: the watermarks that moved, a few times a second."""

import asyncio
from collections.abc import Callable, Mapping

from frostguard.wire.packets import encode_committed
from frostguard.wire.topics import committed_topic
from ingest.fleet import Fleet
from ingest.mqtt import Session
from ingest.watermarks import Key, Progress

EVERY_SECONDS = 0.25
MOST_UNSENT = 1000  # beyond it they are told later: they are cumulative


class Telling:
    """Watermarks that moved since the gateways were told."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._untold: dict[Key, int] = {}

    def note(self, moved: Mapping[Key, Progress]) -> None:
        """Take note of what a commit moved."""
        self._untold.update({key: progress.upto for key, progress in moved.items()})

    async def run(self, session: Callable[[], Session | None]) -> None:
        """Tell by the session of the moment, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            now = session()
            if now is None or now.lost.done() or now.unsent > MOST_UNSENT:
                continue
            untold, self._untold = self._untold, {}
            for (gateway_id, boot), upto in untold.items():
                if address := self._fleet.address(gateway_id):
                    now.publish(committed_topic(*address), encode_committed(boot, upto))
