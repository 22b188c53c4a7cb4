"""What the daemon remembers of the committed truth: states, watermarks, outages; and who must be woken when.

Memory takes a batch's changes after its commit, never before, and is read anew with every new writing connection: after
a commit whose answer was lost, only the database knows what is true.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from frostguard.domain.gateway import Gateway, gateway_due
from frostguard.domain.outages import Outage
from frostguard.domain.shards import WHOLE, Shard, Silences
from frostguard.domain.unit import deadline
from frostguard.domain.unit_state import UnitState
from frostguard.store import outages, states, watermarks
from frostguard.store.connection import Connection
from ingest.catching_up import CatchingUp
from ingest.fleet import Fleet
from ingest.watermarks import Watermarks

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Before the first daemon listened: what was assigned long before is not silent for that."""


@dataclass(slots=True)
class Memory:
    """The committed truth of one shard. `listened_until`: everything up to here was heard."""

    watermarks: Watermarks = field(default_factory=Watermarks)
    units: dict[UUID, UnitState] = field(default_factory=dict)
    gateways: dict[UUID, Gateway] = field(default_factory=dict)
    outages: Silences = field(default_factory=Silences)
    listened_until: datetime = NEVER

    @classmethod
    async def read(cls, connection: Connection, shard: Shard = WHOLE) -> "Memory":
        """Read all of it back."""
        until, spans = await outages.load(connection, shard)
        return cls(
            watermarks=Watermarks(await watermarks.load(connection, shard)),
            units=await states.load(connection, shard),
            gateways=await states.load_gateways(connection, shard),
            outages=spans,
            listened_until=until or NEVER,
        )

    def add_outage(self, outage: Outage) -> None:
        """A span in which we did not listen is over."""
        self.outages.add(outage)


class Deadlines:
    """Who is due when: a heap that is never searched.

    A dull reading only moves a deadline further away, so an entry may be too early but never too late: when it comes
    up, the true deadline is asked for, and the entry goes back if that lies ahead. What comes earlier gets a second
    entry.
    """

    def __init__(self, fleet: Fleet, memory: Memory, catching_up: CatchingUp) -> None:
        self._fleet = fleet
        self._memory = memory
        self._catching_up = catching_up
        self._heap: list[tuple[datetime, int, UUID]] = []
        self._next: dict[UUID, datetime] = {}
        self.schedule(fleet.units)
        self.schedule_gateways(fleet.gateways)

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._heap)

    def schedule(self, units: Iterable[UUID]) -> None:
        """Ask when these units are due, and remember it."""
        for unit_id in units:
            due = self._unit_due(unit_id)
            if due is not None:
                self._push(due, 0, unit_id)

    def schedule_gateways(self, gateways: Iterable[UUID]) -> None:
        """Ask when these gateways count as silent, and remember it."""
        for gateway_id in gateways:
            due = self._gateway_due(gateway_id)
            if due is not None:
                self._push(due, 1, gateway_id)

    def due(self, now: datetime, limit: int = 20_000) -> tuple[list[UUID], list[UUID]]:
        """Take out and return the units and gateways that are due at `now`."""
        units: dict[UUID, None] = {}
        gateways: dict[UUID, None] = {}
        heap = self._heap
        while heap and heap[0][0] <= now and len(units) + len(gateways) < limit:
            at, kind, subject = heapq.heappop(heap)
            if self._next.get(subject) != at:
                continue  # an earlier or later entry speaks for it
            del self._next[subject]
            true = self._unit_due(subject) if kind == 0 else self._gateway_due(subject)
            if true is None:
                continue
            if kind == 0 and true <= now:
                true = self._catching_up.until(self._fleet.gateway_of(subject), now) or true
            if true <= now:
                (units if kind == 0 else gateways)[subject] = None
            else:
                self._push(true, kind, subject)
        return list(units), list(gateways)

    def next(self) -> datetime | None:
        """Return when the first entry comes up."""
        return self._heap[0][0] if self._heap else None

    def _push(self, due: datetime, kind: int, subject: UUID) -> None:
        known = self._next.get(subject)
        if known is None or due < known:
            self._next[subject] = due
            heapq.heappush(self._heap, (due, kind, subject))

    def _unit_due(self, unit_id: UUID) -> datetime | None:
        unit = self._fleet.units.get(unit_id)
        if unit is None:
            return None
        state = self._memory.units.get(unit_id) or UnitState(unit_id)
        return deadline(state, unit.rules, self._memory.outages.of(unit.subject.organization_id))

    def _gateway_due(self, gateway_id: UUID) -> datetime | None:
        gateway = self._memory.gateways.get(gateway_id)
        owner = self._fleet.owner_of_gateway(gateway_id)
        if gateway is None or owner is None:
            return None
        spans = self._memory.outages.of(owner.id)
        return gateway_due(gateway, owner.intervals.get(gateway_id), owner.limits, spans)
