"""The end of an organization: all of it goes but its audit log, and nothing of anybody else's."""

from datetime import UTC, datetime, timedelta

import pytest

from frostguard.store import partitions, purging, readings
from frostguard.store.connection import Connection
from tests.factories import make_reading
from tests.store.tenants import Tenant, entries

NOW = datetime.now(UTC).replace(microsecond=0)
TABLES = """
select c.relname
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname in ('organization_id', 'unit_id')
 where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
 group by 1 order by 1
"""


async def filled(connection: Connection, tenant: Tenant) -> None:
    rows = [
        make_reading(0, n, unit_id=tenant.unit, sensor_id=tenant.sensor, recorded_at=NOW - n * timedelta(minutes=5))
        for n in range(7)
    ]
    await readings.copy(connection, rows)
    await connection.execute(
        "insert into reading_buckets (unit_id, at, sensor_id, total, lowest, highest, readings, span)"
        " select $1, date_bin('1 day', $2, 'epoch'), $3, 1, 1, 1, 1, span from unnest('{5,60,1440}'::int[]) span",
        tenant.unit, NOW, tenant.sensor,
    )  # fmt: skip
    assign = "update sensors set unit_id = $2, assigned_at = now() where id = $1"
    await connection.execute(assign, tenant.sensor, tenant.unit)


async def test_all_of_it_goes_and_nothing_of_others(
    direct: Connection, own: Tenant, foreign: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "STEP", 3)
    await partitions.ensure(direct, [NOW, NOW - timedelta(days=1)])
    for tenant in (own, foreign):
        await filled(direct, tenant)
    before = await purging.look(direct, own.id)
    assert (before["readings"], before["units"], before["sensors"]) == (7, 1, 1)
    others, log = await purging.look(direct, foreign.id), await entries(direct)
    assert await purging.remove(direct, own.id) is False, "it lives"
    await direct.execute("update organizations set deleted_at = now() where id = $1", own.id)
    assert await purging.remove_measured(direct, own.id) == 7
    assert await purging.remove(direct, own.id) is True
    assert await purging.look(direct, foreign.id) == others
    assert await entries(direct) == log
    for table in [row["relname"] for row in await direct.fetch(TABLES)]:
        if table == "audit_log":
            continue
        columns = [
            row["attname"]
            for row in await direct.fetch(
                "select attname from pg_attribute where attrelid = $1::regclass and attname in"
                " ('organization_id', 'unit_id')", table
            )
        ]  # fmt: skip
        for column in columns:
            gone = own.id if column == "organization_id" else own.unit
            found = await direct.fetchval(f"select count(*) from {table} where {column} = $1", gone)
            assert found == 0, (table, column)


async def test_what_is_on_hold_or_archived_stays(direct: Connection, own: Tenant) -> None:
    slug = await direct.fetchval("update organizations set deleted_at = now() where id = $1 returning slug", own.id)
    await direct.execute("update organizations set legal_hold_since = now(), legal_hold_reason = 'court'")
    assert await purging.remove(direct, own.id) is False
    found = await purging.find(direct, slug)
    assert found is not None
    assert found["legal_hold_since"] is not None
    assert await purging.find(direct, "nobody") is None
