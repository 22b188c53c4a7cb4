"""Hierarchy's shapes."""

import pytest
from pydantic import ValidationError

from api.shapes.hierarchy import Unit, UnitChange, UnitRequest


def test_a_unit_can_be_sent_back_with_every_member_that_it_has() -> None:
    received = {field.alias for field in Unit.model_fields.values()}
    assert received == {field.alias for field in UnitChange.model_fields.values()}


def test_numbers_stay_in_their_ranges() -> None:
    for given in (
        '{"name": "x", "tempMin": -100.1}',
        '{"name": "x", "tempMax": 1e300}',
        '{"name": "x", "sortOrder": 1e3}',
    ):
        with pytest.raises(ValidationError):
            UnitRequest.model_validate_json(given)
    assert UnitRequest.model_validate_json('{"name": "x", "tempMin": 0}').temp_min == 0
