"""All alerts in their own words, for people at a terminal and for whoever scores them."""

from datetime import datetime

from frostguard.store.connection import Connection, Record, translated

# `sensor` is the serial by which others know the unit: its primary sensor's, else that of the first assigned.
LIST_ALERTS = """
select o.slug as organization, s.name as site, u.name as unit, sensor.serial as sensor, g.serial as gateway,
       a.alert_type::text as type, a.severity::text as severity, a.status::text as status, a.opened_at, a.resolved_at,
       a.celsius, a.extreme_celsius, a.backfilled, a.id
  from alerts a
  join organizations o on o.id = a.organization_id
  left join sites s on s.organization_id = a.organization_id and s.id = a.site_id
  left join units u on u.organization_id = a.organization_id and u.id = a.unit_id
  left join gateways g on g.organization_id = a.organization_id and g.id = a.gateway_id
  left join lateral (
    select x.serial from sensors x
     where x.organization_id = a.organization_id and x.unit_id = a.unit_id and x.deleted_at is null
     order by x.is_primary desc, x.kind in ('door', 'contact'), x.assigned_at, x.id limit 1) sensor on true
 where ($1::text is null or o.slug = $1)
   and ($2::text is null or u.id::text = $2 or lower(u.name) = lower($2))
   and (not $3::boolean or a.resolved_at is null)
   and ($4::timestamptz is null or a.opened_at >= $4)
 order by a.opened_at desc, a.id desc limit $5
"""


async def alerts(
    connection: Connection,
    organization: str | None,
    unit: str | None,
    *,
    only_open: bool,
    since: datetime | None,
    limit: int,
) -> list[Record]:
    """Return alerts that opened since a moment, newest first; organization by slug, unit by name or id, None: all."""
    with translated():
        return list(await connection.fetch(LIST_ALERTS, organization, unit, only_open, since, limit))
