"""Sensors and gateways."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from api.shapes.audit import When
from api.shapes.common import NAMES_ALL, NAMES_SOMETHING, NOT_BLANK, DeviceQuery, Id, Instant, Name, Shape
from frostguard.errors import PacketError
from frostguard.wire.serials import normalise_serial

SensorKind = Literal[
    "temperature", "temperature_humidity", "door", "combo", "contact", "motion", "leak", "metering", "gps",
    "air_quality", "multi_sensor",
]  # fmt: skip
GatewayKind = Literal["native", "tts", "chirpstack"]
Model = Annotated[str, StringConstraints(max_length=100)]
Chemistry = Annotated[str, StringConstraints(max_length=50)]
Interval = Annotated[int, Field(ge=1, le=604_800)]
RangeEnd = Annotated[float, Field(ge=-100, le=150)]


def _serial(value: str) -> str:
    try:
        return normalise_serial(value)
    except PacketError as error:
        raise ValueError(error.detail) from None


Serial = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_serial), NOT_BLANK]


class SensorChange(Shape):
    """What is left out stays."""

    model_config = NAMES_SOMETHING

    name: Name | None = None
    kind: SensorKind = "temperature"
    model: Model | None = None
    battery_chemistry: Chemistry | None = None
    report_interval_seconds: Interval = 300
    range_low: RangeEnd = -60
    range_high: RangeEnd = 125
    calibrated_at: When | None = None
    calibration_due_at: When | None = None


class SensorRequest(SensorChange):
    """A new sensor, by device EUI or serial number. It is pending until it is assigned to a unit."""

    model_config = NAMES_ALL

    serial: Serial


class Sensor(Shape):
    """A sensor. Without `unitId` it is pending: its readings are held until somebody assigns it."""

    id: Id
    organization_id: Id
    unit_id: Id | None
    gateway_id: Id | None
    serial: str
    name: str | None
    kind: SensorKind
    model: str | None
    battery_chemistry: str | None
    report_interval_seconds: int
    range_low: float
    range_high: float
    is_primary: bool
    assigned_at: Instant | None
    first_seen_at: Instant | None
    calibrated_at: Instant | None
    calibration_due_at: Instant | None
    created_at: Instant
    updated_at: Instant


class SensorDetail(Sensor):
    """A sensor with the number of its readings that wait for an assignment."""

    held_readings: int


class SensorQuery(DeviceQuery):
    """A page of sensors: only pending ones (or only assigned ones), of a gateway, with a serial."""

    pending: bool | None = None
    unit_id: UUID | None = None
    gateway_id: UUID | None = None
    serial: Serial | None = None


class Assignment(Shape):
    """The unit that the sensor watches from now on. `primary` left out: primary if the unit has none and it can be."""

    unit_id: Id
    primary: bool | None = None


class GatewayChange(Shape):
    """What is left out stays."""

    model_config = NAMES_SOMETHING

    name: Name = ""
    description: Annotated[str, StringConstraints(max_length=500)] | None = None
    site_id: Id | None = None


class GatewayRequest(GatewayChange):
    """A new gateway. The serial of a native one is its MQTT user name and the second level of its topics."""

    model_config = NAMES_ALL

    name: Name
    serial: Annotated[str, StringConstraints(min_length=1, max_length=128), NOT_BLANK]
    kind: GatewayKind = "native"

    @model_validator(mode="after")
    def _serial_fits(self) -> "GatewayRequest":
        allowed = "_-" if self.kind == "native" else "_-@."
        limit = 64 if self.kind == "native" else 128
        if len(self.serial) > limit or not all((c.isascii() and c.isalnum()) or c in allowed for c in self.serial):
            raise ValueError(f"serial must have at most {limit} characters: letters, digits, {' '.join(allowed)}")
        return self


class Gateway(Shape):
    """A gateway, and what the broker and its messages say of it."""

    id: Id
    organization_id: Id
    site_id: Id | None
    kind: GatewayKind
    serial: str
    name: str
    description: str | None
    has_credentials: bool
    online: bool | None
    online_since: Instant | None
    last_heard_at: Instant | None
    sensor_count: int
    created_at: Instant
    updated_at: Instant


class GatewayQuery(DeviceQuery):
    """A page of gateways, of a site."""

    site_id: UUID | None = None


class Credentials(Shape):
    """Shown this once, and kept nowhere: of a native gateway for MQTT and POST /ingest/readings, of a network for HTTP.

    `topic` is where its messages are published, or would be.
    """

    username: str
    password: str
    topic: str
