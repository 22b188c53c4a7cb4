"""Trends of all units and open doors over HTTP."""

from datetime import UTC, datetime, timedelta

from frostguard.domain.event import Event, EventKind
from frostguard.store import events, partitions, readings
from frostguard.store.events import UnitEvent
from tests.api.world import Api, World
from tests.factories import make_reading

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


async def test_trends_are_of_all_own_units_and_no_others(api: Api, world: World) -> None:
    await partitions.ensure(world.sql, [NOW - timedelta(days=1), NOW])
    one, two = await world.organization(), await world.organization()
    second = await world.unit(one.id, one.area)
    await readings.copy(
        world.sql, [make_reading(0, 4.5, unit_id=unit, recorded_at=NOW - 3 * HOUR) for unit in (one.unit, two.unit)]
    )
    found = (await api.get(f"/organizations/{one.id}/trends", one.token("viewer"))).json
    assert found["stepSeconds"] == 3600
    assert {each["unitId"] for each in found["units"]} >= {str(one.unit), str(second)}
    assert str(two.unit) not in {each["unitId"] for each in found["units"]}
    [[number, *values]] = next(each["points"] for each in found["units"] if each["unitId"] == str(one.unit))
    begin = datetime.fromisoformat(found["from"]) + number * HOUR
    assert begin <= NOW - 3 * HOUR < begin + HOUR
    assert values == [4.5, 4.5, 4.5]
    short = (await api.get(f"/organizations/{one.id}/trends?range=6h", one.owner)).json
    assert short["stepSeconds"] == 300
    assert (await api.get(f"/organizations/{two.id}/trends", one.owner)).status == 404


async def test_doors_of_a_year_are_a_short_list(api: Api, world: World) -> None:
    org = await world.organization()
    minutes = [NOW - timedelta(minutes=10 * n) for n in range(1, 50)]
    closed = [Event(EventKind.DOOR_CLOSED, at, began=at - timedelta(minutes=1)) for at in minutes]
    await events.add(world.sql, [UnitEvent(org.id, org.site, org.unit, event) for event in closed])
    day = (await api.get(f"/units/{org.unit}/doors", org.token("viewer"))).json
    assert [span["openings"] for span in day] == [1] * 49
    year = (await api.get(f"/units/{org.unit}/doors?range=1y", org.owner)).json
    assert len(year) <= 2  # a column of the chart may end among them
    assert (sum(span["openings"] for span in year), sum(span["openSeconds"] for span in year)) == (49, 49 * 60)
    future = f"/units/{org.unit}/doors?from={(NOW + 9 * HOUR).strftime('%Y-%m-%dT%H:%M:%SZ')}"
    assert (await api.get(future, org.owner)).json == []


async def test_a_foreign_units_doors_are_not_there(api: Api, world: World) -> None:
    one, two = await world.organization(), await world.organization()
    assert (await api.get(f"/units/{two.unit}/doors", one.owner)).status == 404
