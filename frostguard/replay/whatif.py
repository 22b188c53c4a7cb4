"""Fold stored readings as if today's settings, and others, had always been in force."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from frostguard.domain.rules import Rules
from frostguard.replay.changes import ChangeRefusedError, check_together
from frostguard.replay.fold import Ears, Fact
from frostguard.replay.reference import fold_batch, rules_of
from frostguard.replay.story import Outcome, Span, Telling, as_if_always
from frostguard.store import replay as table
from frostguard.store.connection import Connection, Record
from frostguard.store.replay import Arrivals

LEAD = timedelta(days=8)
"""How long before the span the fold begins, so that the span finds the unit as it was: settings look back a week."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One unit (id, unit, site, organization): what its readings came to, and would have come to (None: not asked)."""

    unit: Record
    readings: int
    before: Outcome
    after: Outcome | None = None


async def replay_units(
    connection: Connection, scope: Sequence[Record], span: Span, changes: dict[str, float | None]
) -> AsyncIterator[Replayed]:
    """Fold the units of `store.replay.scope` one after the other, inside the caller's snapshot.

    Raises ChangeRefusedError where the changes contradict what else is set for a unit.
    """
    restored = await table.is_restored(connection)
    ears, heard_by = Ears(), None
    async for row, rules in rules_of(connection, scope):
        if row["organization_id"] != heard_by:
            heard_by = row["organization_id"]
            ears = await _ears(connection, span, heard_by, restored=restored)
        _check(row, rules, changes)
        yield await _replay(Arrivals(connection, row["id"], restored=restored), row, (rules, ears), span, changes)


async def _ears(connection: Connection, span: Span, organization: UUID, *, restored: bool) -> Ears:
    """Where the daemon listened it looks at every deadline when it is due; where it never did, all is told as if."""
    until, outages = await table.ears(connection, organization, restored=restored)
    return Ears(tuple(outages), min(until or span.upto, span.upto))


def _check(row: Record, rules: Rules, changes: dict[str, float | None]) -> None:
    if changes:
        try:
            check_together(as_if_always(rules, table.EARLIEST, changes).limits)
        except ChangeRefusedError as error:
            raise ChangeRefusedError(f"{error} (unit {row['unit']}, {row['site']})") from None


async def _replay(
    arrivals: Arrivals, row: Record, judged_by: tuple[Rules, Ears], span: Span, changes: dict[str, float | None]
) -> Replayed:
    rules, ears = judged_by
    begin = _begin(span.since)
    facts = [Fact(batch, at, log=log) for batch, at, log in await arrivals.logs() if begin <= at < span.upto]
    tellings = [Telling(row["id"], as_if_always(rules, begin, {}), ears, facts, span)]
    if changes:
        tellings.append(Telling(row["id"], as_if_always(rules, begin, changes), ears, facts, span))
    count = 0
    async for number, rows in arrivals.batches(begin, span.upto):
        count += sum(reading.recorded_at >= span.since for reading in rows)
        for telling in tellings:
            await fold_batch(telling.fold, arrivals, number, rows)
    outcomes = [telling.end() for telling in tellings]
    return Replayed(row, count, outcomes[0], outcomes[1] if changes else None)


def _begin(since: datetime) -> datetime:
    return since - LEAD if since - table.EARLIEST > LEAD else table.EARLIEST
