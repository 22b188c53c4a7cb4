"""One batch, one transaction, on the one connection that holds the shard's lock.

What lost the lock cannot write: the lock belongs to the session that writes. Memory (watermarks) takes what a batch
changed only after its commit.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Self
from uuid import UUID

from frostguard.config import DatabaseSettings
from frostguard.domain.buckets import Span, floor
from frostguard.domain.reading import Reading
from frostguard.domain.run import leave
from frostguard.domain.shards import Shard
from frostguard.errors import (
    ConflictError,
    LockLostError,
    MissingPartitionError,
    RowRefusedError,
    StoreUnavailableError,
)
from frostguard.store import dead_letters, fleet, gateway_states, held, http_inbox, locks, partitions, readings, shards
from frostguard.store import watermarks as watermark_table
from frostguard.store.connection import Connection, Record, abandon, connect, savepoint, translated
from frostguard.store.dead_letters import DeadLetter, Overflow
from frostguard.store.watermarks import Watermark
from frostguard.wire import packets
from frostguard.wire.packets import Measurement
from frostguard.wire.topics import readings_topic
from ingest import feed
from ingest.batch import Batch, in_table_order
from ingest.catching_up import CatchingUp
from ingest.fleet import Fleet
from ingest.folding import Folding
from ingest.judge import Judge, Judged
from ingest.memory import Deadlines, Memory
from ingest.rollups import Horizon
from ingest.watermarks import Key, Progress

log = logging.getLogger("ingest.writer")

STAGE_AFTER_CONFLICT = 20
"""Batches that go through the temporary table after one met a known key: where one came again, more will."""


class How(Enum):
    """The ways of storing rows, each slower than the one before and able to bear more."""

    COPY = "everything should be new"
    STAGE = "some may be there already"
    SIFT = "some are refused by the database"


@dataclass(slots=True)
class Written:
    """What one commit did."""

    new: Sequence[Reading] = ()
    duplicates: int = 0
    released: int = 0
    refused: list[DeadLetter] = field(default_factory=list)
    given_up: int = 0
    # Boots whose watermark moved: what the gateways are told.
    moved: dict[Key, Progress] = field(default_factory=dict)
    judged: Judged = field(default_factory=Judged)
    # The last statements of the transaction.
    closing: str = "commit"
    # When the rows were there, were judged, were committed: nanoseconds since 1970, for who traces a message.
    copied_at: int = 0
    judged_at: int = 0
    committed_at: int = 0


class Writer:
    """The writing connection and what memory knows of the committed state."""

    def __init__(self, connection: Connection, memory: Memory, fleet: Fleet, horizon: Horizon) -> None:
        self._connection = connection
        self._memory = memory
        self._fleet = fleet
        # What may be summed already; a horizon of its own marks every reading, and nothing is lost by that.
        self._horizon = horizon
        self._catching_up = CatchingUp()
        self._deadlines = Deadlines(fleet, memory, self._catching_up)
        self._judge = Judge(fleet, self._catching_up)
        self._batches = 0
        self._stage_until = 0

    @classmethod
    async def open(cls, settings: DatabaseSettings, fleet: Fleet, horizon: Horizon | None = None) -> Self:
        """Connect, take the fleet's shard, read back what was committed.

        Raises StoreUnavailableError, or LockLostError while another daemon holds the shard, daemons of another layout
        are at work, or there may be no such layout yet.
        """
        shard = fleet.shard
        connection = await connect(settings, f"frostguard-ingest-{shard.number}")
        try:
            await _lock(connection, shard)
            await readings.prepare(connection)
            await partitions.ensure_ahead(connection, datetime.now(UTC))
            return cls(connection, await Memory.read(connection, shard), fleet, horizon or Horizon(shard))
        except BaseException:
            abandon(connection)
            raise

    def abandon(self) -> None:
        """Drop the connection, and with it the lock, at once."""
        abandon(self._connection)

    @property
    def connection(self) -> Connection:
        """The connection that holds the lock; for use between commits only."""
        return self._connection

    async def inbox(self, limit: int) -> list[Record]:
        """Return messages that came by HTTP, oldest first."""
        return await http_inbox.waiting(self._connection, 0, limit, self._fleet.shard)

    async def requested_replays(self, limit: int) -> list[Record]:
        """Return dead letters that somebody asked for again, oldest first."""
        return await dead_letters.requested(self._connection, 0, limit, self._fleet.shard)

    def reschedule(self) -> None:
        """Ask every unit and gateway of the fleet when it is due."""
        self._deadlines = Deadlines(self._fleet, self._memory, self._catching_up)

    def due(self, now: datetime, batch: Batch) -> tuple[list[UUID], list[UUID]]:
        """Take out the units and gateways that are due: they must be in this batch, which is the next."""
        self._catching_up.note(batch.behind)
        return self._deadlines.due(now)

    def next_due(self) -> datetime | None:
        """Return when somebody is due next, at the earliest."""
        return self._deadlines.next()

    @property
    def usable(self) -> bool:
        """Whether the connection stands, as far as we know."""
        return not self._connection.is_closed()

    async def commit(self, batch: Batch) -> Written:
        """Write all of a batch, or nothing. Raises StoreUnavailableError: the outcome may be unknown, write it again.

        Rows that PostgreSQL refuses become dead letters in the same transaction.
        """
        self._catching_up.note(batch.behind)
        batch.rows = in_table_order(batch.rows)
        how = How.STAGE if batch.redelivered or self._batches < self._stage_until else How.COPY
        self._batches += 1
        while True:
            try:
                return await self._transaction(batch, how)
            except MissingPartitionError:
                log.warning("no partition for some readings: making it", extra={"readings": len(batch.rows)})
                await partitions.ensure(self._connection, {partitions.week_of(row.recorded_at) for row in batch.rows})
            except ConflictError:
                if how is not How.COPY:
                    raise
                how, self._stage_until = How.STAGE, self._batches + STAGE_AFTER_CONFLICT
            except RowRefusedError as error:
                if how is How.SIFT:
                    raise
                log.warning("a row was refused, looking for it", extra={"detail": str(error)})
                how = How.SIFT

    async def _transaction(self, batch: Batch, how: How) -> Written:
        connection = self._connection
        if connection.is_closed():
            raise StoreUnavailableError("the connection is closed")
        with translated():
            await connection.execute("begin")
            try:
                written = await self._write(connection, batch, how)
                await connection.execute(written.closing)
                written.committed_at = time.time_ns()
            except BaseException:
                await self._roll_back()
                raise
        self._remember(batch, written)
        return written

    def _remember(self, batch: Batch, written: Written) -> None:
        """Memory takes what is committed now."""
        memory, judged = self._memory, written.judged
        memory.watermarks.commit(written.moved)
        for unit_id, last in judged.dull.items():
            leave(memory.units[unit_id], last)
        memory.units.update(judged.units)
        memory.gateways.update(judged.gateways)
        if judged.outage is not None:
            memory.add_outage(judged.outage)
        if judged.listened_until is not None:
            memory.listened_until = judged.listened_until
        self._deadlines.schedule((*judged.moved, *batch.due_units, *batch.changed_units))
        self._deadlines.schedule_gateways((*judged.gateways, *batch.due_gateways))
        if batch.changed_units:
            # The rules of what is behind it may be rules of the gateway's silence too.
            units = [self._fleet.units.get(unit_id) for unit_id in batch.changed_units]
            self._deadlines.schedule_gateways({u.gateway_id for u in units if u is not None and u.gateway_id})

    async def _roll_back(self) -> None:
        try:
            if not self._connection.is_closed():
                await self._connection.execute("rollback", timeout=2)
        except Exception:  # noqa: BLE001 - whatever it was: a connection that cannot roll back is of no use
            self.abandon()

    async def _write(self, connection: Connection, batch: Batch, how: How) -> Written:
        written, now = Written(), datetime.now(UTC)
        folding = self._judge.begin(self._memory)
        if batch.pending:
            await self._register(connection, batch)
        if batch.rows:
            await self._store(connection, batch, written, how, folding)
        if batch.held:
            await self._hold(connection, batch.held, written, how)
        if batch.assigned:
            await self._release(connection, batch.assigned, written, how)
        if how is not How.COPY or batch.assigned:
            folding.readings(written.new)  # with what was released, in one order
        written.copied_at = time.time_ns()
        await self._horizon.mark_late(connection, written.new, folding.oldest, now)
        await self._note(connection, batch, written)
        written.judged = await self._judge.judge(connection, self._memory, batch, folding, now)
        written.judged_at = time.time_ns()
        written.closing = feed.closing(written.new, written.judged, folding.oldest)
        return written

    async def _note(self, connection: Connection, batch: Batch, written: Written) -> None:
        """Write what is beside the readings: dead letters, watermarks, gateways, what was taken from the tables."""
        if batch.letters or written.refused:
            await dead_letters.insert(connection, [*batch.letters, *written.refused])
        if batch.overflows:
            totals = [Overflow(*key, dropped) for key, dropped in sorted(batch.overflows.items())]
            await dead_letters.add_overflows(connection, totals)
        if batch.numbers or batch.oldest:
            await self._settle(connection, batch, written)
        if batch.statuses:
            await gateway_states.save_status(connection, [(g, *status) for g, status in batch.statuses.items()])
        if batch.heard:
            await gateway_states.save_heard(connection, list(batch.heard.items()))
        if batch.inbox:
            await http_inbox.remove(connection, batch.inbox)
        if batch.replayed or batch.replay_refused:
            await dead_letters.settle(connection, batch.replayed, batch.replay_refused)

    async def _register(self, connection: Connection, batch: Batch) -> None:
        """Register unknown sensors; where somebody was faster, their readings take the id that there is.

        It may have a unit already. They are held all the same, until the fleet knows it too: nobody would judge them.
        """
        ids = await held.register_pending(connection, list(batch.pending.values()))
        other = {row[0]: ids[key] for key, row in batch.pending.items() if ids.get(key, row[0]) != row[0]}
        if other:
            batch.held = [row._replace(sensor_id=other.get(row.sensor_id, row.sensor_id)) for row in batch.held]

    async def _store(self, connection: Connection, batch: Batch, written: Written, how: How, folding: Folding) -> None:
        rows = batch.rows
        if how is How.COPY:
            # All are new, or the transaction is for nothing: they are judged while the server takes them in.
            await readings.copy(connection, rows, None if batch.assigned else folding.piece)
            written.new = rows
        elif how is How.STAGE:
            written.new = await readings.insert(connection, rows)
        else:
            written.new, bad = await readings.sift(connection, rows)
            written.refused += [await _refused(connection, row, reason) for row, reason in bad]
        written.duplicates = len(rows) - len(written.new) - len(written.refused)

    async def _hold(self, connection: Connection, rows: list[Reading], written: Written, how: How) -> None:
        if how is not How.SIFT:
            await held.insert(connection, rows)
            return
        for row in rows:
            try:
                async with savepoint(connection):
                    await held.insert(connection, [row])
            except RowRefusedError as error:
                written.refused.append(await _refused(connection, row, str(error)))

    async def _release(self, connection: Connection, sensors: set[UUID], written: Written, how: How) -> None:
        """Move the held readings of sensors that have a unit now."""
        rows = await held.take(connection, list(sensors))
        if rows:
            await partitions.ensure(connection, {partitions.week_of(row.recorded_at) for row in rows})
            await connection.execute(readings.CLEAR_STAGING)
            moved: Sequence[Reading]
            if how is How.SIFT:
                moved, bad = await readings.sift(connection, rows)
                written.refused += [await _refused(connection, row, reason) for row, reason in bad]
            else:
                moved = await readings.insert(connection, rows)
            written.released = len(moved)
            known = {row[:4] for row in written.new}  # one that was held may have come again in this batch
            written.new = in_table_order([*written.new, *(row for row in moved if row[:4] not in known)])

    async def _settle(self, connection: Connection, batch: Batch, written: Written) -> None:
        known = self._memory.watermarks
        changed: dict[Key, Progress] = {}
        for key, numbers in batch.numbers.items():
            changed[key] = progress = known.working_copy(key)
            for number in numbers:
                progress.settle(number)
        for key, oldest in batch.oldest.items():
            if key not in changed:
                changed[key] = known.working_copy(key)
            written.given_up += changed[key].skip_to(oldest)
        rows = [Watermark(*key, progress.upto, progress.beyond()) for key, progress in changed.items()]
        await watermark_table.save(connection, rows)
        new = {gateway for gateway, boot in changed if known.is_new((gateway, boot))}
        if new:
            await watermark_table.forget_old_boots(connection, list(new))
        written.moved = changed


async def _lock(connection: Connection, shard: Shard) -> None:
    others = await locks.try_layout(connection, shard)
    if others is not None:
        raise LockLostError(f"daemons of another layout are at work: {others} shards; this is shard {shard}")
    if not await locks.try_shard(connection, shard.number):
        raise LockLostError(f"another daemon holds shard {shard.number if shard.of == 1 else shard}")
    if await shards.adopt(connection, shard, floor(datetime.now(UTC), Span.DAY)):
        log.info("the number of shards has changed", extra={"shards": shard.of})


async def _refused(connection: Connection, row: Reading, reason: str) -> DeadLetter:
    """Keep a row that PostgreSQL refused, as the message it would have been alone, to be taken through again."""
    origin = await fleet.origin(connection, row.sensor_id)
    serial, topic = str(row.sensor_id), f"sensor/{row.sensor_id}"
    if origin is not None:
        serial = origin["serial"]
        if origin["gateway"] is not None:
            topic = readings_topic(origin["slug"], origin["gateway"])
    values = {name: value for name, value in row._asdict().items() if name in Measurement._fields}
    return DeadLetter(
        received_at=row.received_at,
        organization_id=origin["organization_id"] if origin else None,
        gateway_id=origin["gateway_id"] if origin else None,
        topic=topic,
        payload=packets.encode([Measurement(serial, row.recorded_at, **values)]),
        reason="refused_by_database",
        detail=reason[:500],
    )
