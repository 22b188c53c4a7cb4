"""All alerts, as they are listed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from frostguard.config import DatabaseSettings
from frostguard.store.alert_export import alerts
from frostguard.store.connection import Connection, connect
from tests.factories import GATEWAY, SERIAL, Planted, plant
from tests.fakes import NOON

ADD = """
insert into alerts (id, organization_id, subject_id, unit_id, gateway_id, alert_type, severity, status, title,
                    opened_at, resolved_at)
values (gen_random_uuid(), $1::uuid, coalesce($2, $3, $1), $2::uuid, $3::uuid, $4, 'warning',
        case when $6::timestamptz is null then 'active' else 'resolved' end::alert_status, 'x', $5, $6)
"""


@pytest.fixture
def planted(database: str) -> Planted:
    return plant(database, sensors=[SERIAL, "other"])


@pytest.fixture
async def connection(database: str, planted: Planted) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database, command_timeout=10), "test")
    subjects: list[tuple[Any, Any, str]] = [
        (planted.units[SERIAL], None, "alarm_active"),
        (planted.units["other"], None, "door_open"),
        (None, planted.gateways[GATEWAY], "gateway_silent"),
        (None, None, "ingest_degraded"),
    ]
    for minute, (unit, gateway, kind) in enumerate(subjects):
        at = NOON + timedelta(minutes=minute)
        await opened.execute(ADD, planted.organization, unit, gateway, kind, at, None if minute else at)
    yield opened
    await opened.close()


ALL = ["ingest_degraded", "gateway_silent", "door_open", "alarm_active"]


@pytest.mark.parametrize(
    ("wanted", "types"),
    [
        ({}, ALL), ({"organization": "acme"}, ALL), ({"organization": "none"}, []), ({"only_open": True}, ALL[:3]),
        ({"unit": f"UNIT OF {SERIAL}"}, ["alarm_active"]), ({"since": NOON + timedelta(minutes=2)}, ALL[:2]),
        ({"limit": 1}, ALL[:1]),
    ],
)  # fmt: skip
async def test_alerts_come_newest_first_as_far_as_they_are_wanted(
    connection: Connection, wanted: dict[str, Any], types: list[str]
) -> None:
    given = {"organization": None, "unit": None, "only_open": False, "since": None, "limit": 100} | wanted
    assert [row["type"] for row in await alerts(connection, **given)] == types


async def test_each_says_whom_it_is_about(connection: Connection) -> None:
    found = await alerts(connection, None, None, only_open=False, since=None, limit=9)
    assert [(row["unit"], row["sensor"], row["gateway"]) for row in found] == [
        (None, None, None),
        (None, None, GATEWAY),
        ("Unit of other", "other", None),
        (f"Unit of {SERIAL}", SERIAL, None),
    ]


async def test_a_unit_goes_by_its_primary_sensor(connection: Connection, planted: Planted) -> None:
    await connection.execute("update sensors set is_primary = false")
    await connection.execute("update sensors set unit_id = $1, kind = 'door'", planted.units[SERIAL])
    await connection.execute("update sensors set is_primary = true where serial = 'other'")
    [row] = await alerts(connection, None, f"Unit of {SERIAL}", only_open=False, since=None, limit=9)
    assert row["sensor"] == "other"
