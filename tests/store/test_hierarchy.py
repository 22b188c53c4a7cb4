"""Making and finding organizations and what they own."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from frostguard.config import DatabaseSettings, load
from frostguard.errors import RowRefusedError
from frostguard.store import connection as connections
from frostguard.store import gateways, hierarchy
from frostguard.store.connection import Connection


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connections.connect(load(DatabaseSettings, {"DATABASE_URL": database}), "test")
    yield opened
    await opened.close()


async def make(connection: Connection, slug: str = "kitchen") -> tuple[UUID, UUID, UUID, UUID]:
    organization = await hierarchy.ensure_organization(connection, slug, slug.title())
    site = await hierarchy.ensure_site(connection, organization, "Main Street", "Hamburg", "Europe/Berlin")
    area = await hierarchy.ensure_area(connection, organization, site, "Kitchen")
    unit = await hierarchy.ensure_unit(connection, organization, area, "Fridge", "fridge")
    return organization, site, area, unit


async def test_making_everything_twice_makes_it_once(connection: Connection, psql) -> None:
    assert await make(connection) == await make(connection)
    for table in ("organizations", "sites", "areas", "units"):
        assert psql(f"select count(*) from {table}") == [(1,)]
    assert psql("select name, city, timezone from sites") == [("Main Street", "Hamburg", "Europe/Berlin")]


async def test_names_differ_by_more_than_case(connection: Connection) -> None:
    organization, site, area, unit = await make(connection)
    assert await hierarchy.ensure_site(connection, organization, "MAIN STREET") == site
    assert await hierarchy.ensure_unit(connection, organization, area, "fridge", "fridge") == unit


async def test_an_organization_is_found_by_its_slug(connection: Connection) -> None:
    organization, *_ = await make(connection)
    found = await hierarchy.find_organization(connection, "kitchen")
    assert (found["id"], found["name"], found["timezone"]) == (organization, "Kitchen", "UTC")
    assert await hierarchy.find_organization(connection, "nobody") is None


async def test_nothing_is_made_below_another_organizations_rows(connection: Connection) -> None:
    _, site, area, _ = await make(connection)
    other = await hierarchy.ensure_organization(connection, "other", "Other")
    with pytest.raises(RowRefusedError, match="no such parent"):
        await hierarchy.ensure_area(connection, other, site, "Kitchen")
    with pytest.raises(RowRefusedError, match="no such parent"):
        await hierarchy.ensure_unit(connection, other, area, "Fridge", "fridge")


async def test_a_member_has_one_role_and_it_can_change(connection: Connection, psql) -> None:
    organization, *_ = await make(connection)
    user, stored = await hierarchy.ensure_member(connection, organization, "Anna@Example.com", "Anna", "viewer")
    assert stored is None
    await hierarchy.set_password_hash(connection, user, "$2b$12$x")
    again = await hierarchy.ensure_member(connection, organization, "anna@example.com", "Anna", "admin")
    assert again == (user, "$2b$12$x")
    assert psql("select u.email, p.full_name, r.role::text from users u join profiles p on p.user_id = u.id"
                " join user_roles r on r.user_id = u.id") == [("anna@example.com", "Anna", "admin")]  # fmt: skip


async def test_a_gateway_is_found_with_its_password_and_given_to_the_broker(connection: Connection) -> None:
    organization, site, *_ = await make(connection)
    gateway, stored = await hierarchy.ensure_gateway(connection, organization, "gw1", "Gateway", site)
    assert stored is None
    assert await gateways.broker_accounts(connection) == {}
    await hierarchy.set_gateway_password(connection, organization, gateway, "$7$1$a$b")
    assert await hierarchy.ensure_gateway(connection, organization, "gw1", "Gateway") == (gateway, "$7$1$a$b")
    assert await gateways.broker_accounts(connection) == {"gw1": "$7$1$a$b"}


async def test_a_gateways_password_is_changed_by_its_organization_only(connection: Connection) -> None:
    organization, *_ = await make(connection)
    gateway, _ = await hierarchy.ensure_gateway(connection, organization, "gw1", "Gateway")
    await hierarchy.set_gateway_password(connection, uuid4(), gateway, "$7$1$a$b")
    assert await gateways.broker_accounts(connection) == {}


async def test_a_gateway_of_another_organization_is_not_taken_over(connection: Connection) -> None:
    organization, *_ = await make(connection)
    await hierarchy.ensure_gateway(connection, organization, "gw1", "Gateway")
    other = await hierarchy.ensure_organization(connection, "other", "Other")
    with pytest.raises(RowRefusedError, match="gw1 belongs to another organization"):
        await hierarchy.ensure_gateway(connection, other, "gw1", "Gateway")


async def test_a_sensor_is_assigned_once_and_can_move(connection: Connection, psql) -> None:
    organization, _, area, unit = await make(connection)
    sensor = await hierarchy.ensure_sensor(connection, organization, "a84041000181c061", "temperature", 60, None)
    assert psql("select unit_id, assigned_at from sensors") == [(None, None)]
    await hierarchy.assign_sensor(connection, organization, sensor, unit, primary=True)
    [(assigned_at,)] = psql("select assigned_at from sensors where unit_id is not null and is_primary")
    await hierarchy.assign_sensor(connection, organization, sensor, unit, primary=True)
    assert psql("select assigned_at from sensors") == [(assigned_at,)]
    other = await hierarchy.ensure_unit(connection, organization, area, "Freezer", "freezer")
    await hierarchy.assign_sensor(connection, organization, sensor, other, primary=False)
    assert psql("select unit_id, is_primary, assigned_at > %s from sensors", assigned_at) == [(other, False, True)]


async def test_a_sensor_is_assigned_by_its_organization_only(connection: Connection, psql) -> None:
    organization, *_, unit = await make(connection)
    sensor = await hierarchy.ensure_sensor(connection, organization, "s1", "door", 60, None)
    await hierarchy.assign_sensor(connection, uuid4(), sensor, unit, primary=False)
    assert psql("select unit_id from sensors") == [(None,)]
