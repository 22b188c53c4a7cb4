"""Settings' shapes follow the one table."""

import pytest
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from api.shapes.settings import InForce, Overrides, SettingsChange
from frostguard.domain.limits import SETTINGS


def test_every_setting_is_a_member_with_its_range_and_unit() -> None:
    for shape in (Overrides, InForce):
        assert {field.alias for field in shape.model_fields.values()} == {to_camel(name) for name in SETTINGS}
    schema = Overrides.model_json_schema(by_alias=True)["properties"]["confirmSeconds"]
    assert "inherited" in schema["description"]


def test_values_are_of_the_kind_that_the_table_says() -> None:
    assert SettingsChange.model_validate_json('{"high": 0, "low": null}').model_dump(exclude_unset=True) == {
        "high": 0.0, "low": None,
    }  # fmt: skip
    for text in ('{"confirmSeconds": 1.5}', '{"confirmSeconds": true}', '{"high": 151}', '{"high": "5"}', '{"x": 1}'):
        with pytest.raises(ValidationError):
            SettingsChange.model_validate_json(text)
