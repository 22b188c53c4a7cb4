"""Fold one batch into working copies of what memory holds: readings, manual logs, what was heard, what is due. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from frostguard.domain.event import Event, EventKind
from frostguard.domain.gateway import Gateway, fall_silent, hear, lose
from frostguard.domain.reading import Reading
from frostguard.domain.run import Last, Piece, dull, leave, pieces
from frostguard.domain.unit import ManualLog, expire, forget_sensor, manual_log, observe
from frostguard.domain.unit_state import FOREVER, UnitState
from frostguard.store.alerts import Subject
from frostguard.store.connection import Record
from frostguard.units import Unit
from ingest.batch import Batch
from ingest.fleet import Fleet
from ingest.memory import Memory


class Folding:
    """One batch's working copies and what they said. It reads memory and writes nothing.

    A unit is in `working` or, as long as its readings have been dull, in `dull`: it has no working copy then.
    """

    def __init__(self, fleet: Fleet, memory: Memory) -> None:
        self._fleet = fleet
        self._memory = memory
        self.working: dict[UUID, tuple[UnitState, Unit]] = {}
        self.dull: dict[UUID, Last] = {}
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
            if (last := self.dull.pop(unit_id, None)) is not None:
                leave(known[0], last)
        return known

    def readings(self, rows: Sequence[Reading]) -> None:
        """Fold new readings, which are in the table's order: unit by unit, each in event time."""
        for piece in pieces(rows):
            self.piece(piece)

    def piece(self, piece: Piece) -> None:
        """Fold the next piece of them. Nearly all are dull, and leave no more than their last values."""
        ids, times, oldest, start = piece.columns[0], piece.columns[1], self.oldest, 0
        committed, units, working, lasts = self._memory.units, self._fleet.units, self.working, self.dull
        for stop in piece.stops:
            unit_id = ids[start]
            oldest = min(oldest, times[start])
            state, unit, last = committed.get(unit_id), units.get(unit_id), None
            if state is not None and unit is not None and unit_id not in lasts and unit_id not in working:
                last = dull(state, piece, start, stop, unit.rules)
            if last is not None:
                lasts[unit_id] = last
            else:
                self._one_by_one(unit_id, piece, start, stop)
            start = stop
        self.oldest = oldest

    def _one_by_one(self, unit_id: UUID, piece: Piece, start: int, stop: int) -> None:
        """Fold a run that may say something. Often that is its first reading, and what follows is dull."""
        known = self._touch(unit_id)
        if known is None:
            return
        state, unit = known
        spans = self._memory.outages.of(unit.subject.organization_id)
        for at in range(start, stop):
            said = observe(state, piece.rows[at], unit.rules, spans)
            if said:
                self._note(piece.rows[at], said)
            if at == start and (last := dull(state, piece, start + 1, stop, unit.rules)) is not None:
                leave(state, last)
                return

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
