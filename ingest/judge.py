"""Judge what a batch brought, inside its transaction: states, alerts, what belongs together, what is said to people.

    new rows, manual logs, deadlines  ->  frostguard.domain  ->  events  ->  changes of alerts  ->  notifications

Decisions are the domain's; this module fetches what they need and writes what they say. Nothing here moves memory: the
working copies replace the committed states after the commit.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from frostguard.domain.gateway import Gateway
from frostguard.domain.judge import VERDICTS
from frostguard.domain.outages import Outage
from frostguard.domain.run import Last
from frostguard.domain.unit_state import UnitState
from frostguard.store import events as event_table
from frostguard.store import manual_logs, outages, shards, states
from frostguard.store.connection import Connection
from frostguard.store.events import UnitEvent
from ingest.alerting import Alerting
from ingest.batch import Batch
from ingest.catching_up import CatchingUp
from ingest.fleet import Fleet
from ingest.folding import Folding
from ingest.memory import Memory

LOGS = 1000  # manual logs judged in one batch
LISTENED_EVERY = timedelta(seconds=5)


@dataclass(slots=True)
class Judged:
    """What to put into memory after the commit: states that take the committed ones' place, and what moves those on."""

    units: dict[UUID, UnitState] = field(default_factory=dict)
    dull: dict[UUID, Last] = field(default_factory=dict)
    # Units and gateways whose deadlines may have come nearer.
    moved: list[UUID] = field(default_factory=list)
    gateways: dict[UUID, Gateway] = field(default_factory=dict)
    outage: Outage | None = None
    listened_until: datetime | None = None
    # Alerts are waiting to be told: ask again.
    held: bool = False
    # There may be more manual logs than one batch takes.
    more_logs: bool = False
    events: int = 0
    alerts: int = 0


class Judge:
    """Judges batches of one shard."""

    def __init__(self, fleet: Fleet, catching_up: CatchingUp) -> None:
        self._fleet = fleet
        self._shard = fleet.shard
        self._alerting = Alerting(fleet, catching_up)

    def begin(self, memory: Memory) -> Folding:
        """Return the folding of a batch, which wants the new readings next, and then `judge`."""
        return Folding(self._fleet, memory)

    async def judge(
        self, connection: Connection, memory: Memory, batch: Batch, folding: Folding, now: datetime
    ) -> Judged:
        """Judge and write, inside the caller's transaction."""
        # After the readings, for those of this batch were taken when the sensor still belonged to the unit.
        folding.changed_rules(batch.changed_units, now)
        logs = await manual_logs.lock_unjudged(connection, LOGS, self._shard) if batch.ask_logs else []
        folding.logs(logs)
        folding.listen(batch)
        if batch.listening:
            folding.silence(batch.due_gateways, now)
            folding.expire(batch.due_units, now)
        units = {key: state for key, (state, _) in folding.working.items()}
        judged = Judged(units=units, dull=folding.dull, gateways=folding.gateways)
        judged.more_logs = len(logs) == LOGS
        await self._write_states(connection, memory, folding, judged)
        if logs:
            await manual_logs.settle(connection, [log["id"] for log in logs])
        if folding.events or folding.late or batch.ask_alerts:
            await self._speak(connection, folding, batch, judged, now)
        await self._listened(connection, memory, batch, judged, now)
        return judged

    async def _write_states(self, connection: Connection, memory: Memory, folding: Folding, judged: Judged) -> None:
        moved = [(state, memory.units.get(key)) for key, state in judged.units.items()]
        if moved or judged.dull:
            judged.moved = [state.unit_id for state in await states.save(connection, moved, judged.dull)]
        if folding.forgotten:
            await states.forget_sensors(connection, folding.forgotten)
        # That it was heard is written once a minute with the batch; here only what a restart must not forget.
        told = [
            gateway for key, gateway in folding.gateways.items()
            if (before := memory.gateways.get(key)) is None
            or (before.lost_at, before.silent_since) != (gateway.lost_at, gateway.silent_since)
        ]  # fmt: skip
        if told:
            await states.save_gateways(connection, told)

    async def _speak(
        self, connection: Connection, folding: Folding, batch: Batch, judged: Judged, now: datetime
    ) -> None:
        subjects = {key: subject for key in folding.events if (subject := folding.subject(key)) is not None}
        facts = [
            UnitEvent(subject.organization_id, subject.site_id, subject.unit_id, event)
            for key, subject in subjects.items()
            for event in folding.events[key]
        ]
        if facts:
            await event_table.add(connection, facts)
        judged.events = len(facts)
        speaking = {key: [e for e in folding.events[key] if VERDICTS[e.kind]] for key in subjects}
        result = await self._alerting.handle(
            connection, {k: e for k, e in speaking.items() if e}, subjects, folding.late, batch, now
        )
        judged.held, judged.alerts = result.held, result.changes

    async def _listened(
        self, connection: Connection, memory: Memory, batch: Batch, judged: Judged, now: datetime
    ) -> None:
        """Write down until when we listened, and that an outage is over."""
        if batch.drained and now > memory.listened_until:
            judged.outage = Outage(memory.listened_until, now)
            await outages.add(connection, self._shard, judged.outage)
        # What expired was heard not to come: an outage that begins before it would contradict it for ever.
        expired = batch.due_units or batch.due_gateways
        last = memory.listened_until
        if batch.drained or (batch.listening and (expired or now - last >= LISTENED_EVERY)):
            await outages.listened(connection, self._shard, now)
            judged.listened_until = now
        if batch.preparation:
            await shards.answer(connection, self._shard, batch.preparation)
