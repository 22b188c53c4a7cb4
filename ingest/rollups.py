"""The task that keeps the buckets: sums what has passed, and again where a reading came late.

It has a connection of its own and costs the writer one comparison per reading. `Horizon` is what the two share: the
writer asks it, after the readings are in its transaction, which of them are older than what was announced as summed.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prometheus_client import Counter, Gauge

from frostguard.config import DatabaseSettings
from frostguard.domain.buckets import Span, floor
from frostguard.domain.reading import Reading
from frostguard.domain.shards import WHOLE, Shard
from frostguard.domain.unit_state import FOREVER
from frostguard.errors import FrostGuardError
from frostguard.store import rollups
from frostguard.store.connection import Connection, abandon, connect
from ingest.metrics import REGISTRY

log = logging.getLogger("ingest.rollups")

LAG = timedelta(minutes=1)  # a bucket is summed this long after its end: most readings are there by then
EVERY_SECONDS = 5.0
PAUSE_SECONDS = 10.0
ARRIVING = timedelta(seconds=10)
ENDED_SECONDS = 0.05

UPTO = Gauge("frostguard_rollups_upto_seconds", "Until when readings are summed, seconds since 1970", registry=REGISTRY)
RESUMMED = Counter("frostguard_rollups_late_hours", "Marks of late readings that were settled", registry=REGISTRY)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Horizon:
    """Readings before `at` may be summed already, or be in the course of it. It only moves forward."""

    def __init__(self, shard: Shard = WHOLE) -> None:
        self._shard = shard
        self.at = FOREVER  # nothing is known yet: everything may be
        self._middle: datetime | None = None
        self._seen_at: datetime | None = None

    async def mark_late(self, connection: Connection, rows: Sequence[Reading], oldest: datetime, now: datetime) -> None:
        """Mark the hours of those rows that may come too late for their buckets. They are in the table's order.

        Call it in the transaction that stores the rows, after they were sent: the transaction has its number by then,
        which is how the summing knows that it must wait for it. `now` is our clock.
        """
        if not rows:
            return
        self._middle, self._seen_at = rows[len(rows) // 2].recorded_at, now
        if oldest < self.at:
            await rollups.mark_late(connection, _late_hours(rows, self.at), self._shard)

    def arriving(self, now: datetime) -> datetime:
        """Return the event time of what has arrived in the last seconds; `now`, if nothing has.

        While a backlog comes in, summing stays behind it: otherwise every reading of it would be late.
        """
        if self._middle is None or self._seen_at is None or now - self._seen_at > ARRIVING:
            return now
        return self._middle


def _late_hours(rows: Sequence[Reading], horizon: datetime) -> dict[datetime, set[UUID]]:
    """Return which units have rows of which hour before the horizon. Rows of one unit and hour cost one comparison."""
    found: dict[datetime, set[UUID]] = {}
    marked, hour, end = None, FOREVER, FOREVER
    for row in rows:
        unit_id, at = row[0], row[1]
        if unit_id is marked and at < end:
            continue
        if not hour <= at < end:
            hour = floor(at, Span.HOUR)
            end = hour + Span.HOUR.length
        if at < horizon:
            found.setdefault(hour, set()).add(unit_id)
            marked = unit_id
        else:
            marked = None
    return found


class Rollups:
    """Runs beside the daemon until cancelled."""

    def __init__(
        self, settings: DatabaseSettings, shard: Shard = WHOLE, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._settings = settings
        self._shard = shard
        self._now = now
        self._upto = FOREVER
        self._holder: int | None = None  # the backend of the writer that holds the shard
        self._loaded = asyncio.Event()
        self.horizon = Horizon(shard)

    async def load(self, connection: Connection) -> None:
        """Learn what is summed already, on the writer's connection, before it writes its first batch.

        It holds the shard by then: nobody else moves the progress any more.
        """
        today = floor(self._now(), Span.DAY)
        self._upto = (await rollups.ensure_progress(connection, self._shard, today)).upto
        self._holder = connection.get_server_pid()
        self.horizon.at = self._upto if self.horizon.at is FOREVER else max(self.horizon.at, self._upto)
        UPTO.set(self._upto.timestamp())
        self._loaded.set()

    async def run(self) -> None:
        """Sum until cancelled, once there is a writer; after a lost connection begin anew."""
        await self._loaded.wait()
        while True:
            await asyncio.sleep(PAUSE_SECONDS)  # a backlog has begun to arrive by then, and `step` stays behind it
            connection: Connection | None = None
            try:
                connection = await connect(self._settings, f"frostguard-rollups-{self._shard.number}")
                while True:
                    await self.step(connection)
                    await asyncio.sleep(EVERY_SECONDS)
            except FrostGuardError as error:
                log.warning("readings are not summed", extra={"detail": str(error)})
            finally:
                abandon(connection)

    async def step(self, connection: Connection) -> None:
        """Settle the marks, then sum what has passed."""
        last = await rollups.last_mark(connection)
        while await self._resum(connection, last):
            pass
        now = self._now()
        goal = floor(min(now - LAG, self.horizon.arriving(now)), Span.FIVE_MINUTES)
        while self._upto < goal:
            if not await self._advance(connection, goal):
                return

    async def _resum(self, connection: Connection, last: int) -> int:
        async with rollups.exclusive(connection, self._shard) as ours:
            settled = await rollups.resum_late(connection, self._shard, last) if ours else 0
        RESUMMED.inc(settled)
        return settled

    async def _advance(self, connection: Connection, goal: datetime) -> bool:
        """Sum at most a day of what is missing. False: a rebuild is at work, or the shard is not ours. Come again."""
        assert self._holder is not None
        self.horizon.at = max(self.horizon.at, goal)
        ceiling = await rollups.ceiling(connection)
        while not await rollups.all_ended(connection, ceiling):  # noqa: ASYNC110 - the event is in PostgreSQL
            await asyncio.sleep(ENDED_SECONDS)
        async with rollups.exclusive(connection, self._shard) as ours:
            upto = await rollups.roll_up(connection, self._shard, self._holder, goal) if ours else None
        if upto is None:
            return False
        self._upto = upto
        UPTO.set(upto.timestamp())
        return True
