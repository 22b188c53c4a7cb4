"""One screen that says what stands where."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from frostguard.config import DatabaseSettings, load
from frostguard.store import connection as connections
from frostguard.store import hierarchy, partitions


@pytest.fixture
def fleet(database: str, psql) -> None:
    async def make() -> None:
        c = await connections.connect(load(DatabaseSettings, {"DATABASE_URL": database}), "test")
        await partitions.ensure_ahead(c, datetime.now(UTC))
        for slug in ("one", "two"):
            organization = await hierarchy.ensure_organization(c, slug, slug)
            site = await hierarchy.ensure_site(c, organization, "Site")
            area = await hierarchy.ensure_area(c, organization, site, "Area")
            unit = await hierarchy.ensure_unit(c, organization, area, f"Fridge {slug}", "fridge")
            gateway, _ = await hierarchy.ensure_gateway(c, organization, f"gw-{slug}", "Gateway")
            sensor = await hierarchy.ensure_sensor(c, organization, f"s-{slug}", "temperature", 60, gateway)
            await hierarchy.assign_sensor(c, organization, sensor, unit, primary=True)
        await c.close()

    asyncio.run(make())
    psql("insert into sensor_readings (unit_id, sensor_id, recorded_at, temperature)"
         " select unit_id, id, now(), 3.25 from sensors where serial = 's-one'")  # fmt: skip


def test_an_empty_database_has_a_screen_too(command) -> None:
    said = command("status")
    assert said.code == 0
    assert said.out.startswith("no units yet")
    assert "gateways online: 0 of 0" in said.out


@pytest.mark.usefixtures("fleet")
def test_units_gateways_and_rates_are_shown(command) -> None:
    out = command("status").out
    assert "Fridge one  fridge  -       3.2 °C" in out
    assert "Fridge two  fridge  -            -" in out
    assert "last minute: 1 readings of 1 sensors" in out
    assert "gateways online: 0 of 2   dead letters open: 0   sensors to assign: 0" in out


@pytest.mark.usefixtures("fleet")
def test_one_organization_alone(command) -> None:
    out = command("status", "--organization", "two").out
    assert "Fridge two" in out
    assert "one" not in out.replace("online", "")


@pytest.mark.usefixtures("fleet")
def test_the_same_as_json(command) -> None:
    seen = json.loads(command("status", "--json").out)
    assert [(unit["unit"], unit["temperature"]) for unit in seen["units"]] == [
        ("Fridge one", 3.25),
        ("Fridge two", None),
    ]
    assert seen["lastMinute"]["readings"] == 1
    assert seen["deadLetters"] == {}
