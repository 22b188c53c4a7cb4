"""How a topic stands at one moment, read once for all who ask within a second."""

import asyncio
import time
from typing import Any, NamedTuple
from uuid import UUID

from api.answers import members_of
from api.feed.frames import Frame
from api.feed.topics import Topic
from api.handlers.alerts import shown_alert
from frostguard.domain.alert import AlertStatus
from frostguard.store import alert_lists, feed
from frostguard.store.alert_lists import Wanted
from frostguard.store.connection import Connection, Record
from frostguard.store.lanes import Lanes

FRESH_SECONDS = 1.0
MAX_ALERTS = 1000
MAX_READINGS = 100
MAX_KEPT = 500
OPEN = [status.value for status in AlertStatus if status is not AlertStatus.RESOLVED]


class Snapshot(NamedTuple):
    """A frame, the id that it stands for, and when it was asked for (monotonic)."""

    frame: Frame
    position: int
    asked_at: float


class Snapshots:
    """Reads snapshots; asked for the same one at the same time, it reads it once."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._reading: dict[Topic, asyncio.Task[Snapshot]] = {}

    async def get(self, topic: Topic, organization: UUID) -> Snapshot:
        """Return how a topic stands. Raises StoreUnavailableError."""
        task = self._reading.get(topic)
        if task is None or _is_old(task):
            if len(self._reading) >= MAX_KEPT:
                self.forget_old()
            task = asyncio.create_task(self._read(topic, organization), name="snapshot")
            self._reading[topic] = task
        return await asyncio.shield(task)

    def forget_old(self) -> None:
        """Let go of what nobody is given any more: with many sockets, snapshots would be a third of their memory."""
        for topic in [topic for topic, task in self._reading.items() if _is_old(task)]:
            del self._reading[topic]

    async def _read(self, topic: Topic, organization: UUID) -> Snapshot:
        asked_at = time.monotonic()
        async with self._lanes.lane() as connection, feed.standing_still(connection) as position:
            members = await _members(connection, topic, organization)
        return Snapshot(Frame("snapshot", {"topic": topic.name, "id": position, **members}), position, asked_at)


def _is_old(task: asyncio.Task[Snapshot]) -> bool:
    """Whether to ask again: it failed, or is from a while ago."""
    if not task.done():
        return False
    failed = task.cancelled() or task.exception() is not None
    return failed or time.monotonic() - task.result().asked_at > FRESH_SECONDS


async def _members(connection: Connection, topic: Topic, organization: UUID) -> dict[str, Any]:
    match topic.scope, topic.subject:
        case "org", "units":
            return {"units": _units(await feed.standings(connection, organization))}
        case "site", _:
            return {"units": _units(await feed.standings(connection, organization, topic.target))}
        case "org", _:
            wanted = Wanted(OPEN, limit=MAX_ALERTS + 1)
            rows = await alert_lists.of_organization(connection, organization, None, None, wanted)
            return {"alerts": _alerts(rows[:MAX_ALERTS]), "more": len(rows) > MAX_ALERTS}
        case _, "state":
            unit = await feed.standing(connection, organization, topic.target)
            alerts = await alert_lists.of_unit(connection, organization, topic.target, Wanted(OPEN))
            return {"unit": None if unit is None else members_of(unit), "alerts": _alerts(alerts or [])}
        case _:
            rows = await feed.last_readings(connection, organization, topic.target, MAX_READINGS)
            return {"readings": [_reading(row) for row in rows]}


def _units(rows: list[Record]) -> list[dict[str, Any]]:
    return [members_of(row) for row in rows]


def _alerts(rows: list[Record]) -> list[dict[str, Any]]:
    return [shown_alert(row) for row in rows]


def _reading(row: Record) -> dict[str, Any]:
    return {name: value for name, value in members_of(row).items() if value is not None or name == "temperature"}
