"""How long an organization's readings are kept."""

from typing import Annotated

from pydantic import Field

from api.shapes.common import NAMES_SOMETHING, Id, Instant, Shape
from frostguard.domain.retention import MINIMUM_DAYS

Days = Annotated[int, Field(ge=MINIMUM_DAYS, le=36_600)]


class Retention(Shape):
    """`retentionDays` is what the organization asks for (null: the default), `effectiveDays` what is in force.

    While `legalHoldSince` is set nothing is removed, however old it is; only an operator sets and ends a hold.
    """

    id: Id
    retention_days: int | None
    effective_days: int
    minimum_days: int
    legal_hold_since: Instant | None
    legal_hold_reason: str | None
    updated_at: Instant


class RetentionChange(Shape):
    """Days for which readings are kept at least; null: the installation's default."""

    model_config = NAMES_SOMETHING

    retention_days: Days | None = None
