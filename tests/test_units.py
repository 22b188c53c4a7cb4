"""The rules of units, put together from the rows that decide them."""

from datetime import timedelta
from typing import Any

import pytest

from frostguard.domain.limits import Limits
from frostguard.units import build_units, limits_of, organization_limits
from tests.factories import identity
from tests.fakes import NOON

LATER = NOON + timedelta(hours=1)


def unit_row(**changes: Any) -> dict[str, Any]:
    return {
        "id": identity("unit"), "organization_id": identity("acme"), "unit_type": "fridge", "area_id": identity("area"),
        "site_id": identity("site"), "temp_min": None, "temp_max": None, "unit": "{}", "site": "{}",
        "organization": "{}", "since": NOON,
    } | changes  # fmt: skip


def sensor_row(name: str = "sensor", **changes: Any) -> dict[str, Any]:
    return {
        "id": identity(name), "unit_id": identity("unit"), "gateway_id": identity("gw-1"), "battery_chemistry": None,
        "range_low": -60.0, "range_high": 125.0, "report_interval_seconds": 300, "is_primary": False,
        "kind": "temperature", "assigned_at": NOON, "calibration_due_at": None, "updated_at": NOON,
    } | changes  # fmt: skip


def build(*sensors: dict[str, Any], known: Any = None, **changes: Any) -> Any:
    return build_units([unit_row(**changes)], sensors, known or {})[identity("unit")]


@pytest.mark.parametrize(
    ("levels", "own", "high"),
    [
        (("{}", "{}", "{}"), (None, None), 5.0),
        (("{}", "{}", '{"high": 6}'), (None, None), 6.0),
        (("{}", '{"high": 7}', '{"high": 6}'), (None, None), 7.0),
        (("{}", '{"high": 7}', '{"high": 6}'), (None, 8.0), 8.0),
        (("{}", '{"high": 7}', "{}"), (None, 0.0), 0.0),
    ],
)
def test_the_nearest_level_decides_and_a_units_own_range_first(levels: Any, own: Any, high: float) -> None:
    assert limits_of("fridge", levels, own).high == high


def test_equal_levels_share_one_value() -> None:
    assert limits_of("freezer", ("{}", "{}", "{}"), (None, None)) is limits_of(
        "freezer", ("{}", "{}", "{}"), (None, None)
    )
    assert organization_limits("{}") == Limits()


def test_a_unit_knows_its_place_its_sensors_and_whom_it_speaks_through() -> None:
    unit = build(
        sensor_row("door", kind="door", gateway_id=identity("gw-2")),
        sensor_row("first", is_primary=True, report_interval_seconds=60, assigned_at=LATER),
        sensor_row("foreign", unit_id=None),
    )
    assert unit.subject[:4] == (identity("acme"), identity("unit"), identity("unit"), identity("site"))
    assert unit.gateway_id == identity("gw-1")
    assert unit.rules.primary == identity("first")
    assert unit.rules.sensors.keys() == {identity("door"), identity("first")}
    assert not unit.rules.sensors[identity("door")].measures_temperature
    assert (unit.rules.interval(None), unit.rules.assigned_at) == (60, LATER)


@pytest.mark.parametrize(
    ("sensors", "gateway"),
    [([], None), ([("door", "door")], None), ([("door", "contact"), ("other", "combo")], "gw-1")],
)
def test_without_a_primary_the_first_that_measures_temperature_speaks_for_it(
    sensors: list[tuple[str, str]], gateway: str | None
) -> None:
    unit = build(*(sensor_row(name, kind=kind) for name, kind in sensors))
    assert unit.rules.primary is None
    assert unit.gateway_id == (identity(gateway) if gateway else None)


@pytest.mark.parametrize(
    ("sensors", "since"),
    [([], None), ([NOON], NOON), ([NOON, LATER], LATER), ([NOON - timedelta(days=1)], NOON)],
)
def test_rules_hold_from_the_last_change_of_a_level_or_a_sensor(sensors: list[Any], since: Any) -> None:
    assert build(*(sensor_row(str(at), updated_at=at) for at in sensors)).rules.since == since


@pytest.mark.parametrize(
    ("sensor", "unit", "same"),
    [
        ({}, {}, True), ({}, {"since": LATER}, True), ({"gateway_id": identity("gw-2")}, {}, True),
        ({"report_interval_seconds": 60}, {}, False), ({"is_primary": True}, {}, False), ({}, {"temp_max": 6.0}, False),
        ({"calibration_due_at": LATER}, {}, False),
    ],
)  # fmt: skip
def test_rules_that_say_the_same_stay_the_same_value(sensor: dict[str, Any], unit: dict[str, Any], same: bool) -> None:
    before = build(sensor_row())
    after = build(sensor_row(**sensor), known={identity("unit"): before}, **unit)
    assert (after.rules is before.rules) is same
