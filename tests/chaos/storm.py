"""A fleet of any size for storms, its messages, and a clock that is turned back by moving every time in the tables."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import aiomqtt
import orjson
import psycopg

from tests.chaos.rig import ORGANIZATION, PASSWORD, Rig

SENSORS = 40  # behind each gateway
AT_ONCE = 50  # connections
CANARY = "canary"
"""A unit whose silence is noticed within seconds: that it was shows that the daemon has looked at everybody's."""

REGISTER = """
with wanted as (select serial, gateway from unnest(%(serials)s::text[], %(gateways)s::text[]) w (serial, gateway)),
     made as (insert into units (organization_id, area_id, name, updated_at)
              select a.organization_id, a.id, w.serial, now() - interval '1 day' from wanted w, areas a
              returning id, organization_id, name)
insert into sensors (organization_id, unit_id, serial, is_primary, assigned_at, updated_at, gateway_id,
                     report_interval_seconds)
select m.organization_id, m.id, m.name, true, now(), now() - interval '1 day', g.id,
       case when m.name = 'canary' then 1 else 300 end
  from made m join wanted w on w.serial = m.name left join gateways g on g.serial = w.gateway
"""
IMPATIENT = """
update units set settings = '{"slack_seconds": 0, "interrupted_missed": 2}', updated_at = now() - interval '1 day'
 where name = 'canary'
"""

TURN_BACK = """
update listening set until = until - %(by)s;
update outages set began = began - %(by)s, drained = drained - %(by)s;
update sensors set assigned_at = assigned_at - %(by)s;
update gateway_states set online_since = online_since - %(by)s, last_heard_at = last_heard_at - %(by)s,
  lost_at = lost_at - %(by)s, silent_since = silent_since - %(by)s;
update sensor_states set last_at = last_at - %(by)s;
update unit_states set status_since = status_since - %(by)s, temperature_since = temperature_since - %(by)s,
  excursion_began_at = excursion_began_at - %(by)s, critical_since = critical_since - %(by)s,
  data_since = data_since - %(by)s, logged_at = logged_at - %(by)s, door_since = door_since - %(by)s,
  battery_since = battery_since - %(by)s, fault_since = fault_since - %(by)s,
  last_reading_at = last_reading_at - %(by)s, seen_at = seen_at - %(by)s;
truncate sensor_readings, events
"""
"""The readings that were stored before play no part in what follows; they would need partitions of their own."""


class StormRig(Rig):
    """`units` units behind gateways of forty, and the canary, which no gateway answers for."""

    def __init__(self, folder: Path, units: int, program: str = "ingest") -> None:
        super().__init__(folder, program=program)
        self.units = units
        self.serials = {
            f"gw-{n}": [f"s{n}-{m}" for m in range(min(SENSORS, units - n * SENSORS))]
            for n in range(-(-units // SENSORS))
        }

    def _fleet(self) -> dict:
        return {"gateways": [{"id": name} for name in self.serials]}

    def _register_fleet(self) -> None:
        with psycopg.connect(self.database, autocommit=True) as c:
            c.execute(
                "insert into organizations (name, slug, updated_at) values ('Chaos', %s, now() - interval '1 day')",
                (ORGANIZATION,),
            )
            c.execute(
                """insert into sites (organization_id, name, updated_at)
                   select id, 'Site', now() - interval '1 day' from organizations"""
            )
            c.execute(
                "insert into areas (organization_id, site_id, name) select organization_id, id, 'Area' from sites"
            )
            c.execute(
                """insert into gateways (organization_id, serial, name)
                   select o.id, n, n from organizations o, unnest(%s::text[]) n""",
                (list(self.serials),),
            )
            pairs = [(serial, gateway) for gateway, serials in self.serials.items() for serial in serials]
            pairs.append((CANARY, "none"))
            serials, gateways = map(list, zip(*pairs, strict=True))
            c.execute(REGISTER, {"serials": serials, "gateways": gateways})
            c.execute(IMPATIENT)

    def sql(self, text: str, *arguments: object) -> list[tuple]:
        with psycopg.connect(self.database, autocommit=True) as c:
            cursor = c.execute(text, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def one(self, text: str, *arguments: object) -> int:
        number: int = self.sql(text, *arguments)[0][0]
        return number


def packet(serials: Sequence[str], times: Sequence[datetime], celsius: float = 4.0) -> bytes:
    """One message: each of these sensors at each of these times, the oldest first."""
    readings = [{"sensor": s, "at": at.isoformat(), "temperature": celsius} for at in times for s in serials]
    return orjson.dumps({"readings": readings})


def send(rig: Rig, packets: Mapping[str, Sequence[bytes]]) -> None:
    """Let gateways send their messages and wait until the broker has taken all of them."""
    asyncio.run(_send(rig.broker.port, packets))


async def _send(port: int, packets: Mapping[str, Sequence[bytes]]) -> None:
    """Every connection stands before the first message goes out, as far as `AT_ONCE` allows."""
    names = list(packets)
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        barrier = asyncio.Barrier(len(some))
        async with asyncio.TaskGroup() as tasks:
            for name in some:
                tasks.create_task(_send_one(port, name, packets[name], barrier))


async def _send_one(port: int, name: str, packets: Sequence[bytes], barrier: asyncio.Barrier) -> None:
    topic = f"frostguard/v1/{ORGANIZATION}/{name}/readings"
    async with aiomqtt.Client(
        "127.0.0.1", port, username=name, password=PASSWORD, identifier=name, protocol=aiomqtt.ProtocolVersion.V5
    ) as client:
        await barrier.wait()
        for payload in packets:
            await client.publish(topic, payload, qos=1)
