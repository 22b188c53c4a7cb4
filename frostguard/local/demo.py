"""The demo organization: sites, units of every type, people of every role, and a spare set to try things out with."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from frostguard.config import DatabaseSettings
from frostguard.gateway_passwords import matches, mosquitto_hash, new_password
from frostguard.local.folder import DataFolder, write_private
from frostguard.security import hash_password
from frostguard.store import connection as database
from frostguard.store import hierarchy
from frostguard.store.connection import Connection

SLUG, NAME = "demo-kitchen", "Demo Kitchen"
INTERVAL = 10  # seconds between readings: often enough that a newcomer sees something move
SPARE_INTERVAL = 300

ROLES = (
    ("owner", "Olivia Owner"),
    ("admin", "Adam Admin"),
    ("manager", "Mona Manager"),
    ("staff", "Sam Staff"),
    ("viewer", "Vera Viewer"),
)


@dataclass(frozen=True)
class Unit:
    """One unit and its sensors: (kind, serial), the first is the primary one."""

    name: str
    unit_type: str
    sensors: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Site:
    """One site with its gateway and, area by area, its units."""

    name: str
    city: str
    gateway: str
    areas: tuple[tuple[str, tuple[Unit, ...]], ...]


def _unit(name: str, unit_type: str, number: int, *kinds: str) -> Unit:
    return Unit(name, unit_type, tuple((kind, f"a840410000{number:04x}{i:02x}") for i, kind in enumerate(kinds, 1)))


SITES = (
    Site("Downtown Restaurant", "Hamburg", "demo-gateway-downtown", (
        ("Main Kitchen", (
            _unit("Prep Fridge", "fridge", 1, "combo"),
            _unit("Line Fridge", "fridge", 2, "temperature", "door"),
            _unit("Chest Freezer", "freezer", 3, "temperature"),
            _unit("Blast Chiller", "blast_chiller", 4, "temperature"),
        )),
        ("Cold Store", (
            _unit("Walk-in Cooler", "walk_in_cooler", 5, "temperature_humidity", "door"),
            _unit("Walk-in Freezer", "walk_in_freezer", 6, "temperature", "door"),
        )),
    )),
    Site("Harbour Market", "Bremen", "demo-gateway-harbour", (
        ("Shop Floor", (
            _unit("Fish Counter", "display_case", 7, "temperature_humidity"),
            _unit("Dairy Wall", "display_case", 8, "temperature"),
            _unit("Ice Cream Chest", "freezer", 9, "combo"),
        )),
        ("Back Room", (
            _unit("Delivery Cooler", "walk_in_cooler", 10, "temperature", "door"),
        )),
    )),
    Site("Clinic Pharmacy", "Lübeck", "demo-gateway-clinic", (
        ("Dispensary", (
            _unit("Vaccine Fridge", "fridge", 11, "combo"),
            _unit("Plasma Freezer", "freezer", 12, "temperature"),
        )),
    )),
)  # fmt: skip

# Stands in the first site's first area; the simulator leaves it alone.
SPARE_GATEWAY = "demo-spare-gateway"
SPARE = Unit("Spare Fridge", "fridge", (("combo", "demo-spare-sensor"),))


@dataclass(frozen=True)
class Demo:
    """What was made. `shown` is the `demo` part of the ready line."""

    shown: dict[str, Any]
    fleet: dict[str, Any]


def email(role: str) -> str:
    """Return the demo login of a role; the domain can never exist (RFC 2606)."""
    return f"{role}@{SLUG}.example"


async def prepare(settings: DatabaseSettings, folder: DataFolder) -> Demo:
    """Make what is missing of the demo. Passwords are remembered in the folder; the fleet file is written there."""
    connection = await database.connect(settings, "frostguard-up")
    try:
        organization = await hierarchy.ensure_organization(connection, SLUG, NAME, "Europe/Berlin")
        builder = _Builder(connection, organization, folder)
        users = await builder.people()
        sites = [await builder.site(site) for site in SITES]
        spare = await builder.spare()
    finally:
        await connection.close()
    fleet = {"gateways": sites}
    write_private(folder.path / "fleet.json", orjson.dumps(fleet, option=orjson.OPT_INDENT_2))
    shown = {"organization": {"id": str(organization), "slug": SLUG}, "users": users, **spare}
    return Demo(shown, fleet)


@dataclass(frozen=True)
class _Builder:
    connection: Connection
    organization: Any
    folder: DataFolder

    async def people(self) -> list[dict[str, str]]:
        """Make a user for each role, owner first. Returns role, email and password."""
        remembered: dict[str, str] = dict(self.folder.get("demo_users", {}))
        fresh = {}
        for role, name in ROLES:
            user, stored = await hierarchy.ensure_member(self.connection, self.organization, email(role), name, role)
            if stored is None or role not in remembered:
                fresh[role] = user
                remembered[role] = secrets.token_urlsafe(12)
        hashes = await asyncio.gather(*(asyncio.to_thread(hash_password, remembered[role]) for role in fresh))
        for user, made in zip(fresh.values(), hashes, strict=True):
            await hierarchy.set_password_hash(self.connection, user, made)
        self.folder.remember(demo_users=remembered)
        return [{"role": role, "email": email(role), "password": remembered[role]} for role, _ in ROLES]

    async def site(self, site: Site) -> dict[str, Any]:
        """Make a site with all below it. Returns its gateway as the simulator's fleet file wants it."""
        place = await hierarchy.ensure_site(self.connection, self.organization, site.name, site.city)
        gateway, password = await self._gateway(site.gateway, f"{site.name} gateway", place)
        sensors = []
        for area_name, units in site.areas:
            area = await hierarchy.ensure_area(self.connection, self.organization, place, area_name)
            for unit in units:
                await self._unit(area, unit, gateway, INTERVAL)
                sensors += list(_planned(unit))
        return {"organization": SLUG, "id": site.gateway, "password": password, "sensors": sensors}

    async def spare(self) -> dict[str, Any]:
        """Make the set that the simulator leaves alone. Returns how to use it."""
        place = await hierarchy.ensure_site(self.connection, self.organization, SITES[0].name)
        area = await hierarchy.ensure_area(self.connection, self.organization, place, SITES[0].areas[0][0])
        gateway, password = await self._gateway(SPARE_GATEWAY, "Spare gateway", place)
        unit = await self._unit(area, SPARE, gateway, SPARE_INTERVAL)
        topic = f"frostguard/v1/{SLUG}/{SPARE_GATEWAY}/readings"
        return {
            "gateway": {"id": SPARE_GATEWAY, "password": password, "topic": topic},
            "sensor": SPARE.sensors[0][1],
            "unit": str(unit),
        }

    async def _gateway(self, serial: str, name: str, place: Any) -> tuple[Any, str]:  # noqa: ANN401 - UUIDs
        gateway, stored = await hierarchy.ensure_gateway(self.connection, self.organization, serial, name, place)
        passwords: dict[str, str] = dict(self.folder.get("demo_gateways", {}))
        password = passwords.setdefault(serial, new_password())
        self.folder.remember(demo_gateways=passwords)
        if stored is None or not matches(password, stored):
            await hierarchy.set_gateway_password(self.connection, self.organization, gateway, mosquitto_hash(password))
        return gateway, password

    async def _unit(self, area: Any, unit: Unit, gateway: Any, interval: int) -> Any:  # noqa: ANN401 - UUIDs
        made = await hierarchy.ensure_unit(self.connection, self.organization, area, unit.name, unit.unit_type)
        for index, (kind, serial) in enumerate(unit.sensors):
            sensor = await hierarchy.ensure_sensor(self.connection, self.organization, serial, kind, interval, gateway)
            await hierarchy.assign_sensor(self.connection, self.organization, sensor, made, primary=index == 0)
        return made


def _planned(unit: Unit) -> Iterator[dict[str, Any]]:
    for kind, serial in unit.sensors:
        yield {
            "serial": serial, "unit_type": unit.unit_type, "kind": kind, "interval_seconds": INTERVAL,
            "unit": f"{unit.name}",
        }  # fmt: skip
