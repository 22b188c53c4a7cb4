"""The fold of what is stored: everything in one snapshot, and nothing written."""

from uuid import uuid4

from frostguard.replay import reference_fold
from frostguard.replay.reference import GRACE, read_ears, rules_of
from frostguard.store import replay as table
from frostguard.store.connection import Connection
from tests.factories import Planted, plant
from tests.replay.life import BEGIN, plant_units


async def test_every_unit_is_folded_with_its_state_its_alerts_and_what_it_read(
    connection: Connection, lived: Planted
) -> None:
    found = await reference_fold(connection)
    assert found.keys() == set(lived.units.values())
    for unit_id, expected in found.items():
        assert expected.unit_id == expected.state.unit_id == unit_id
        recorded = await connection.fetch("select id from alerts where unit_id = $1", unit_id)
        assert expected.alerts.keys() == {row["id"] for row in recorded}
        status = await connection.fetchval("select status from unit_states where unit_id = $1", unit_id)
        assert expected.state.status == status
    assert sum(one.readings for one in found.values()) == await connection.fetchval(
        "select count(*) from sensor_readings"
    )


async def test_only_the_units_asked_for_are_folded(connection: Connection, lived: Planted) -> None:
    assert (await reference_fold(connection, [lived.units["left"]])).keys() == {lived.units["left"]}


async def test_a_daemon_that_never_listened_has_looked_at_nothing(connection: Connection) -> None:
    ears = await read_ears(connection, uuid4(), GRACE, restored=False)
    assert ears.surely_looked(BEGIN) == table.EARLIEST


async def test_each_unit_comes_with_its_own_rules_organization_by_organization(
    connection: Connection, database: str
) -> None:
    first, second = plant_units(database), plant(database, "zebra", ["gw-9"], ["s9"])
    found = {row["id"]: rules async for row, rules in rules_of(connection, await table.scope(connection))}
    assert found.keys() == {*first.units.values(), *second.units.values()}
    assert found[first.units["strict"]].limits.confirm_seconds == 900
    assert found[second.units["s9"]].primary == second.sensors["s9"]


async def test_the_fold_does_not_look_at_states_and_alerts_on_record(connection: Connection, lived: Planted) -> None:
    before = {key: one.alerts for key, one in (await reference_fold(connection)).items()}
    assert lived.units.keys()
    await connection.execute("delete from alert_timeline; delete from alerts; delete from unit_states")
    assert {key: one.alerts for key, one in (await reference_fold(connection)).items()} == before
