"""The cascade, its sources, the presets and what may be saved."""

from dataclasses import asdict, replace

import pytest

from frostguard.domain.limits import PRESETS, SETTINGS, Limits, UnitType, override_problems, problems, resolve


@pytest.mark.parametrize(
    ("unit_type", "high", "low", "hysteresis"),
    [
        ("fridge", 5.0, -1.0, 0.5),
        ("display_case", 5.0, -1.0, 0.5),
        ("walk_in_cooler", 5.0, -1.0, 0.5),
        ("freezer", -15.0, -30.0, 1.0),
        ("walk_in_freezer", -15.0, -30.0, 1.0),
        ("blast_chiller", 5.0, -40.0, 0.5),
    ],
)
def test_each_type_of_unit_has_its_preset(unit_type, high, low, hysteresis):
    effective = resolve(UnitType(unit_type))
    assert (effective.limits.high, effective.limits.low, effective.limits.hysteresis) == (high, low, hysteresis)
    assert set(effective.sources.values()) == {"preset"}
    assert problems(effective.limits) == []


def test_the_defaults_are_those_of_the_rules():
    limits = Limits()
    assert (limits.confirm_seconds, limits.confirm_open_seconds, limits.door_grace_seconds) == (600, 1200, 1200)
    assert (limits.late_missed, limits.interrupted_missed, limits.slack_seconds) == (1, 5, 30)
    assert (limits.manual_interval_minutes, limits.manual_grace_minutes, limits.restore_readings) == (240, 0, 2)
    assert (limits.door_warning_seconds, limits.door_critical_seconds, limits.reopen_minutes) == (180, 600, 15)
    assert (limits.battery_low_percent, limits.battery_critical_percent, limits.battery_clear_percent) == (20, 10, 25)
    assert (limits.critical_high, limits.critical_low, limits.critical_confirm_seconds) == (None, None, 0)
    assert limits.group_share_percent == 30


def test_each_field_comes_from_the_nearest_level_that_sets_it():
    effective = resolve(
        UnitType.FREEZER,
        unit={"high": -12.0, "confirm_seconds": None},
        site={"confirm_seconds": 0, "high": -14.0},
        organization={"door_warning_seconds": 420, "high": -13.0, "confirm_seconds": 900},
    )
    picked = {name: (getattr(effective.limits, name), effective.sources[name]) for name in effective.sources}
    assert picked["high"] == (-12.0, "unit")
    assert picked["confirm_seconds"] == (0, "site")
    assert picked["door_warning_seconds"] == (420, "organization")
    assert picked["low"] == (-30.0, "preset")


def test_changing_one_field_masks_no_other():
    """A row made to change one field must not bring defaults along that hide the organization's."""
    effective = resolve(UnitType.FRIDGE, unit={"high": 6.0}, organization={"door_warning_seconds": 420})
    assert effective.limits.door_warning_seconds == 420


def test_a_setting_of_the_organization_is_not_taken_from_a_unit():
    effective = resolve(UnitType.FRIDGE, unit={"group_share_percent": 90}, organization={"group_share_percent": 40})
    assert (effective.limits.group_share_percent, effective.sources["group_share_percent"]) == (40, "organization")


def test_every_number_is_in_the_table_with_a_default_in_its_range():
    assert set(SETTINGS) == set(asdict(Limits()))
    for setting in SETTINGS.values():
        assert setting.doc.endswith(".")
        if setting.default is not None:
            assert setting.scale.minimum <= setting.default <= setting.scale.maximum
    for preset in PRESETS.values():
        assert override_problems(asdict(preset), "organization") == []


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"hihg": 5}, "hihg is no setting"),
        ({"high": "5"}, "high must be a number"),
        ({"high": True}, "high must be a number"),
        ({"high": float("nan")}, "high must lie between -100 and 150 °C"),
        ({"high": 151}, "high must lie between -100 and 150 °C"),
        ({"confirm_seconds": 1.5}, "confirm_seconds must be a whole number"),
        ({"confirm_seconds": float("inf")}, "confirm_seconds must be a whole number"),
        ({"confirm_seconds": -1}, "confirm_seconds must lie between 0 and 604800 s"),
        ({"late_missed": 0}, "late_missed must lie between 1 and 1000 check-ins"),
        ({"catch_up_seconds": 5}, "catch_up_seconds belongs to the organization, not to one unit"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_a_reason(overrides, message):
    assert [p.message for p in override_problems(overrides, "unit")] == [message]


def test_null_inherits_and_zero_is_a_value():
    assert override_problems({"high": None, "low": 0, "confirm_seconds": 0}, "unit") == []


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"low": 5.0}, "low"),
        ({"hysteresis": 4.0}, "hysteresis"),
        ({"critical_high": 4.0}, "critical_high"),
        ({"critical_low": 0.0}, "critical_low"),
        ({"late_missed": 6}, "late_missed"),
        ({"door_warning_seconds": 601}, "door_warning_seconds"),
        ({"battery_low_percent": 30}, "battery_low_percent"),
        ({"battery_critical_percent": 21}, "battery_low_percent"),
    ],
)
def test_settings_that_contradict_each_other_are_named(changes, setting):
    assert setting in [p.setting for p in problems(replace(Limits(), **changes))]


def test_a_value_is_stored_as_the_kind_of_number_that_it_is():
    limits = resolve(UnitType.FRIDGE, unit={"high": 7, "confirm_seconds": 60.0}).limits
    assert isinstance(limits.high, float)
    assert isinstance(limits.confirm_seconds, int)
