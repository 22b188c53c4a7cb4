"""Fold everything that is stored of a unit again, by the rules in force: what the daemon must have written down."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from frostguard.domain.alert import Alert
from frostguard.domain.backfill import gathered
from frostguard.domain.reading import Reading
from frostguard.domain.rules import Rules
from frostguard.domain.unit_state import UnitState
from frostguard.replay.fold import Ears, Fact, Fold
from frostguard.store import fleet
from frostguard.store import replay as table
from frostguard.store.connection import Connection, Record
from frostguard.store.replay import Arrivals
from frostguard.units import build_units

GRACE = timedelta(seconds=60)  # a deadline that is older than this has been spoken of, where the daemon listened


@dataclass(frozen=True, slots=True)
class Expected:
    """What the stored facts of one unit come to.

    `incomparable` says in a few words why the fold cannot know what was right then; None: it does.
    """

    unit_id: UUID
    state: UnitState
    alerts: dict[UUID, Alert]
    readings: int = 0
    incomparable: str | None = None


async def reference_fold(connection: Connection, units: Sequence[UUID] | None = None) -> dict[UUID, Expected]:
    """Fold these units (None: all) in one snapshot; nothing is written. Holds the result of all of them."""
    async with table.snapshot(connection):
        scope = await table.scope(connection)
        wanted = [row for row in scope if units is None or row["id"] in units]
        return {one.unit_id: one async for one in fold_units(connection, wanted)}


async def fold_units(connection: Connection, scope: Sequence[Record]) -> AsyncIterator[Expected]:
    """Fold the units of `store.replay.scope` one after the other, inside the caller's snapshot."""
    restored = await table.is_restored(connection)
    ears, heard_by = Ears(), None
    async for row, rules in rules_of(connection, scope):
        if row["organization_id"] != heard_by:
            heard_by = row["organization_id"]
            ears = await read_ears(connection, heard_by, GRACE, restored=restored)
        yield await _fold(Arrivals(connection, row["id"], restored=restored), row["id"], rules, ears)


async def read_ears(connection: Connection, organization: UUID, grace: timedelta, *, restored: bool) -> Ears:
    """Return when somebody listened to an organization; a daemon that never did has looked at nothing."""
    until, outages = await table.ears(connection, organization, restored=restored)
    return Ears(tuple(outages), until or table.EARLIEST + grace, grace)


async def rules_of(connection: Connection, scope: Sequence[Record]) -> AsyncIterator[tuple[Record, Rules]]:
    """Yield each unit with the rules in force, in order; one organization at a time is in memory."""
    loaded: UUID | None = None
    units: dict[UUID, Rules] = {}
    for row in scope:
        if row["organization_id"] != loaded:
            loaded = row["organization_id"]
            built = build_units(await fleet.units(connection, [loaded]), await fleet.sensors(connection, [loaded]), {})
            units = {key: unit.rules for key, unit in built.items()}
        yield row, units[row["id"]]


async def _fold(arrivals: Arrivals, unit_id: UUID, rules: Rules, ears: Ears) -> Expected:
    facts = await _facts(arrivals)
    fold = Fold(unit_id, rules, ears, facts)
    changed, changed_at = await arrivals.rules_changed()
    first: int | None = None
    count = 0
    strangers: set[UUID] = set()
    async for number, rows in arrivals.batches():
        first = number if first is None else first
        count += len(rows)
        strangers.update(row.sensor_id for row in rows if row.sensor_id not in rules.sensors)
        await fold_batch(fold, arrivals, number, rows)
    fold.finish()
    begun = min((n for n in (first, *(fact.batch for fact in facts)) if n is not None), default=None)
    return Expected(
        unit_id, fold.state, fold.alerts, count, _incomparable(begun, changed, changed_at, strangers)
    )  # fmt: skip


async def fold_batch(fold: Fold, arrivals: Arrivals, number: int, rows: list[Reading]) -> None:
    """Fold one batch, and what was late in it with what was stored around it then."""
    stretch = fold.stretch(fold.batch(number, rows))
    if stretch is None:
        return
    fold.late(await gathered(partial(arrivals.stored_by, number), stretch, fold.rules), stretch)


async def _facts(arrivals: Arrivals) -> list[Fact]:
    """Return everything besides readings in the order of the batches: of one batch, the logs come before the looks."""
    facts = [Fact(batch, at, resolved=alert) for batch, at, alert in await arrivals.resolved_by_people()]
    facts += [Fact(batch, at, log=log) for batch, at, log in await arrivals.logs()]
    facts += [Fact(batch, at, look=due) for batch, at, due in await arrivals.looks()]
    return sorted(facts, key=lambda fact: fact.batch)


def _incomparable(begun: int | None, changed: int, changed_at: datetime, strangers: set[UUID]) -> str | None:
    if begun is not None and begun < changed:
        return f"its settings or sensors were changed at {changed_at:%Y-%m-%d %H:%M:%S}, after its first reading"
    if strangers:
        return f"readings of {len(strangers)} sensors that no longer belong to it"
    return None
