"""The daemon: where store, broker, fleet, intake and writer are wired, and where each failure is answered.

store lost    the batch is kept and tried again; after PATIENCE seconds the broker is let go of (it keeps the backlog)
              and everything begins again from the database
broker lost   what was not committed is forgotten, because it will be sent again; a new session is opened
stop          no more is read; what is there is committed and acknowledged; then the connections are closed
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from frostguard.config import DatabaseSettings, IngestSettings, MqttSettings, load
from frostguard.errors import FrostGuardError, LockLostError, StoreUnavailableError
from frostguard.notify import Turns
from frostguard.tracing import TracingSettings
from ingest import metrics
from ingest.backoff import Backoff
from ingest.batch import Batch
from ingest.clock import Clock
from ingest.fleet import Fleet
from ingest.health import Health
from ingest.intake import Intake
from ingest.mqtt import BrokerRefusedError, BrokerUnavailableError, Session
from ingest.reader import Publish
from ingest.rollups import Rollups
from ingest.subscriptions import Subscriptions
from ingest.tally import count
from ingest.telling import Telling
from ingest.tracing import begin_traces
from ingest.watch import INBOX, LOGS, REPLAYS, Watch
from ingest.writer import Writer, Written

log = logging.getLogger("ingest.daemon")

PATIENCE = 10.0
"""Seconds that a batch is tried again with the broker's connection open; well below the keep-alive."""
STOP_SECONDS = 7.0
BROKER_SECONDS, STORE_SECONDS, BATCH_SECONDS = 30.0, 5.0, 1.0  # the longest pauses between attempts
TURN_SECONDS = 120.0  # no turn of the pump takes as long: each of its statements has a bound of its own
AT_ONCE = 500  # messages taken from the tables into one batch


@dataclass(frozen=True)
class Settings:
    """The groups that the daemon needs."""

    database: DatabaseSettings
    mqtt: MqttSettings
    ingest: IngestSettings
    tracing: TracingSettings = field(default_factory=lambda: load(TracingSettings))


