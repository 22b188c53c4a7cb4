"""Following the database: who is told what, and that a change while nobody looked is not missed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from uuid import UUID

import psycopg
import pytest

from frostguard.config import DatabaseSettings
from ingest.fleet import Fleet
from ingest.watch import ALERTS, INBOX, LAYOUT, LOGS, NAMES, REPLAYS, Watch, max_covered
from tests.factories import assign, plant, plant_sensor, plant_unit
from tests.fakes import until

KILL = """
select pg_terminate_backend(pid) from pg_stat_activity
 where application_name = 'frostguard-ingest-watch' and datname = current_database()
"""


class Ear:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.sensors: set[UUID] = set()
        self.units: set[UUID] = set()
        self.names: list[str] = []
        self.preparations: list[int] = []
        self.fleets = 0

    def assigned(self, sensors: Iterable[UUID]) -> None:
        self.sensors.update(sensors)

    def changed(self, units: Iterable[UUID]) -> None:
        self.units.update(units)

    def asked(self, name: str) -> None:
        self.names.append(name)

    def prepared(self, preparation: int) -> None:
        self.preparations.append(preparation)

    def fleet_changed(self) -> None:
        self.fleets += 1


@pytest.fixture
async def watched(database: str) -> AsyncIterator[tuple[Watch, Ear, Fleet]]:
    ear, fleet = Ear(), Fleet()
    watch = Watch(DatabaseSettings(url=database), fleet, ear)
    running = asyncio.create_task(watch.run())
    await asyncio.wait_for(watch.loaded.wait(), 10)
    yield watch, ear, fleet
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_everything_is_asked_for_once_at_the_start(watched) -> None:
    _, ear, _ = watched
    assert set(ear.names) == NAMES - {LAYOUT}
    assert (ear.preparations, ear.fleets) == ([0], 1)


async def test_a_new_unit_and_its_sensor_are_told(watched, database: str) -> None:
    _, ear, fleet = watched
    planted = plant(database)
    await until(lambda: set(fleet.units) >= set(planted.units.values()), "the fleet holds the units")
    assert ear.units >= set(planted.units.values())


async def test_an_assignment_tells_the_sensor(watched, database: str) -> None:
    _, ear, fleet = watched
    planted = plant(database)
    with psycopg.connect(database, autocommit=True) as c:
        unit = plant_unit(c, planted.organization, planted.area, "later")
        sensor = plant_sensor(c, planted.organization, "pending-1", None)
    await until(lambda: fleet.sizes()["sensors"] == len(planted.sensors) + 1, "the fleet knows the pending sensor")
    assert sensor not in ear.sensors
    with psycopg.connect(database, autocommit=True) as c:
        assign(c, sensor, unit)
    await until(lambda: sensor in ear.sensors, "the assignment is told")


@pytest.mark.parametrize(
    ("name", "payload"),
    [(REPLAYS, "dead-letters"), (LOGS, "manual-logs"), (ALERTS, "alerts"), (INBOX, "inbox")],
)
async def test_what_somebody_asks_for_is_told(watched, database: str, name: str, payload: str) -> None:
    _, ear, _ = watched
    ear.names.clear()
    with psycopg.connect(database, autocommit=True) as c:
        c.execute("select pg_notify('config', %s)", (payload,))
    await until(lambda: name in ear.names, "it is told")


async def test_a_notification_that_means_nothing_is_passed_over(watched, database: str) -> None:
    _, ear, _ = watched
    ear.names.clear()
    with psycopg.connect(database, autocommit=True) as c:
        c.execute("select pg_notify('config', 'no uuid')")
        c.execute("select pg_notify('config', 'alerts')")
    await until(lambda: ALERTS in ear.names, "what came after it is told")


async def test_a_lost_connection_is_made_anew_and_everything_is_looked_at_again(watched, database: str) -> None:
    _, ear, fleet = watched
    ear.names.clear()
    with psycopg.connect(database, autocommit=True) as c:
        c.execute(KILL)
    planted = plant(database)
    await until(lambda: set(fleet.units) >= set(planted.units.values()), "what came meanwhile is known")
    await until(lambda: REPLAYS in ear.names, "everything is asked for again")


def test_the_last_week_with_a_partition_ends_where_the_next_would_begin() -> None:
    assert (
        max_covered(["sensor_readings_2026w47", "sensor_readings_2026w46"]).isoformat() == "2026-11-23T00:00:00+00:00"
    )
