"""Sensors' and gateways' shapes."""

import pytest
from pydantic import ValidationError

from api.shapes.devices import GatewayRequest, SensorRequest


def test_serials_come_in_normal_form() -> None:
    assert SensorRequest.model_validate_json('{"serial": " A8-40-41-00-01-81-C0-61 "}').serial == "a84041000181c061"
    for serial in ("", " ", "x" * 129, "a\tb"):
        with pytest.raises(ValidationError):
            SensorRequest.model_validate({"serial": serial})


def test_a_gateways_serial_fits_its_kind() -> None:
    for kind, serial, fits in (
        ("native", "gw-1_A", True), ("native", "a@b", False), ("native", "x" * 65, False), ("tts", "app@tenant", True),
        ("tts", "a/b", False), ("chirpstack", "x" * 128, True), ("native", "gwä", False),
    ):  # fmt: skip
        given = {"serial": serial, "name": "x", "kind": kind}
        if fits:
            assert GatewayRequest.model_validate(given).serial == serial
        else:
            with pytest.raises(ValidationError):
                GatewayRequest.model_validate(given)
