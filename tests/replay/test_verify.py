"""What is on record against what the stored facts come to."""

import os

import pytest

from frostguard.replay import verify
from frostguard.replay.verify import is_imported, verify_units
from frostguard.store import replay as table
from frostguard.store.connection import Connection
from tests.factories import Planted
from tests.replay.life import BEGIN, MINUTE, Clock, Life, plant_units

# Any number of lives: FROSTGUARD_REPLAY_SEEDS=1,2,3
SEEDS = [int(seed) for seed in os.environ.get("FROSTGUARD_REPLAY_SEEDS", "0,1,3,4").split(",")]


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_the_daemon_wrote_is_what_the_stored_facts_come_to(
    database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Batches cut anywhere, redelivery, backlogs, late and repeated readings, restarts, manual logs, people."""
    await Life(database, plant_units(database), Clock(monkeypatch), seed).live()
    report = await verify(connection)
    assert (report.differences, report.incomparable, report.imported) == ([], {}, 0)
    assert report.units == 3
    assert report.readings == await connection.fetchval("select count(*) from sensor_readings")
    assert report.alerts == await connection.fetchval("select count(*) from alerts where unit_id is not null")
    assert report.alerts > 5


AN_ALERT = "(select id from alerts where alert_type = 'alarm_active' order by opened_at limit 1)"
A_UNIT = "(select unit_id from sensor_states order by unit_id limit 1)"
A_STRANGER = """
insert into alerts (id, organization_id, subject_id, unit_id, alert_type, severity, status, title, opened_at)
select gen_random_uuid(), organization_id, id, id, 'calibration_due', 'info', 'active', 'x', now() from units limit 1
"""


A_SENSOR = "(select sensor_id from sensor_states order by 1 limit 1)"
TAMPERINGS = {
    f"update unit_states set status = 'restoring' where unit_id = {A_UNIT}": ("state", "status"),
    f"update unit_states set last_temperature = 1.5 where unit_id = {A_UNIT}": ("state", "celsius"),
    f"update unit_states set inside_count = 9 where unit_id = {A_UNIT}": ("state", "inside_count"),
    f"delete from unit_states where unit_id = {A_UNIT}": ("state", "row"),
    f"update sensor_states set battery_level = battery_level + 1 where sensor_id = {A_SENSOR}": (
        "sensor", "battery_level"
    ),
    f"delete from sensor_states where sensor_id = {A_SENSOR}": ("sensor", "row"),
    f"update alerts set opened_at = opened_at + interval '1 second' where id = {AN_ALERT}": (
        "alert alarm_active", "opened_at"
    ),
    f"update alerts set severity = 'info' where id = {AN_ALERT}": ("alert alarm_active", "severity"),
    f"update alerts set extreme_celsius = 99 where id = {AN_ALERT}": ("alert alarm_active", "extreme"),
    f"delete from alerts where id = {AN_ALERT}": ("alert alarm_active", "row"),
    A_STRANGER: ("alert calibration_due", "row"),
}  # fmt: skip


@pytest.mark.usefixtures("lived")
async def test_one_difference_is_found_whatever_was_changed(connection: Connection) -> None:
    assert (await verify(connection)).differences == []
    scope = await table.scope(connection)
    for tampering, expected in TAMPERINGS.items():
        undone = connection.transaction()
        await undone.start()
        assert (await connection.execute(tampering)).endswith(" 1"), tampering
        found = (await verify_units(connection, scope)).differences
        await undone.rollback()
        shown = [(d.what.partition(" ")[0] if d.what.startswith("sensor") else d.what, d.field) for d in found]
        assert shown == [expected], tampering


@pytest.mark.usefixtures("lived")
async def test_what_people_do_with_an_alert_is_no_difference(connection: Connection) -> None:
    await connection.execute("update alerts set status = 'acknowledged' where status = 'active'")
    await connection.execute("update alerts set told = 'critical', linked_to = gen_random_uuid()")
    assert (await verify(connection)).differences == []


async def test_a_unit_whose_rules_were_changed_cannot_be_compared_and_the_others_can(
    connection: Connection, lived: Planted
) -> None:
    unit = lived.units["primary"]
    await connection.execute("""update units set settings = '{"high": 7}', updated_at = now() where id = $1""", unit)
    report = await verify(connection)
    assert report.incomparable.keys() == {unit}
    assert report.incomparable[unit].startswith("its settings or sensors were changed at ")
    assert report.differences == []
    assert report.units == 3


async def test_readings_of_a_sensor_that_is_gone_make_a_unit_incomparable(
    connection: Connection, lived: Planted
) -> None:
    # As if somebody had taken it away, without a trace in the times of change.
    await connection.execute("update sensors set deleted_at = now() where id = $1", lived.sensors["door"])
    report = await verify(connection)
    assert report.incomparable == {lived.units["primary"]: "readings of 1 sensors that no longer belong to it"}


async def test_only_the_units_asked_for_are_compared(connection: Connection, lived: Planted) -> None:
    await connection.execute("update unit_states set inside_count = 9")
    report = await verify(connection, [lived.units["left"]])
    assert {d.unit_id for d in report.differences} == {lived.units["left"]}
    assert report.units == 1


@pytest.mark.usefixtures("lived")
async def test_alerts_can_be_compared_from_a_moment_on(connection: Connection) -> None:
    await connection.execute("update alerts set severity = 'info'")
    async with table.snapshot(connection):
        scope = await table.scope(connection)
        late = await verify_units(connection, scope, opened_since=BEGIN + 600 * MINUTE)
        all_of_them = await verify_units(connection, scope)
    assert late.differences == []
    assert len(all_of_them.differences) > 1


@pytest.mark.usefixtures("lived")
async def test_alerts_that_were_brought_along_are_left_out_and_counted(connection: Connection) -> None:
    await connection.execute(A_STRANGER.replace("now()", "'2024-05-01T00:00Z'"))
    report = await verify(connection)
    assert (report.differences, report.imported) == ([], 1)


def test_an_alert_of_ours_is_not_taken_for_imported(lived: Planted) -> None:
    row = {"id": lived.organization, "type": "alarm_active", "opened_at": BEGIN, "backfilled": False}
    assert is_imported(lived.units["left"], row, None)
    assert is_imported(lived.units["left"], row, BEGIN + MINUTE)
    assert not is_imported(lived.units["left"], row, BEGIN)
    assert not is_imported(lived.units["left"], row | {"backfilled": True}, None)


async def test_a_unit_that_nothing_was_heard_of_is_in_order(connection: Connection, database: str) -> None:
    plant_units(database)
    report = await verify(connection)
    assert (report.units, report.readings, report.differences, report.incomparable) == (3, 0, [], {})
