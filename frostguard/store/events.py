"""What happened to units, in the order in which it became known."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import orjson

from frostguard.domain.event import Event
from frostguard.store.connection import Connection, translated


class UnitEvent(NamedTuple):
    """A fact and the unit it is about."""

    organization_id: UUID
    site_id: UUID | None
    unit_id: UUID | None
    event: Event


ADD_EVENTS = """
insert into events (organization_id, site_id, unit_id, kind, at, data)
select n.organization_id, n.site_id, n.unit_id, n.kind, n.at, n.data::jsonb
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[]) with ordinality
       n (organization_id, site_id, unit_id, kind, at, data, position)
 order by n.position
"""


def _data(event: Event) -> str:
    values = {
        "celsius": event.celsius,
        "beganAt": event.began,
        "extreme": event.extreme,
        "sensorId": str(event.sensor_id) if event.sensor_id is not None else None,
        "percent": event.percent,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
    }
    return orjson.dumps({name: value for name, value in values.items() if value is not None}).decode()


async def add(connection: Connection, events: Sequence[UnitEvent]) -> None:
    """Write facts down, in order."""
    rows = [(e.organization_id, e.site_id, e.unit_id, e.event.kind.value, e.event.at, _data(e.event)) for e in events]
    with translated():
        await connection.execute(ADD_EVENTS, *map(list, zip(*rows, strict=True)))
