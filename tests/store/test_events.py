"""Facts on record, in the order in which they became known."""

import json
from datetime import timedelta

from frostguard.domain.event import Event, EventKind
from frostguard.store import events
from frostguard.store.connection import Connection
from frostguard.store.events import UnitEvent
from tests.fakes import NOON
from tests.store.tenants import Tenant


async def test_facts_keep_their_order_whatever_their_times(direct: Connection, own: Tenant) -> None:
    kinds = [EventKind.EXCURSION_STARTED, EventKind.ALARM_RAISED, EventKind.DOOR_OPENED, EventKind.DATA_LATE]
    facts = [
        UnitEvent(own.id, own.site, own.unit, Event(kind, NOON - timedelta(minutes=n))) for n, kind in enumerate(kinds)
    ]
    await events.add(direct, facts)
    rows = await direct.fetch("select kind, at, organization_id, site_id, unit_id from events order by id")
    assert [row["kind"] for row in rows] == kinds
    assert [row["at"] for row in rows] == [fact.event.at for fact in facts]
    assert {tuple(row)[2:] for row in rows} == {(own.id, own.site, own.unit)}


async def test_only_what_a_fact_says_is_in_its_data(direct: Connection, own: Tenant) -> None:
    raised = Event(EventKind.ALARM_RAISED, NOON, 9.5, NOON, 11.0, own.sensor, reason="reading")
    await events.add(direct, [UnitEvent(own.id, None, None, raised), UnitEvent(own.id, None, None, raised._replace(
        celsius=None, began=None, extreme=None, sensor_id=None, reason=None))])  # fmt: skip
    data = [json.loads(row[0]) for row in await direct.fetch("select data::text from events order by id")]
    began = NOON.isoformat()
    assert data == [
        {"celsius": 9.5, "beganAt": began, "extreme": 11.0, "sensorId": str(own.sensor), "reason": "reading"}, {},
    ]  # fmt: skip
