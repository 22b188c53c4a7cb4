"""Settings with their cascade: unit -> site -> organization -> preset of the unit type, field by field."""

from typing import Any
from uuid import UUID

import orjson
from pydantic.alias_generators import to_camel

from api import editing, effective, problems
from api.answers import Answer, shown, versioned
from api.call import Call
from api.problems import FieldError
from frostguard.domain.limits import PRESETS, SETTINGS, Overrides, Source, override_problems, resolve
from frostguard.store import settings, units
from frostguard.store.connection import Connection, Record
from frostguard.store.organizations import Edit

ALL = tuple(SETTINGS)


async def table(call: Call) -> Answer:  # noqa: ARG001 - every handler takes a call
    """Describe every setting: unit of measure, range, levels, presets."""
    return shown(
        [
            {
                "name": to_camel(name),
                "unit": setting.scale.unit,
                "minimum": setting.scale.minimum,
                "maximum": setting.scale.maximum,
                "whole": setting.whole,
                "levels": list(setting.scale.levels),
                "description": setting.doc,
                "presets": {kind.value: getattr(preset, name) for kind, preset in PRESETS.items()},
            }
            for name, setting in SETTINGS.items()
        ]
    )


def _in_camel(overrides: Overrides) -> dict[str, Any]:
    return {to_camel(name): overrides.get(name) for name in SETTINGS}


def _merge(stored: Overrides, call: Call, level: Source) -> dict[str, float]:
    changes = editing.named_changes(call)
    wrong = [FieldError(to_camel(each.setting), each.message) for each in override_problems(changes, level)]
    if wrong:
        raise problems.invalid(*wrong)
    after = {**stored, **changes}
    return {name: value for name, value in after.items() if value is not None}


def _edit_of(before: Record, old: Overrides, new: Overrides) -> Edit:
    return Edit(before["updated_at"], editing.as_text(new), editing.as_text(old))


# Organizations and sites.


def _shown_level(level: Source, row: Any, own: Overrides, above: Overrides) -> Answer:  # noqa: ANN401 - a row
    inherited = {
        to_camel(name): {"value": value, "source": "organization"} for name, value in above.items() if value is not None
    }
    return versioned(
        {
            "level": level,
            "id": row["id"],
            "overrides": _in_camel(own),
            "inherited": inherited,
            "updatedAt": row["updated_at"],
        }
    )


async def of_organization(call: Call) -> Answer:
    """Show what the organization overrides."""
    async with call.program.lanes.lane() as connection:
        row = await settings.of_organization(connection, call.organization_id)
    if row is None:
        raise problems.not_found()
    return _shown_level("organization", row, orjson.loads(row["settings"]), {})


async def of_site(call: Call) -> Answer:
    """Show what a site overrides, and what it inherits from its organization."""
    async with call.program.lanes.lane() as connection:
        row = await settings.of_site(connection, call.organization_id, call.ids["siteId"])
    if row is None:
        raise problems.not_found()
    return _shown_level("site", row, orjson.loads(row["settings"]), orjson.loads(row["organization_settings"]))


async def change_organization(call: Call) -> Answer:
    """Change what the organization overrides. Refused where it contradicts what a unit has of its own."""
    async with call.program.lanes.lane() as connection:
        row = await settings.of_organization(connection, call.organization_id)
        if row is None:
            raise problems.not_found()
        call.check_version(row["updated_at"])
        own = orjson.loads(row["settings"])
        after = _merge(own, call, "organization")
        _refuse_contradictions(await settings.below(connection, call.organization_id), organization=after)
        done = await settings.update_organization(connection, call.organization_id, call.by, _edit_of(row, own, after))
    if done is None:
        raise problems.changed_meanwhile()
    return _shown_level("organization", {"id": row["id"], "updated_at": done["updated_at"]}, after, {})


async def change_site(call: Call) -> Answer:
    """Change what a site overrides. Refused where it contradicts what a unit has of its own."""
    site = call.ids["siteId"]
    async with call.program.lanes.lane() as connection:
        row = await settings.of_site(connection, call.organization_id, site)
        if row is None:
            raise problems.not_found()
        call.check_version(row["updated_at"])
        own, above = orjson.loads(row["settings"]), orjson.loads(row["organization_settings"])
        after = _merge(own, call, "site")
        below = await settings.below(connection, call.organization_id, site)
        _refuse_contradictions(below, organization=above, site=after)
        done = await settings.update_site(connection, call.organization_id, call.by, site, _edit_of(row, own, after))
    if done is None:
        raise problems.changed_meanwhile()
    return _shown_level("site", {"id": row["id"], "updated_at": done["updated_at"]}, after, above)


def _refuse_contradictions(below: list[Record], *, organization: Overrides, site: Overrides | None = None) -> None:
    for row in below:
        own = effective.unit_overrides(row["unit_settings"], row["temp_min"], row["temp_max"])
        above = orjson.loads(row["site_settings"]) if site is None else site
        wrong = effective.contradictions(resolve(row["unit_type"], own, above, organization))
        if wrong:
            units_hit = f"(unit {row['example']}" + (f" and {row['units'] - 1} more)" if row["units"] > 1 else ")")
            raise problems.invalid(*(FieldError(to_camel(name), f"{text} {units_hit}") for name, text in wrong))


# Units.


async def _unit(call: Call, connection: Connection, unit: UUID) -> Record:
    row = await units.get(connection, call.organization_id, unit)
    if row is None:
        raise problems.not_found()
    return row


def _shown_unit(row: Any, own: Overrides) -> Answer:  # noqa: ANN401 - a row
    found = resolve(
        row["unit_type"], own, orjson.loads(row["site_settings"]), orjson.loads(row["organization_settings"])
    )
    return versioned(
        {
            "level": "unit",
            "id": row["id"],
            "overrides": _in_camel(own),
            "effective": effective.with_sources(found, ALL),
            "updatedAt": row["updated_at"],
        }
    )


async def of_unit(call: Call) -> Answer:
    """Show what a unit overrides, and everything that is in force for it with its source."""
    async with call.program.lanes.lane() as connection:
        row = await _unit(call, connection, call.ids["unitId"])
    return _shown_unit(row, effective.unit_overrides(row["unit_settings"], row["temp_min"], row["temp_max"]))


async def change_unit(call: Call) -> Answer:
    """Change what a unit overrides; `low` and `high` are its tempMin and tempMax."""
    async with call.program.lanes.lane() as connection:
        row = await _unit(call, connection, call.ids["unitId"])
        call.check_version(row["updated_at"])
        own = effective.unit_overrides(row["unit_settings"], row["temp_min"], row["temp_max"])
        old = {name: value for name, value in own.items() if value is not None}
        after = _merge(own, call, "unit")
        site, organization = orjson.loads(row["site_settings"]), orjson.loads(row["organization_settings"])
        wrong = effective.contradictions(resolve(row["unit_type"], after, site, organization))
        if wrong:
            raise problems.invalid(*(FieldError(to_camel(name), text) for name, text in wrong))
        done = await settings.update_unit(
            connection, call.organization_id, call.by, row["id"], _edit_of(row, old, after)
        )
    if done is None:
        raise problems.changed_meanwhile()
    return _shown_unit(editing.merged(row, {"updated_at": done["updated_at"]}), after)
