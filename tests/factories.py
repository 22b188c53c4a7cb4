"""Valid and dull things to test with; a test says only what matters to it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import psycopg

from frostguard.domain.reading import Reading
from ingest.fleet import Fleet, Organization, Sensor
from ingest.reader import Publish
from tests.fakes import NOON

SERIAL = "a84041000181c061"
SLUG = "acme"
GATEWAY = "gw-1"


def identity(name: str) -> UUID:
    """The same UUID for the same name."""
    return uuid5(UUID(int=0), name)


def make_reading(minute: float = 0, celsius: float | None = 4.0, **changes: Any) -> Reading:
    at = NOON + timedelta(minutes=minute)
    values = {
        "unit_id": identity("unit"), "recorded_at": at, "sensor_id": identity("sensor"), "seq": 0,
        "received_at": at + timedelta(seconds=1), "temperature": celsius,
    }  # fmt: skip
    return Reading(**(values | changes))


# --- a fleet in memory


def make_sensor(serial: str = SERIAL, unit: UUID | None = identity("unit"), **changes: Any) -> Sensor:  # noqa: B008
    values = {
        "id": identity(serial), "unit_id": unit, "serial": serial, "gateway_id": identity(GATEWAY),
        "range_low": -60.0, "range_high": 125.0, "chemistry": None, "interval_seconds": 300, "is_primary": True,
        "kind": "temperature", "assigned_at": NOON if unit else None,
    }  # fmt: skip
    return Sensor(**(values | changes))


def make_organization(
    slug: str = SLUG,
    gateways: Iterable[str] = (GATEWAY,),
    sensors: Iterable[Sensor] | None = None,
    networks: Iterable[tuple[str, str]] = (),
) -> Organization:
    made = Organization(identity(slug), slug)
    made.gateways = {serial: identity(serial) for serial in gateways}
    made.sensors = {sensor.serial: sensor for sensor in ([make_sensor()] if sensors is None else sensors)}
    made.networks = {key: identity(key[1]) for key in networks}
    made.known = len(made.sensors)
    return made


def make_fleet(*organizations: Organization) -> Fleet:
    fleet = Fleet()
    fleet._replace([], {one.id: one for one in organizations or (make_organization(),)})
    return fleet


# --- messages


def raw_reading(minute: float | None = 0, sensor: str = SERIAL, **fields: Any) -> dict[str, Any]:
    """One reading as a gateway writes it."""
    made: dict[str, Any] = {"sensor": sensor, "temperature": 4.0}
    if minute is not None:
        made["at"] = (NOON + timedelta(minutes=minute)).isoformat()
    return {name: value for name, value in (made | fields).items() if value is not ...}


def payload_of(*readings: object, **fields: Any) -> bytes:
    return json.dumps({"readings": readings, **fields}, separators=(",", ":")).encode()


def topic_of(kind: str = "readings", gateway: str = GATEWAY, organization: str = SLUG) -> bytes:
    return f"frostguard/v1/{organization}/{gateway}/{kind}".encode()


def message(payload: bytes | None, topic: bytes | None = None, packet_id: int = 1, flags: int = 2) -> Publish:
    return Publish(topic_of() if topic is None else topic, payload, packet_id, flags)


# --- a fleet in the database


@dataclass(frozen=True)
class Planted:
    """What `plant` put there: ids by name."""

    organization: UUID
    area: UUID
    gateways: dict[str, UUID]
    sensors: dict[str, UUID] = field(default_factory=dict)
    units: dict[str, UUID] = field(default_factory=dict)


def plant(
    url: str, slug: str = SLUG, gateways: Iterable[str] = (GATEWAY,), sensors: Iterable[str] = (SERIAL,)
) -> Planted:
    """An organization with a site and an area, gateways, and a unit for each sensor, which is assigned to it."""
    with psycopg.connect(url) as c:
        organization = one(c, "insert into organizations (name, slug) values (%s, %s) returning id", slug, slug)
        site = one(c, "insert into sites (organization_id, name) values (%s, 'Site') returning id", organization)
        area = one(
            c, "insert into areas (organization_id, site_id, name) values (%s, %s, 'Area') returning id",
            organization, site,
        )  # fmt: skip
        planted = Planted(organization, area, {name: plant_gateway(c, organization, name) for name in gateways})
        for serial in sensors:
            planted.units[serial] = plant_unit(c, organization, area, f"Unit of {serial}")
            planted.sensors[serial] = plant_sensor(c, organization, serial, planted.units[serial])
    return planted


def one(connection: psycopg.Connection, text: str, *arguments: object) -> Any:
    """Run a statement that gives one value."""
    row = connection.execute(text, arguments).fetchone()
    assert row is not None
    return row[0]


def plant_gateway(connection: psycopg.Connection, organization: UUID, serial: str, kind: str = "native") -> UUID:
    return one(
        connection, "insert into gateways (organization_id, serial, name, kind) values (%s, %s, %s, %s) returning id",
        organization, serial, serial, kind,
    )  # fmt: skip


def plant_unit(connection: psycopg.Connection, organization: UUID, area: UUID, name: str = "Unit") -> UUID:
    return one(
        connection, "insert into units (organization_id, area_id, name) values (%s, %s, %s) returning id",
        organization, area, name,
    )  # fmt: skip


def plant_sensor(connection: psycopg.Connection, organization: UUID, serial: str, unit: UUID | None) -> UUID:
    return one(
        connection,
        """insert into sensors (organization_id, serial, unit_id, assigned_at, is_primary)
           values (%s, %s, %s, %s, true) returning id""",
        organization, serial, unit, NOON if unit else None,
    )  # fmt: skip


def assign(connection: psycopg.Connection, sensor: UUID, unit: UUID, at: datetime = NOON) -> None:
    connection.execute("update sensors set unit_id = %s, assigned_at = %s where id = %s", (unit, at, sensor))
