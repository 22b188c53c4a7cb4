"""Limits in force, as JSON."""

import orjson

from api import effective
from frostguard.domain.limits import Limits, UnitType, resolve

ROW = {
    "unit_type": "freezer", "temp_min": None, "temp_max": -18.0, "unit_settings": "{}",
    "site_settings": '{"confirm_seconds": 60}', "organization_settings": '{"hysteresis": 2}',
}  # fmt: skip


def test_a_unit_shows_its_core_limits_with_their_sources() -> None:
    shown = orjson.loads(orjson.dumps(effective.limits_of(ROW)))
    assert shown == {
        "high": {"value": -18.0, "source": "unit"}, "low": {"value": -30.0, "source": "preset"},
        "hysteresis": {"value": 2.0, "source": "organization"}, "criticalHigh": {"value": None, "source": "preset"},
        "criticalLow": {"value": None, "source": "preset"}, "confirmSeconds": {"value": 60, "source": "site"},
        "confirmOpenSeconds": {"value": 1200, "source": "preset"},
    }  # fmt: skip
    assert effective.limits_of(dict(ROW)) is effective.limits_of(ROW), "resolved once"


def test_all_settings_are_shown_where_they_are_asked_for() -> None:
    found = effective.with_sources(resolve(UnitType.FRIDGE), tuple(Limits.__dataclass_fields__))
    assert len(found) == len(Limits.__dataclass_fields__)


def test_contradictions_name_settings_as_the_api_does() -> None:
    found = effective.contradictions(resolve(UnitType.FRIDGE, {"door_warning_seconds": 900}))
    assert found == [("door_warning_seconds", "doorWarningSeconds must not exceed doorCriticalSeconds (600 s)")]
