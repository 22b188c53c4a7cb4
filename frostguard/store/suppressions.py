"""Windows in which alerts open but do not speak."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from frostguard.domain.alert import AlertType
from frostguard.domain.notice import Suppression
from frostguard.store.connection import Connection, translated

LIST_ACTIVE = """
select organization_id, starts_at, ends_at, site_id, unit_id, alert_types::text[] from suppressions
 where organization_id = any($1::uuid[]) and starts_at <= $2 and ends_at > $2
"""


async def active(connection: Connection, organizations: Sequence[UUID], now: datetime) -> tuple[Suppression, ...]:
    """Return the windows of these organizations that are open at a moment."""
    with translated():
        rows = await connection.fetch(LIST_ACTIVE, list(organizations), now)
    return tuple(
        [
            Suppression(
                organization_id=row["organization_id"],
                starts_at=row["starts_at"],
                ends_at=row["ends_at"],
                site_id=row["site_id"],
                unit_id=row["unit_id"],
                types=frozenset(map(AlertType, row["alert_types"])),
            )
            for row in rows
        ]
    )
