"""Settings: which exist, what a level overrides, what is in force. Built from the one table in the domain."""

from typing import Any, Literal

from pydantic import Field, create_model

from api.shapes.common import NAMES_SOMETHING, Id, Instant, Shape
from api.shapes.hierarchy import Limit
from frostguard.domain.access import Role
from frostguard.domain.limits import SETTINGS, Setting, UnitType


def _override(setting: Setting) -> Any:  # noqa: ANN401 - a field definition
    kind: Any = int | None if setting.whole else float | None
    unit, minimum, maximum, _ = setting.scale
    return kind, Field(default=None, ge=minimum, le=maximum, description=f"{setting.doc} ({unit}; null: inherited)")


Overrides = create_model(
    "Overrides", __base__=Shape, __doc__="What one level overrides; null or left out: inherited.",
    **{name: _override(setting) for name, setting in SETTINGS.items()},
)  # fmt: skip
_IN_FORCE: dict[str, Any] = dict.fromkeys(SETTINGS, (Limit, ...))
InForce = create_model(
    "InForce", __base__=Shape, __doc__="Every setting in force, with the level that it comes from.",
    **_IN_FORCE,
)  # fmt: skip


class SettingsChange(Overrides):  # type: ignore[valid-type, misc]
    """What is left out stays; null gives a setting back to the level above."""

    model_config = NAMES_SOMETHING


class LevelSettings(Shape):
    """What an organization or a site overrides, and what it inherits from above."""

    level: Literal["organization", "site"]
    id: Id
    overrides: Overrides  # type: ignore[valid-type]
    inherited: dict[str, Limit]
    updated_at: Instant


class UnitSettings(Shape):
    """What a unit overrides, and what is in force for it."""

    level: Literal["unit"]
    id: Id
    overrides: Overrides  # type: ignore[valid-type]
    effective: InForce  # type: ignore[valid-type]
    updated_at: Instant


class SettingDescription(Shape):
    """One setting of the table."""

    name: str
    unit: str
    minimum: float
    maximum: float
    whole: bool
    levels: list[str]
    description: str
    presets: dict[UnitType, float | None]


class AuditEntry(Shape):
    """Who changed what, when and why. `old` and `new` hold the members that changed."""

    n: int
    at: Instant
    actor: Literal["user", "gateway", "operator", "anonymous"]
    actor_id: Id | None
    actor_name: str | None
    actor_email: str | None
    action: str
    object_type: str
    object_id: Id | None
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    reason: str | None
    request_id: str | None


class AuditFault(Shape):
    """Where the chain is broken."""

    n: int
    message: str


class AuditCheck(Shape):
    """What a check of the whole chain found. Keep `n` and `head` elsewhere: they show a chain that was cut off."""

    intact: bool
    n: int
    head: str
    faults: list[AuditFault]


class RoleDescription(Shape):
    """What a role may do."""

    role: Role
    permissions: list[str]
