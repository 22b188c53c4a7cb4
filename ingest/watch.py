"""Follow what changes in the database: the fleet, replays that are asked for, and the weeks to come."""

import asyncio
import gc
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from frostguard.config import DatabaseSettings
from frostguard.errors import FrostGuardError
from frostguard.store import held, partitions, shards
from frostguard.store.connection import Connection, abandon, connect, translated
from ingest import metrics
from ingest.fleet import Fleet

log = logging.getLogger("ingest.watch")

SETTLE_SECONDS = 0.05  # many changes in one moment are one reload
UPKEEP = timedelta(hours=1)
PROBE_SECONDS = 30.0
REPLAYS = "dead-letters"  # somebody asked for some again
LOGS = "manual-logs"  # somebody wrote one
ALERTS = "alerts"  # a window of silence was opened or closed
INBOX = "inbox"  # messages came by HTTP
LAYOUT = shards.CHANNEL_WORD  # another number of shards is prepared
NAMES = frozenset({REPLAYS, LOGS, ALERTS, INBOX, LAYOUT})


class Told(Protocol):
    """Who is told what has changed."""

    def assigned(self, sensors: Iterable[UUID]) -> None:
        """These sensors have a unit now."""

    def changed(self, units: Iterable[UUID]) -> None:
        """These units have other rules now."""

    def asked(self, name: str) -> None:
        """Somebody asks for one of NAMES."""

    def prepared(self, preparation: int) -> None:
        """The newest preparation of another layout has this number; 0: there was none."""

    def fleet_changed(self) -> None:
        """The organizations or their networks may be others now."""


class Watch:
    """Its own connection, so that nothing here can hold up a commit."""

    def __init__(
        self,
        settings: DatabaseSettings,
        fleet: Fleet,
        told: Told,
    ) -> None:
        self._settings = settings
        self._fleet = fleet
        self._told = told
        # Set once the fleet is in memory.
        self.loaded = asyncio.Event()
        self._changed: set[str] = set()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled; after every lost connection read everything anew."""
        while True:
            connection: Connection | None = None
            try:
                connection = await connect(self._settings, "frostguard-ingest-watch")
                await self._follow(connection)
            except FrostGuardError as error:
                log.warning("not following changes", extra={"detail": str(error)})
            finally:
                abandon(connection)
            await asyncio.sleep(1)

    async def load(self, connection: Connection) -> None:
        """Read the whole fleet, and which assigned sensors have readings waiting."""
        changes = await self._fleet.load(connection)
        self._told.changed(changes.units)
        self._told.assigned(await held.assigned_with_held(connection, self._fleet.shard))
        self._told.fleet_changed()
        await self._ask(connection, NAMES)
        self._measure()
        if not self.loaded.is_set():
            gc.collect()
            gc.freeze()  # what is loaded once need not be looked through again and again
            self.loaded.set()

    async def _follow(self, connection: Connection) -> None:
        with translated():
            await connection.add_listener("config", self._notified)
        connection.add_termination_listener(lambda _: self._wake.set())
        await self.load(connection)
        due = datetime.now(UTC)
        while not connection.is_closed():
            if datetime.now(UTC) >= due:
                await self._keep_partitions(connection)
                due = datetime.now(UTC) + UPKEEP
            self._wake.clear()
            if not self._changed:
                await self._nap(min(PROBE_SECONDS, (due - datetime.now(UTC)).total_seconds()))
                with translated():  # a connection into the void says nothing by itself
                    await connection.execute("select")
            await asyncio.sleep(SETTLE_SECONDS)
            await self._reload(connection)

    async def _nap(self, seconds: float) -> None:
        timer = asyncio.get_running_loop().call_later(max(0.0, seconds), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    async def _reload(self, connection: Connection) -> None:
        changed, self._changed = self._changed, set()
        organizations = [one for text in changed - NAMES if self._fleet.shard.has(one := UUID(text))]
        if organizations:
            changes = await self._fleet.load(connection, organizations)
            self._told.changed(changes.units)
            self._told.assigned(changes.assigned)
            self._told.fleet_changed()
            self._measure()
            log.info("fleet changed", extra={"organizations": len(organizations)})
        await self._ask(connection, changed & NAMES)  # after the fleet: what made a letter usable may be among it

    async def _ask(self, connection: Connection, names: Iterable[str]) -> None:
        for name in sorted(names):
            if name == LAYOUT:
                self._told.prepared((await shards.layout(connection))["preparation"])
            else:
                self._told.asked(name)

    async def _keep_partitions(self, connection: Connection) -> None:
        now = datetime.now(UTC)
        made = await partitions.ensure_ahead(connection, now)
        if made:
            log.info("partitions made", extra={"partitions": ", ".join(made)})
        metrics.PARTITIONS_AHEAD.set((max_covered(await partitions.existing(connection)) - now).days)

    def _notified(self, _connection: Connection, _pid: int, _channel: str, payload: str) -> None:
        if payload in NAMES or _is_uuid(payload):
            self._changed.add(payload)
            self._wake.set()
        else:  # anybody with a connection can notify
            log.warning("a notification that means nothing", extra={"detail": repr(payload)[:100]})

    def _measure(self) -> None:
        for what, size in self._fleet.sizes().items():
            metrics.FLEET.labels(what).set(size)


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def max_covered(names: Iterable[str]) -> datetime:
    """Return the end of the last week that has a partition (the epoch if none has)."""
    ends = [partitions.begin_of(name) + partitions.WEEK for name in names]
    return max(ends, default=datetime.fromtimestamp(0, UTC))
