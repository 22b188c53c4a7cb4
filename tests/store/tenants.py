"""Two organizations with one of everything, and who changes them: for tests of the statements behind the API."""

import json
from dataclasses import dataclass
from uuid import UUID, uuid4

from frostguard.store import areas, gateways, organizations, sensors, sites, units
from frostguard.store.audit import By
from frostguard.store.connection import Connection

BY = By(UUID(int=7), "user", "because", "request-1")


@dataclass(frozen=True)
class Tenant:
    """One organization."""

    id: UUID
    site: UUID
    area: UUID
    unit: UUID
    sensor: UUID
    gateway: UUID


async def tenant(connection: Connection) -> Tenant:
    name = f"t-{uuid4().hex[:8]}"
    one = await organizations.create(connection, name, name, "UTC")
    assert one is not None
    site = await sites.create(connection, one, BY, json.dumps({"name": "Site"}))
    assert site is not None
    area = await areas.create(connection, one, BY, site, json.dumps({"name": "Area"}))
    assert area is not None
    unit = await units.create(connection, one, BY, area, json.dumps({"name": "Unit"}))
    sensor = await sensors.create(connection, one, BY, json.dumps({"serial": "s1"}))
    gateway = await gateways.create(connection, one, BY, json.dumps({"serial": name, "name": "Gateway"}))
    assert unit is not None
    assert sensor is not None
    assert gateway is not None
    return Tenant(one, site, area, unit, sensor, gateway)


async def entries(connection: Connection) -> int:
    return await connection.fetchval("select count(*) from audit_log")
