"""The limits in force, as JSON: resolved once for each combination of type and overrides, then remembered."""

import re
from functools import lru_cache
from typing import Any

import orjson
from pydantic.alias_generators import to_camel

from api.answers import Row
from frostguard.domain.limits import Effective, UnitType, problems, resolve

_NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")

# What every unit carries; the rest is asked for at /settings.
SHOWN = ("high", "low", "hysteresis", "critical_high", "critical_low", "confirm_seconds", "confirm_open_seconds")


def unit_overrides(settings: str, temp_min: float | None, temp_max: float | None) -> dict[str, float | None]:
    """Return everything that a unit overrides; its own columns are `low` and `high`."""
    own: dict[str, float | None] = orjson.loads(settings)
    return {**own, "low": temp_min, "high": temp_max}


@lru_cache(maxsize=4096)
def effective(
    unit_type: str, limits: tuple[float | None, float | None], unit: str, site: str, organization: str
) -> Effective:
    """Return limits and sources. `limits` is (temp_min, temp_max); the texts are the levels' settings as stored."""
    return resolve(UnitType(unit_type), unit_overrides(unit, *limits), orjson.loads(site), orjson.loads(organization))


def with_sources(found: Effective, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return {camelCase name: {value, source}}."""
    return {to_camel(name): {"value": getattr(found.limits, name), "source": found.sources[name]} for name in names}


@lru_cache(maxsize=4096)
def _fragment(
    unit_type: str, limits: tuple[float | None, float | None], unit: str, site: str, organization: str
) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(with_sources(effective(unit_type, limits, unit, site, organization), SHOWN)))


def limits_of(row: Row) -> orjson.Fragment:
    """Return the `limits` member of a unit's row (with unit_settings, site_settings, organization_settings)."""
    found: Any = row
    return _fragment(
        found["unit_type"], (found["temp_min"], found["temp_max"]), found["unit_settings"], found["site_settings"],
        found["organization_settings"],
    )  # fmt: skip


def contradictions(found: Effective) -> list[tuple[str, str]]:
    """Return (setting, sentence) for what does not fit together; the sentence names settings as the API does."""
    return [(each.setting, _NAME.sub(lambda m: to_camel(m[0]), each.message)) for each in problems(found.limits)]
