"""How far each gateway's numbered readings are settled."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.shards import WHOLE, Shard
from frostguard.store.connection import Connection, translated

KEPT_BOOTS = 4


class Watermark(NamedTuple):
    """`beyond` is what is settled above the first gap, as first, last, first, last, ..."""

    gateway_id: UUID
    boot: str
    upto: int
    beyond: list[int]


LIST_WATERMARKS = """
select gateway_id, boot, upto, beyond from gateway_watermarks
 where $2 = 1 or gateway_id in (select id from gateways where shard_of(organization_id, $2) = $1)
 order by updated_at
"""

# bigint[] of different lengths cannot be unnested side by side, so they travel as text.
SAVE_WATERMARKS = """
insert into gateway_watermarks as w (gateway_id, boot, upto, beyond)
select n.gateway_id, n.boot, n.upto, n.beyond::bigint[]
  from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) n (gateway_id, boot, upto, beyond)
  join gateways g on g.id = n.gateway_id
on conflict (gateway_id, boot) do update set upto = excluded.upto, beyond = excluded.beyond, updated_at = now()
"""

FORGET_OLD_BOOTS = """
delete from gateway_watermarks w using (
  select gateway_id, boot, row_number() over (partition by gateway_id order by updated_at desc) as age
    from gateway_watermarks where gateway_id = any($1::uuid[])) o
 where o.age > $2 and w.gateway_id = o.gateway_id and w.boot = o.boot
"""


async def load(connection: Connection, shard: Shard = WHOLE) -> list[Watermark]:
    """Return those of a shard's gateways, the boot that was heard longest ago first."""
    with translated():
        return [Watermark(*row) for row in await connection.fetch(LIST_WATERMARKS, *shard)]


async def save(connection: Connection, watermarks: Sequence[Watermark]) -> None:
    """Write these down."""
    gateways, boots, uptos, beyonds = zip(*watermarks, strict=True)
    texts = ["{" + ",".join(map(str, beyond)) + "}" for beyond in beyonds]
    with translated():
        await connection.execute(SAVE_WATERMARKS, list(gateways), list(boots), list(uptos), texts)


async def forget_old_boots(connection: Connection, gateways: Sequence[UUID]) -> None:
    """Keep the newest boots of these gateways only."""
    with translated():
        await connection.execute(FORGET_OLD_BOOTS, list(gateways), KEPT_BOOTS)
