"""Judge what a batch brought, inside its transaction: states, alerts, what belongs together, what is said to people.

    new rows, manual logs, deadlines  ->  frostguard.domain  ->  events  ->  changes of alerts  ->  notifications

Decisions are the domain's; this module fetches what they need and writes what they say. Nothing here moves memory: the
working copies replace the committed states after the commit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from frostguard.domain.event import Event, EventKind
from frostguard.domain.gateway import Gateway, fall_silent, hear, lose
from frostguard.domain.judge import VERDICTS
from frostguard.domain.outages import Outage
from frostguard.domain.reading import Reading
from frostguard.domain.unit import ManualLog, expire, forget_sensor, manual_log, observe
from frostguard.domain.unit_state import FOREVER, UnitState
from frostguard.store import events as event_table
from frostguard.store import manual_logs, outages, shards, states
from frostguard.store.alerts import Subject
from frostguard.store.connection import Connection, Record
from frostguard.store.events import UnitEvent
from frostguard.units import Unit
from ingest.alerting import Alerting
from ingest.batch import Batch
from ingest.catching_up import CatchingUp
from ingest.fleet import Fleet
from ingest.memory import Memory

LOGS = 1000  # manual logs judged in one batch
LISTENED_EVERY = timedelta(seconds=5)


@dataclass(slots=True)
class Judged:
    """What to put into memory after the commit."""

    units: dict[UUID, UnitState] = field(default_factory=dict)
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


class Folding:
    """One batch's working copies and what they said. Pure: it reads memory and writes nothing."""

    def __init__(self, fleet: Fleet, memory: Memory) -> None:
        self._fleet = fleet
        self._memory = memory
        self.working: dict[UUID, tuple[UnitState, Unit]] = {}
        self.events: dict[UUID, list[Event]] = {}
        self.late: dict[UUID, list[Reading]] = {}
        self.gateways: dict[UUID, Gateway] = {}
        self.forgotten: list[tuple[UUID, UUID]] = []
        self.oldest = FOREVER  # event time of the oldest new reading

    def _touch(self, unit_id: UUID) -> tuple[UnitState, Unit] | None:
        """Return the working copy, made at the first touch; None for a unit that is gone."""
        known = self.working.get(unit_id)
        if known is None:
            unit = self._fleet.units.get(unit_id)
            if unit is None:
                return None
            committed = self._memory.units.get(unit_id)
            known = (committed.copy() if committed is not None else UnitState(unit_id), unit)
            self.working[unit_id] = known
        return known

    def readings(self, rows: Sequence[Reading]) -> None:
        """Fold new readings, which are in the table's order: unit by unit, each in event time."""
        outages, unit_id, known = self._memory.outages, None, None
        same = spans = outages.same
        for row in rows:
            if row[0] is not unit_id:
                unit_id = row[0]
                known = self._touch(unit_id)
                self.oldest = min(self.oldest, row[1])
                if same is None and known is not None:
                    spans = outages.of(known[1].subject.organization_id)
            if known is not None:
                said = observe(known[0], row, known[1].rules, spans or ())
                if said:
                    self._note(row, said)

    def _note(self, row: Reading, said: Iterable[Event]) -> None:
        for event in said:
            if event.kind is EventKind.READING_LATE:
                self.late.setdefault(row.unit_id, []).append(row)
            else:
                self.events.setdefault(row.unit_id, []).append(event)

    def logs(self, logs: Iterable[Record]) -> None:
        """Fold manual logs."""
        for log in logs:
            known = self._touch(log["unit_id"])
            if known is not None:
                state, unit = known
                spans = self._memory.outages.of(unit.subject.organization_id)
                said = manual_log(state, ManualLog(log["logged_at"], log["celsius"]), unit.rules, spans)
                self.events.setdefault(unit.subject.id, []).extend(said)

    def changed_rules(self, units: Iterable[UUID], now: datetime) -> None:
        """Let go of sensors that no longer belong to these units."""
        for unit_id in units:
            committed = self._memory.units.get(unit_id)
            unit = self._fleet.units.get(unit_id)
            if committed is None or unit is None:
                continue
            for sensor in committed.every_sensor().keys() - unit.rules.sensors.keys():
                known = self._touch(unit_id)
                assert known is not None
                said = forget_sensor(known[0], sensor, now, unit.rules)
                self.events.setdefault(unit_id, []).extend(said)
                self.forgotten.append((unit_id, sensor))

    def expire(self, units: Iterable[UUID], now: datetime) -> None:
        """Let what is due expire."""
        for unit_id in units:
            known = self._touch(unit_id)
            if known is not None:
                state, unit = known
                said = expire(state, now, unit.rules, self._memory.outages.of(unit.subject.organization_id))
                if said:
                    self.events.setdefault(unit_id, []).extend(said)

    def listen(self, batch: Batch) -> None:
        """Take what was heard of gateways: words, birth messages, last wills."""
        for gateway_id, at in batch.spoke.items():
            self._hear(gateway_id, at)
        for gateway_id, (online, at) in batch.statuses.items():
            if online and batch.listening:
                self._hear(gateway_id, at)
            elif online:  # perhaps only what the broker retains: no word of the gateway's, but no loss either
                self.gateways[gateway_id] = self._gateway(gateway_id)._replace(lost_at=None)
            elif at >= batch.spoke.get(gateway_id, at):  # else it is the will of an earlier connection
                self.gateways[gateway_id] = lose(self._gateway(gateway_id), at)

    def _gateway(self, gateway_id: UUID) -> Gateway:
        return self.gateways.get(gateway_id) or self._memory.gateways.get(gateway_id) or Gateway(gateway_id)

    def _hear(self, gateway_id: UUID, at: datetime) -> None:
        self.gateways[gateway_id], said = hear(self._gateway(gateway_id), at)
        if said:
            self.events.setdefault(gateway_id, []).extend(said)

    def silence(self, gateways: Iterable[UUID], now: datetime) -> None:
        """Say of gateways that are due that they are silent, unless this very batch heard them."""
        for gateway_id in gateways:
            known = self._memory.gateways.get(gateway_id)
            if known is not None and gateway_id not in self.gateways:
                self.gateways[gateway_id], said = fall_silent(known, now)
                self.events.setdefault(gateway_id, []).extend(said)

    def subject(self, subject_id: UUID) -> Subject | None:
        """Return whom events are about: a unit, or a gateway."""
        known = self.working.get(subject_id)
        if known is not None:
            return known[1].subject
        owner = self._fleet.owner_of_gateway(subject_id)
        return Subject(owner.id, subject_id, gateway_id=subject_id) if owner is not None else None


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
        judged = Judged(units={key: state for key, (state, _) in folding.working.items()}, gateways=folding.gateways)
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
        if moved:
            judged.moved = [state.unit_id for state in await states.save(connection, moved)]
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