class Daemon:
    """Runs until `stop` is called. Raises what no retry can mend (UsageError)."""

    def __init__(self, settings: Settings, health: Health) -> None:
        self._settings = settings
        self._health = health
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        shard = settings.ingest.part
        self._mqtt = settings.mqtt.of_shard(shard)
        self._fleet = Fleet(shard)
        self._intake = Intake(settings.ingest, self._fleet)
        self._traces = begin_traces(settings.tracing, self._intake, shard)
        self._writer: Writer | None = None
        self._session: Session | None = None
        self._committing: Batch | None = None
        self._telling = Telling(self._fleet)
        # Of INBOX and REPLAYS: what waits in the tables to be taken.
        self._asked: set[str] = set()
        self._rollups = Rollups(settings.database, shard)
        self._clock = Clock(self._mqtt.client_id)
        # An old session's backlog may hold old markers, and comes before a new one is made.
        self._intake.marker = self._clock.topic.encode(), b""
        self._subscriptions = Subscriptions(self._fleet, self._clock.topic)
        self._watch = Watch(settings.database, self._fleet, self)
        self.turns = Turns(max(TURN_SECONDS, 12 * settings.database.command_timeout))
        metrics.LISTENING.set_function(lambda: float(self._clock.listening))
        metrics.OLDEST_UNACKED.set_function(self._oldest_unacknowledged)
        metrics.UNACKED.set_function(lambda: sum(b.messages for b in (self._committing, self._intake.batch) if b))

    def stop(self) -> None:
        """Begin an orderly stop."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Serve until stopped."""
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(self._watch.run(), name="watch"),
                tasks.create_task(self._telling.run(lambda: self._session), name="tell"),
                tasks.create_task(self._rollups.run(), name="rollups"),
            ]
            serving = tasks.create_task(self._serve(), name="serve")
            await asyncio.wait([serving, tasks.create_task(self._stopping.wait())], return_when="FIRST_COMPLETED")
            await asyncio.wait([serving], timeout=STOP_SECONDS)
            for task in (serving, *beside):
                task.cancel()
            self._stopping.set()

    # --- the store

    async def _serve(self) -> None:
        retry, waiting_for = Backoff(STORE_SECONDS), ""
        while not self._stopping.is_set():
            try:
                await self._with_store(retry)
                waiting_for = ""
            except LockLostError as error:
                self._health.database(ready=False, detail=str(error))
                if str(error) != waiting_for:
                    log.warning("waiting", extra={"detail": str(error)})
                waiting_for = str(error)
                await self._pause(1.0)
            except StoreUnavailableError as error:
                self._health.database(ready=False, detail="PostgreSQL does not answer")
                log.warning("the store is not available", extra={"detail": str(error)})
                await self._pause(retry.pause())

    async def _with_store(self, retry: Backoff) -> None:
        """Open the store, then serve the broker until the store fails for long, or we are stopped."""
        self._writer = await self._open_writer()
        try:
            await self._loaded()
            self._writer.reschedule()
            retry.began()
            self._health.database(ready=True)
            await self._serve_broker()
        finally:
            self._health.database(ready=False, detail="closed")
            self._writer.abandon()

    async def _open_writer(self) -> Writer:
        writer = await Writer.open(self._settings.database, self._fleet, self._rollups.horizon)
        try:
            await self._rollups.load(writer.connection)
        except BaseException:
            writer.abandon()
            raise
        return writer

    async def _loaded(self) -> None:
        """Wait until the fleet is in memory: without it every reading would be a stranger's."""
        loaded, stopping = asyncio.create_task(self._watch.loaded.wait()), asyncio.create_task(self._stopping.wait())
        await asyncio.wait([loaded, stopping], return_when=asyncio.FIRST_COMPLETED)
        loaded.cancel()
        stopping.cancel()

    # --- the broker

    async def _serve_broker(self) -> None:
        retry = Backoff(BROKER_SECONDS)
        while not self._stopping.is_set():
            ended = await self._one_session(retry)
            self._health.broker(ready=False, detail=ended)
            await self._pause(retry.pause())

    async def _one_session(self, retry: Backoff) -> str:
        """Serve one connection until it is lost or we are stopped; say why it is no more."""
        session = self._session = Session(self._mqtt, self._take)
        try:
            await session.connect()
            retry.began()
            self._opened(session)
            await self._pump(session)
        except BrokerRefusedError as error:
            log.error("the broker refuses us", extra={"detail": str(error)})  # noqa: TRY400 - no traceback for a no
            return f"refused: {error}"
        except BrokerUnavailableError as error:
            log.warning("no broker", extra={"detail": str(error)})
            return f"no connection: {error}"
        finally:
            await session.close()
            self._forget()
        return "not connected"

    def _opened(self, session: Session) -> None:
        metrics.RECONNECTS.inc()
        if session.session_present:
            self._health.broker(ready=True)  # its subscriptions stand; their answer comes behind the backlog
        else:
            metrics.SESSIONS_LOST.inc()
            log.warning("the broker had no session of ours: what it held for us, if anything, is lost")
        self._clock.connected()
        self._intake.marker = self._clock.marker()
        log.info("connected", extra={"session_present": session.session_present})

    def _forget(self) -> None:
        """Drop what was not committed: the broker sends it again, and old packet ids mean nothing any more."""
        batch = self._intake.cut()
        self._intake.discard(batch)
        self._keep(batch)
        self._clock.disconnected()
        self._health.broker(ready=False, detail="not connected")

    def _take(self, published: list[Publish]) -> None:
        """Take a chunk of messages; wake the pump for the first of a batch and for a full one."""
        batch = self._intake.batch
        first = not batch.messages
        self._traces.take(published)
        full = len(batch.rows) + len(batch.held) >= self._settings.ingest.batch_rows
        if full and self._session is not None:
            self._session.pause()  # until a commit has made room
        if first or full:
            self._wake.set()

    # --- the pump

    async def _pump(self, session: Session) -> None:
        """Commit batch after batch until the session is lost or we are stopped.

        The backlog comes at once, before the answer to our subscriptions, so subscribing runs beside it.
        """
        session.lost.add_done_callback(lambda _: self._wake.set())
        subscribing = asyncio.create_task(self._subscribe(session), name="subscribe")
        try:
            await self._commit_until_lost(session)
        finally:
            self.turns.rest()
            subscribing.cancel()
        if subscribing.done() and not subscribing.cancelled():
            subscribing.result()

    async def _subscribe(self, session: Session) -> None:
        def subscribed() -> None:
            self._mark(session)
            self._health.broker(ready=True)

        try:
            await self._subscriptions.follow(session, subscribed)
        except FrostGuardError:
            session.abort()
            raise

    def _mark(self, session: Session) -> None:
        """Publish the marker whose return says that everything before it has come."""
        self._intake.marker = self._clock.marker()
        session.publish(self._clock.topic, self._clock.token)

    async def _commit_until_lost(self, session: Session) -> None:
        while not session.lost.done():
            self.turns.turn()
            await self._collect(session)
            if self._asked:
                await self._take_asked()
            if self._stopping.is_set():
                session.pause()
            batch = self._intake.batch
            self._clock.fill(batch, self._writer, full=len(batch.rows) >= self._settings.ingest.batch_rows)
            if self._clock.wants_marker:
                self._mark(session)
            if batch:
                await self._commit(session, self._intake.cut())
            if self._stopping.is_set():
                return

    async def _collect(self, session: Session) -> None:
        """Wait until a batch is worth a commit: it is old enough, large enough, or the last one took its time."""
        batch, settings = self._intake.batch, self._settings.ingest
        while not batch and not self._asked and not self._stopping.is_set() and not session.lost.done():
            left = self._clock.seconds_left(self._writer)
            if left <= 0:
                return
            self._wake.clear()
            await self._woken(left)
        while batch.messages and not self._stopping.is_set() and not session.lost.done():
            left = batch.opened_at + settings.batch_ms / 1000 - time.monotonic()
            if left <= 0 or len(batch.rows) >= settings.batch_rows:
                return
            self._wake.clear()
            await self._woken(left)

    async def _woken(self, seconds: float) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    async def _take_asked(self) -> None:
        """Take what waits in the tables into the open batch, some hundred at a time: HTTP's messages, and replays."""
        if self._writer is None:
            return
        asked, self._asked = self._asked, set()
        if INBOX in asked:
            messages = await self._writer.inbox(AT_ONCE)
            for message in messages:
                self._intake.deliver(message["id"], message["received_at"], message["topic"], message["payload"])
                self._traces.delivered(message)
            if len(messages) == AT_ONCE:
                self._asked.add(INBOX)
        if REPLAYS in asked:
            letters = await self._writer.requested_replays(AT_ONCE)
            for letter in letters:
                self._intake.replay(letter["id"], letter["received_at"], letter["topic"], letter["payload"])
            if len(letters) == AT_ONCE:
                self._asked.add(REPLAYS)

    async def _commit(self, session: Session, batch: Batch) -> None:
        started = time.monotonic()
        self._committing = batch
        session.resume()  # the next batch fills while this one is committed
        try:
            written = await self._write(batch, session)
        except BaseException:
            self._intake.discard(batch)
            self._keep(batch)
            raise
        finally:
            self._committing = None
        session.acknowledge(batch.packet_ids)
        self._traces.done(batch, written, started)
        session.resume()
        self._clock.committed(batch, alerts_held=written.judged.held, more_logs=written.judged.more_logs)
        self._telling.note(written.moved)
        count(batch, written, time.monotonic() - started)

    async def _write(self, batch: Batch, session: Session) -> Written:
        """Write until it is written, for PATIENCE seconds. Raises StoreUnavailableError after that."""
        deadline, retry = time.monotonic() + PATIENCE, Backoff(BATCH_SECONDS)
        while True:
            try:
                if self._writer is None or not self._writer.usable:
                    self._writer = await self._open_writer()
                    self._health.database(ready=True)
                return await self._writer.commit(batch)
            except (StoreUnavailableError, LockLostError) as error:
                if self._writer is not None:
                    self._writer.abandon()
                self._health.database(ready=False, detail="PostgreSQL does not answer")
                session.pause()
                metrics.RETRIES.inc()
                log.warning("a batch is tried again", extra={"detail": str(error), "readings": len(batch.rows)})
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(retry.pause())

    # --- beside it

    def _keep(self, batch: Batch) -> None:
        """Ask again for what a batch that was not committed was asked for and no message brings back."""
        following = self._intake.batch
        following.assigned |= batch.assigned
        following.changed_units |= batch.changed_units
        if batch.ask_logs:
            self._clock.ask_logs()
        self._clock.ask_alerts()
        self._asked |= {INBOX, REPLAYS}

    def assigned(self, sensors: Iterable[UUID]) -> None:
        """Let the next batch move what was held for these; every batch that may hold more of it comes before."""
        self._intake.batch.assigned.update(sensors)
        self._wake.set()

    def changed(self, units: Iterable[UUID]) -> None:
        """Let the next batch look at units whose rules have changed."""
        self._intake.batch.changed_units.update(units)
        self._wake.set()

    def fleet_changed(self) -> None:
        """Let the subscriptions follow."""
        self._subscriptions.changed()

    def prepared(self, preparation: int) -> None:
        """Let a marker say when all has come that was queued before another layout was prepared."""
        if preparation > self._clock.preparation:
            self._clock.prepare(preparation)
            self._intake.batch.marked = False
            if self._session is not None:
                self._mark(self._session)
            self._wake.set()

    def asked(self, name: str) -> None:
        """Let the next batch take what somebody asked for."""
        if name in (REPLAYS, INBOX):
            self._asked.add(name)
        elif name == LOGS:
            self._clock.ask_logs()
        else:
            self._clock.ask_alerts()
        self._wake.set()

    def _oldest_unacknowledged(self) -> float:
        batch = self._committing or self._intake.batch
        return time.monotonic() - batch.opened_at if batch.messages else 0.0

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
