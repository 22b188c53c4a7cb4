"""The demo organization."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from frostguard import security
from frostguard.config import DatabaseSettings, load
from frostguard.gateway_passwords import matches
from frostguard.local import demo
from frostguard.local.folder import DataFolder
from frostguard.wire.serials import normalise_serial

UNIT_TYPES = {"fridge", "freezer", "display_case", "walk_in_cooler", "walk_in_freezer", "blast_chiller"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    opened = DataFolder.open(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def settings(database: str) -> DatabaseSettings:
    return load(DatabaseSettings, {"DATABASE_URL": database})


async def test_everything_that_is_shown_is_there_and_works(settings, folder: DataFolder, psql) -> None:
    made = await demo.prepare(settings, folder)
    shown = made.shown
    assert [user["role"] for user in shown["users"]] == ["owner", "admin", "manager", "staff", "viewer"]
    for user in shown["users"]:
        [(role, stored)] = psql(
            "select r.role::text, u.password_hash from users u join user_roles r on r.user_id = u.id"
            " where u.email = %s and r.organization_id = %s",
            user["email"],
            shown["organization"]["id"],
        )
        assert role == user["role"]
        assert security.verify_password(user["password"], stored)
    spare = shown["gateway"]
    assert spare["topic"] == f"frostguard/v1/demo-kitchen/{spare['id']}/readings"
    [(stored,)] = psql("select password_hash from gateways where serial = %s", spare["id"])
    assert matches(spare["password"], stored)
    [(unit, primary)] = psql("select unit_id::text, is_primary from sensors where serial = %s", shown["sensor"])
    assert (unit, primary) == (shown["unit"], True)


async def test_a_second_time_nothing_changes(settings, folder: DataFolder, psql) -> None:
    first = await demo.prepare(settings, folder)
    counted = "select (select count(*) from units), (select count(*) from sensors), (select count(*) from users)"
    before = psql(counted)
    folder.close()
    again = DataFolder.open(folder.path)
    assert await demo.prepare(settings, again) == first
    assert psql(counted) == before
    folder.lock = again.lock


async def test_when_the_folder_is_lost_there_are_new_passwords_that_work(settings, folder: DataFolder, tmp_path, psql):
    await demo.prepare(settings, folder)
    other = DataFolder.open(tmp_path / "other")
    made = await demo.prepare(settings, other)
    other.close()
    [(stored,)] = psql("select password_hash from users where email = %s", demo.email("owner"))
    assert security.verify_password(made.shown["users"][0]["password"], stored)
    [(stored,)] = psql("select password_hash from gateways where serial = %s", demo.SPARE_GATEWAY)
    assert matches(made.shown["gateway"]["password"], stored)


async def test_the_simulator_gets_every_unit_but_the_spare_one(settings, folder: DataFolder, psql) -> None:
    made = await demo.prepare(settings, folder)
    fleet = orjson.loads((folder.path / "fleet.json").read_bytes())
    assert fleet == made.fleet
    planned = {sensor["serial"] for gateway in fleet["gateways"] for sensor in gateway["sensors"]}
    stored = {serial for (serial,) in psql("select serial from sensors where unit_id is not null")}
    assert stored - planned == {made.shown["sensor"]}
    assert planned <= stored
    assert made.shown["gateway"]["id"] not in {gateway["id"] for gateway in fleet["gateways"]}


async def test_units_of_every_type_have_a_primary_sensor_that_measures_a_temperature(settings, folder, psql) -> None:
    await demo.prepare(settings, folder)
    rows = psql(
        "select u.unit_type::text, s.kind from units u left join sensors s on s.unit_id = u.id and s.is_primary"
    )
    assert {unit_type for unit_type, _ in rows} == UNIT_TYPES
    assert {kind for _, kind in rows} <= {"temperature", "temperature_humidity", "combo"}


def test_serials_are_in_normal_form() -> None:
    units = [unit for site in demo.SITES for _, units in site.areas for unit in units]
    for serial in [serial for unit in (*units, demo.SPARE) for _, serial in unit.sensors]:
        assert normalise_serial(serial) == serial
