"""Windows of silence that are open at a moment."""

from datetime import timedelta
from uuid import UUID

from frostguard.domain.alert import AlertType
from frostguard.store import suppressions
from frostguard.store.connection import Connection
from tests.fakes import NOON
from tests.store.tenants import Tenant

HOUR = timedelta(hours=1)


async def add(connection: Connection, own: Tenant, hours: tuple[int, int], types: list[str], unit: UUID | None) -> None:
    begin, end = hours
    await connection.execute(
        """insert into suppressions (organization_id, unit_id, starts_at, ends_at, alert_types)
           values ($1, $2, $3, $4, $5::text[]::alert_type[])""",
        own.id, unit, NOON + begin * HOUR, NOON + end * HOUR, types,
    )  # fmt: skip


async def test_those_that_are_open_now_of_these_organizations(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    await add(direct, own, (0, 1), ["door_open"], own.unit)
    await add(direct, own, (-1, 0), [], None)
    await add(direct, own, (1, 2), [], None)
    await add(direct, foreign, (-1, 1), [], None)
    (found,) = await suppressions.active(direct, [own.id], NOON)
    assert (found.organization_id, found.unit_id, found.site_id) == (own.id, own.unit, None)
    assert found.types == {AlertType.DOOR_OPEN}
    assert (found.starts_at, found.ends_at) == (NOON, NOON + HOUR)
    assert len(await suppressions.active(direct, [own.id, foreign.id], NOON)) == 2
    assert await suppressions.active(direct, [own.id], NOON + 2 * HOUR) == ()
