"""Organizations, sites, areas and units."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from api.shapes.common import NAMES_SOMETHING, Celsius, Id, Instant, Name, PageQuery, Query, Shape, Slug
from api.zones import is_zone
from frostguard.domain.access import Role
from frostguard.domain.limits import UnitType
from frostguard.domain.link import DataPhase
from frostguard.domain.status import UnitStatus
from frostguard.domain.temperature import TemperaturePhase


def _zone(value: str) -> str:
    if not is_zone(value):
        raise ValueError("must be an IANA time zone such as Europe/Berlin")
    return value


Zone = Annotated[str, StringConstraints(max_length=100), AfterValidator(_zone)]
Address = Annotated[str, StringConstraints(max_length=200)]
City = Annotated[str, StringConstraints(max_length=100)]
State = Annotated[str, StringConstraints(max_length=50)]
PostalCode = Annotated[str, StringConstraints(max_length=20)]
Description = Annotated[str, StringConstraints(max_length=500)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
SortOrder = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
Url = Annotated[str, StringConstraints(max_length=1000, pattern=r"^https://[!-~]+$")]
ComplianceMode = Literal["standard", "haccp"]


class OrganizationRequest(Shape):
    """A new organization; without a slug one is made from the name."""

    name: Name
    slug: Slug | None = None


class OrganizationChange(Shape):
    """What is left out stays. The slug is the first level of the MQTT topics: gateways must follow a new one."""

    model_config = NAMES_SOMETHING

    name: Name = ""
    slug: Slug = ""
    logo_url: Url | None = None
    timezone: Zone = ""
    compliance_mode: ComplianceMode = "standard"


class Organization(Shape):
    """An organization."""

    id: Id
    name: str
    slug: str
    logo_url: str | None
    timezone: str
    compliance_mode: ComplianceMode
    created_at: Instant
    updated_at: Instant


class OwnOrganization(Organization):
    """One of the user's organizations, with his role."""

    role: Role


class SlugQuery(Query):
    """The slug in question."""

    slug: Slug


class SlugAnswer(Shape):
    """Whether a slug can still be had."""

    slug: str
    available: bool


class TreeUnit(Shape):
    """A unit in the tree."""

    id: Id
    name: str
    unit_type: UnitType
    sensors: int


class TreeArea(Shape):
    """An area in the tree."""

    id: Id
    name: str
    units: list[TreeUnit]


class TreeSite(Shape):
    """A site in the tree."""

    id: Id
    name: str
    areas: list[TreeArea]


class DeletedObject(Shape):
    """Something that can be restored."""

    type: Literal["site", "area", "unit", "gateway", "sensor"]
    id: Id
    name: str
    parent_id: Id | None
    deleted_at: Instant


class DeletionPreview(Shape):
    """What a deletion would take along."""

    areas: int = 0
    units: int = 0
    sensors: int = 0


class SiteRequest(Shape):
    """A new site. Without a time zone it has the organization's."""

    name: Name
    address: Address | None = None
    city: City | None = None
    state: State | None = None
    postal_code: PostalCode | None = None
    country: City | None = None
    timezone: Zone | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class SiteChange(SiteRequest):
    """What is left out stays."""

    model_config = NAMES_SOMETHING

    name: Name = ""


class Site(Shape):
    """A site."""

    id: Id
    organization_id: Id
    name: str
    address: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None
    timezone: str | None
    latitude: float | None
    longitude: float | None
    area_count: int
    unit_count: int
    created_at: Instant
    updated_at: Instant


class SiteQuery(PageQuery):
    """A page of sites, with a text that their names contain."""

    q: Annotated[str, StringConstraints(max_length=100)] | None = None


class AreaRequest(Shape):
    """A new area."""

    name: Name
    description: Description | None = None
    sort_order: SortOrder = 0


class AreaChange(AreaRequest):
    """What is left out stays."""

    model_config = NAMES_SOMETHING

    name: Name = ""


class Area(Shape):
    """An area."""

    id: Id
    organization_id: Id
    site_id: Id
    name: str
    description: str | None
    sort_order: int
    unit_count: int
    created_at: Instant
    updated_at: Instant


class Limit(Shape):
    """A number in force, and the level that it comes from."""

    value: float | None
    source: Literal["unit", "site", "organization", "preset"]


class Limits(Shape):
    """The temperature limits in force for a unit; /units/{unitId}/settings has all settings."""

    high: Limit
    low: Limit
    hysteresis: Limit
    critical_high: Limit
    critical_low: Limit
    confirm_seconds: Limit
    confirm_open_seconds: Limit


class UnitRequest(Shape):
    """A new unit. Limits that are left out or null are inherited; 0 is a limit like any other."""

    name: Name
    unit_type: UnitType = UnitType.FRIDGE
    temp_min: Celsius | None = None
    temp_max: Celsius | None = None
    make: City | None = None
    model: City | None = None
    serial_number: City | None = None
    notes: Description | None = None
    sort_order: SortOrder = 0


class UnitChange(UnitRequest):
    """What is left out stays.

    A client may send back a unit as it received it: then the body carries the unit's own `id`, members that never
    change must be equal to the stored ones, and those that live (status, limits, readings) are ignored. Without that
    `id`, members that clients cannot set are refused.
    """

    model_config = NAMES_SOMETHING

    name: Name = ""
    id: UUID | None = None
    organization_id: UUID | None = None
    site_id: UUID | None = None
    area_id: UUID | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    status: UnitStatus | None = None
    status_since: Instant | None = None
    temperature_state: TemperaturePhase | None = None
    data_state: DataPhase | None = None
    door_open: bool | None = None
    limits: dict[str, Any] | None = None
    last_reading_at: Instant | None = None
    last_temperature: float | None = None


class Unit(Shape):
    """A unit: what people set, the limits in force, and how it stands."""

    id: Id
    organization_id: Id
    site_id: Id
    area_id: Id
    name: str
    unit_type: UnitType
    status: UnitStatus
    status_since: Instant | None
    temperature_state: TemperaturePhase
    data_state: DataPhase
    door_open: bool | None
    temp_min: float | None
    temp_max: float | None
    limits: Limits
    make: str | None
    model: str | None
    serial_number: str | None
    notes: str | None
    sort_order: int
    last_reading_at: Instant | None
    last_temperature: float | None
    created_at: Instant
    updated_at: Instant


class UnitQuery(PageQuery):
    """A page of units: of a site, of a type, with a text that their names contain."""

    site_id: UUID | None = None
    unit_type: UnitType | None = None
    q: Annotated[str, StringConstraints(max_length=100)] | None = None


class Move(Shape):
    """The area to move to."""

    area_id: Id
