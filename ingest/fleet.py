"""The fleet in memory: which topics belong to whom, and which unit each sensor watches."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.limits import Limits
from frostguard.domain.shards import WHOLE, Shard
from frostguard.errors import PacketError, TopicError
from frostguard.store import fleet as table
from frostguard.store.connection import Connection, Record
from frostguard.units import Unit, build_units, organization_limits
from frostguard.wire import topics
from frostguard.wire.serials import normalise_serial
from frostguard.wire.topics import TopicKind

AT_ONCE = 20
"""Organizations whose rows are read together."""

MAX_ROUTES = 200_000
"""Topics remembered; beyond it the memory starts anew, so that invented topics cannot fill it."""


@dataclass(slots=True, frozen=True)
class Sensor:
    """One sensor. `unit_id` is None until somebody assigns it; its range is what it can measure, °C."""

    id: UUID
    unit_id: UUID | None
    serial: str
    gateway_id: UUID | None
    range_low: float
    range_high: float
    chemistry: str | None
    interval_seconds: int
    is_primary: bool
    kind: str
    assigned_at: datetime | None


@dataclass(slots=True)
class Organization:
    """One organization. `sensors` finds a sensor by every spelling that was seen so far."""

    id: UUID
    slug: str
    gateways: dict[str, UUID] = field(default_factory=dict)
    sensors: dict[str, Sensor] = field(default_factory=dict)
    networks: dict[tuple[str, str], UUID] = field(default_factory=dict)
    units: dict[UUID, Unit] = field(default_factory=dict)
    # Of what its gateways' silence is judged by, and the report interval of the fastest sensor behind each.
    limits: Limits = field(default_factory=Limits)
    intervals: dict[UUID, float] = field(default_factory=dict)
    known: int = 0

    def find(self, spelling: str) -> Sensor | None:
        """Return the sensor that a payload means, remembering the spelling. Raises PacketError for no serial."""
        sensor = self.sensors.get(normalise_serial(spelling))
        if sensor is not None and len(self.sensors) < 4 * self.known + 1000:
            self.sensors[spelling] = sensor
        return sensor


class Changes(NamedTuple):
    """What a look at the tables brought: sensors that got a unit, and units whose rules are other than before."""

    assigned: list[UUID]
    units: list[UUID]


@dataclass(slots=True, frozen=True)
class Route:
    """What a topic stands for: the kind of its payload, whose it is, and which gateway sent it."""

    kind: TopicKind
    organization: Organization
    gateway_id: UUID
    gateway: str
    topic: str


class Fleet:
    """All organizations that this shard serves, and the routes of the topics seen so far."""

    def __init__(self, shard: Shard = WHOLE) -> None:
        self.shard = shard
        self._by_id: dict[UUID, Organization] = {}
        self._by_slug: dict[str, Organization] = {}
        self._networks: dict[tuple[str, str], Organization] = {}
        self._addresses: dict[UUID, tuple[str, str]] = {}
        # Pending sensors whose registration no reload has shown yet: it may not be committed.
        self._introduced: dict[tuple[UUID, str], Sensor] = {}
        self._owner_of_gateway: dict[UUID, Organization] = {}
        self.units: dict[UUID, Unit] = {}
        self.routes: dict[bytes, Route] = {}

    async def load(self, connection: Connection, organizations: Sequence[UUID] | None = None) -> Changes:
        """Read these organizations anew (all of the shard, if None); others are not looked at."""
        found = await table.organizations(connection, organizations, self.shard)
        fresh = {
            row["id"]: Organization(row["id"], row["slug"], limits=organization_limits(row["settings"]))
            for row in found
        }
        changes = Changes([], [])
        ids = list(fresh)
        for start in range(0, len(ids), AT_ONCE):
            await self._load_part(connection, fresh, ids[start : start + AT_ONCE], changes)
        self._replace(self._by_id if organizations is None else organizations, fresh)
        return changes

    async def _load_part(
        self, connection: Connection, fresh: dict[UUID, Organization], part: list[UUID], changes: Changes
    ) -> None:
        """Read some organizations: a hundred thousand rows at once would stay in the process as memory it once had."""
        for row in await table.gateways(connection, part):
            self._add_gateway(fresh[row["organization_id"]], row["kind"], row["serial"], row["id"])
        rows = await table.units(connection, part)
        one = {row["id"]: row["id"] for row in rows}  # one value for each id, however many rows name it
        sensors = await table.sensors(connection, part)
        for row in sensors:
            owner = fresh[row["organization_id"]]
            sensor = _sensor(row, one)
            owner.sensors[sensor.serial] = sensor
            if sensor.unit_id is not None and self._was_pending(owner.id, sensor.serial):
                changes.assigned.append(sensor.id)
            _note_interval(owner, sensor)
        for unit_id, unit in build_units(rows, sensors, self.units).items():
            fresh[unit.subject.organization_id].units[unit_id] = unit
            before = self.units.get(unit_id)
            if before is None or before.rules is not unit.rules:
                changes.units.append(unit_id)
        for organization in part:
            fresh[organization].known = len(fresh[organization].sensors)

    @staticmethod
    def _add_gateway(owner: Organization, kind: str, serial: str, gateway_id: UUID) -> None:
        if kind == "native":
            owner.gateways[serial] = gateway_id
        else:
            owner.networks[kind, serial] = gateway_id

    def _was_pending(self, organization: UUID, serial: str) -> bool:
        """Whether we hold its readings, as far as we know: it was pending here, or came while we looked away."""
        known = self._by_id.get(organization)
        before = known.sensors.get(serial) if known else None
        return before is None or before.unit_id is None

    def _replace(self, gone: Iterable[UUID], fresh: dict[UUID, Organization]) -> None:
        for organization in list(gone):
            if old := self._by_id.pop(organization, None):
                self._by_slug.pop(old.slug, None)
                for gateway in (*old.gateways.values(), *old.networks.values()):
                    self._addresses.pop(gateway, None)
                    self._owner_of_gateway.pop(gateway, None)
                for unit in old.units:
                    self.units.pop(unit, None)
                for key in old.networks:
                    self._networks.pop(key, None)
        for (organization, serial), sensor in list(self._introduced.items()):
            if (owner := fresh.get(organization)) and owner.sensors.setdefault(serial, sensor) is not sensor:
                del self._introduced[organization, serial]
        for organization, new in fresh.items():
            self._by_id[organization] = new
            self._by_slug[new.slug] = new
            self._networks.update(dict.fromkeys(new.networks, new))
            self._addresses.update({gateway: (new.slug, serial) for serial, gateway in new.gateways.items()})
            self._owner_of_gateway.update(dict.fromkeys((*new.gateways.values(), *new.networks.values()), new))
            self.units.update(new.units)
        self.routes.clear()

    def organization(self, organization: UUID) -> Organization | None:
        """Return one organization."""
        return self._by_id.get(organization)

    @property
    def slugs(self) -> Iterable[str]:
        """What native gateways call our organizations."""
        return self._by_slug

    @property
    def networks(self) -> Iterable[tuple[str, str]]:
        """Kind and name of the LoRaWAN networks of our organizations."""
        return self._networks

    def owner_of_gateway(self, gateway_id: UUID) -> Organization | None:
        """Return whose gateway this is."""
        return self._owner_of_gateway.get(gateway_id)

    @property
    def gateways(self) -> Iterable[UUID]:
        """All gateways."""
        return self._owner_of_gateway

    def gateway_of(self, unit_id: UUID | None) -> UUID | None:
        """Return the gateway that a unit's sensor speaks through, if that is known."""
        unit = self.units.get(unit_id) if unit_id is not None else None
        return unit.gateway_id if unit is not None else None

    def address(self, gateway_id: UUID) -> tuple[str, str] | None:
        """Return the first levels of the topics of a gateway of ours: (organization, gateway)."""
        return self._addresses.get(gateway_id)

    def route(self, topic: bytes) -> Route:
        """Return what a topic stands for, and remember it.

        Raises TopicError outside the grammar, PacketError (`unknown_organization`, `unknown_gateway`) for strangers.
        """
        parsed = topics.parse(topic)
        if parsed.kind in (TopicKind.TTS, TopicKind.CHIRPSTACK):
            key = (parsed.kind.value, parsed.gateway)
            owner = self._networks.get(key)
            gateway_id = owner.networks.get(key) if owner else None
        elif parsed.kind in (TopicKind.READINGS, TopicKind.STATUS):
            owner = self._by_slug.get(parsed.organization or "")
            if owner is None:
                raise PacketError("unknown_organization", f"no organization {parsed.organization!r}")
            gateway_id = owner.gateways.get(parsed.gateway)
        else:
            raise TopicError("not_for_us", f"{parsed.kind.value} goes to gateways")
        if owner is None or gateway_id is None:
            raise PacketError("unknown_gateway", f"no gateway {parsed.gateway!r} of that organization")
        route = Route(parsed.kind, owner, gateway_id, parsed.gateway, topic.decode())
        if len(self.routes) >= MAX_ROUTES:
            self.routes.clear()
        self.routes[topic] = route
        return route

    def add_pending(self, organization: UUID, sensor: Sensor) -> None:
        """A sensor that was just registered as pending."""
        if owner := self._by_id.get(organization):
            owner.sensors.setdefault(sensor.serial, sensor)
            self._introduced[organization, sensor.serial] = sensor

    def forget_pending(self, organization: UUID, serial: str, sensor: UUID) -> None:
        """Its registration was not committed: the next reading introduces it again."""
        owner = self._by_id.get(organization)
        known = owner.sensors.get(serial) if owner else None
        if owner and known and known.id == sensor:
            owner.sensors = {spelling: s for spelling, s in owner.sensors.items() if s.id != sensor}
            self._introduced.pop((organization, serial), None)

    def sizes(self) -> dict[str, int]:
        """Return how many of each there are."""
        owners = self._by_id.values()
        return {
            "organizations": len(self._by_id),
            "gateways": sum(len(o.gateways) + len(o.networks) for o in owners),
            "sensors": sum(o.known for o in owners),
            "units": len(self.units),
        }


def _sensor(row: Record, one: dict[UUID, UUID]) -> Sensor:
    return Sensor(
        id=row["id"],
        unit_id=one.get(row["unit_id"], row["unit_id"]),
        serial=row["serial"],
        gateway_id=row["gateway_id"],
        range_low=row["range_low"],
        range_high=row["range_high"],
        chemistry=row["battery_chemistry"],
        interval_seconds=row["report_interval_seconds"],
        is_primary=row["is_primary"],
        kind=sys.intern(row["kind"]),
        assigned_at=row["assigned_at"],
    )


def _note_interval(owner: Organization, sensor: Sensor) -> None:
    """A gateway is expected to be heard as often as its fastest sensor."""
    if sensor.gateway_id is not None and sensor.unit_id is not None:
        known = owner.intervals.get(sensor.gateway_id, sensor.interval_seconds)
        owner.intervals[sensor.gateway_id] = min(known, sensor.interval_seconds)
