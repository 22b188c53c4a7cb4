"""How the rules of a unit are put together from rows, and when they count as other rules."""

from datetime import timedelta
from typing import Any

import pytest

from frostguard.units import build_units, limits_of, organization_limits
from tests.factories import identity
from tests.fakes import NOON

UNIT = identity("unit")


def unit_row(**changes: Any) -> dict[str, Any]:
    row = {
        "id": UNIT, "organization_id": identity("acme"), "unit_type": "fridge", "area_id": identity("area"),
        "site_id": identity("site"), "temp_min": None, "temp_max": None, "unit": "{}", "site": "{}",
        "organization": "{}", "since": NOON,
    }  # fmt: skip
    return row | changes


def sensor_row(name: str = "primary", **changes: Any) -> dict[str, Any]:
    row = {
        "id": identity(name), "unit_id": UNIT, "is_primary": name == "primary", "kind": "temperature",
        "gateway_id": identity("gateway of " + name), "report_interval_seconds": 300, "assigned_at": NOON,
        "battery_chemistry": None, "range_low": -60.0, "range_high": 125.0, "calibration_due_at": None,
        "updated_at": NOON - timedelta(days=1),
    }  # fmt: skip
    return row | changes


def build(unit: dict[str, Any], *sensors: dict[str, Any], known: Any = None):
    return build_units([unit], sensors, known or {})[UNIT]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("levels", "own", "high", "low"),
    [
        (("{}", "{}", "{}"), (None, None), 5.0, -1.0),
        (("{}", "{}", '{"high": 8}'), (None, None), 8.0, -1.0),
        (("{}", '{"high": 7}', '{"high": 8}'), (None, None), 7.0, -1.0),
        (('{"high": 6}', '{"high": 7}', '{"high": 8}'), (None, None), 6.0, -1.0),
        (('{"high": 6}', "{}", "{}"), (-3.0, 0.0), 0.0, -3.0),
        (('{"high": null}', '{"high": 7}', "{}"), (None, None), 7.0, -1.0),
    ],
)
def test_limits_come_from_the_nearest_level(
    levels: tuple[str, str, str], own: tuple[float | None, float | None], high: float, low: float
) -> None:
    limits = limits_of("fridge", levels, own)
    assert (limits.high, limits.low) == (high, low)


def test_units_with_equal_levels_share_their_limits() -> None:
    assert limits_of("freezer", ("{}", "{}", "{}"), (None, None)) is limits_of(
        "freezer", ("{}", "{}", "{}"), (None, None)
    )


def test_an_organization_has_limits_for_its_gateways() -> None:
    assert organization_limits('{"group_share_percent": 50}').group_share_percent == 50


def test_a_unit_follows_its_primary_sensor_and_speaks_through_its_gateway() -> None:
    unit = build(unit_row(), sensor_row("other"), sensor_row("primary"), sensor_row("door", kind="door"))
    assert unit.rules.primary == identity("primary")
    assert unit.gateway_id == identity("gateway of primary")
    assert not unit.rules.sensors[identity("door")].measures_temperature


def test_without_a_primary_the_gateway_is_that_of_a_sensor_that_measures_temperature() -> None:
    unit = build(unit_row(), sensor_row("door", kind="door"), sensor_row("other"))
    assert unit.rules.primary is None
    assert unit.gateway_id == identity("gateway of other")


def test_a_unit_without_sensors_has_no_gateway_and_waits_for_nothing() -> None:
    unit = build(unit_row(), sensor_row(unit_id=None))
    assert (unit.gateway_id, unit.rules.since, unit.rules.assigned_at) == (None, None, None)


def test_rules_hold_from_the_last_change_of_a_level_or_of_a_sensor() -> None:
    assert build(unit_row(), sensor_row()).rules.since == NOON
    later = NOON + timedelta(hours=1)
    assert build(unit_row(), sensor_row(), sensor_row("other", updated_at=later)).rules.since == later


@pytest.mark.parametrize(
    ("unit", "sensor", "same"),
    [
        ({}, {}, True),
        ({"since": NOON + timedelta(days=1)}, {}, True),  # a rename
        ({"area_id": identity("another area")}, {}, True),
        ({}, {"gateway_id": identity("another gateway")}, True),
        ({"temp_max": 6.0}, {}, False),
        ({"site": '{"confirm_seconds": 60}'}, {}, False),
        ({"unit_type": "freezer"}, {}, False),
        ({}, {"report_interval_seconds": 60}, False),
        ({}, {"is_primary": False}, False),
        ({}, {"calibration_due_at": NOON}, False),
        ({}, {"unit_id": None}, False),
    ],
)
def test_rules_are_the_same_object_unless_the_machines_must_notice(
    unit: dict[str, Any], sensor: dict[str, Any], same: bool
) -> None:
    before = build(unit_row(), sensor_row())
    after = build(unit_row(**unit), sensor_row(**sensor), known={UNIT: before})
    assert (after.rules is before.rules) is same
    assert after.gateway_id == (sensor.get("gateway_id", before.gateway_id) if sensor.get("unit_id", 1) else None)
    assert after.subject.area_id == unit.get("area_id", before.subject.area_id)
