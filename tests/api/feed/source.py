"""What a daemon would commit, without one: readings, facts and alerts of an organization, in one transaction each."""

from datetime import UTC, datetime
from uuid import UUID

from frostguard.domain.event import Event, EventKind
from frostguard.domain.reading import Reading
from frostguard.store import events, feed
from frostguard.store.events import UnitEvent
from frostguard.wire.feed import READINGS, encode_batch
from tests.api.world import Organization, World
from tests.factories import identity


async def commit_readings(world: World, unit: UUID, *celsius: float) -> int:
    """One batch; returns its last id."""
    now = datetime.now(UTC)
    rows = [Reading(unit, now, identity("sensor"), n, now, value) for n, value in enumerate(celsius)]
    body = encode_batch([(row, row is rows[-1]) for row in rows], (), (), None)
    first = await feed.append(world.sql, READINGS, len(rows), body)
    return first + len(rows) - 1


async def commit_facts(world: World, org: Organization, *celsius: float) -> None:
    """Facts of the unit, in one transaction; each says its number."""
    now = datetime.now(UTC)
    facts = [Event(EventKind.EXCURSION_STARTED, now, celsius=value) for value in celsius]
    await events.add(world.sql, [UnitEvent(org.id, org.site, org.unit, fact) for fact in facts])


async def commit_step(world: World, org: Organization, title: str, alert: UUID | None = None) -> None:
    """One step of an alert that is called so."""
    target = alert or org.alert
    async with world.sql.transaction():
        await world.sql.execute("update alerts set title = $2 where id = $1", target, title)
        await world.sql.execute(
            """insert into events (organization_id, site_id, unit_id, kind, at, data)
               values ($1, $2, $3, 'alert', now(), jsonb_build_object('alertId', $4::uuid, 'action', 'opened'))""",
            org.id, org.site, org.unit, target,
        )  # fmt: skip
