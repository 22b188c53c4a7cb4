"""Fleets are read, made up and refused in one line that names the place."""

import orjson
import pytest

from firmware_sim.errors import UsageError
from firmware_sim.fleet import FleetPlan, generate_fleet, parse_fleet, read_fleet, write_fleet

SENSOR = {"serial": "5f01", "unit_type": "freezer", "kind": "combo", "interval_seconds": 300, "unit": "f1"}
GATEWAY = {"organization": "demo-kitchen", "id": "gw-1", "password": "p", "sensors": [SENSOR]}


def parse(**changes) -> FleetPlan:
    return parse_fleet({"gateways": [GATEWAY | changes]}, "fleet.json")


def test_a_fleet_file_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "fleet.json"
    fleet = generate_fleet("bench", 3, 4)
    path.write_bytes(write_fleet(fleet))
    assert read_fleet(path) == fleet


def test_a_made_up_fleet_has_predictable_names():
    fleet = generate_fleet("bench", 2, 3)
    assert [g.id for g in fleet.gateways] == ["gw-bench-0001", "gw-bench-0002"]
    assert [s.serial for s in fleet.gateways[1].sensors] == [f"5f0000000200000{n}" for n in (1, 2, 3)]
    assert len({s.unit_type for _, s in fleet.sensors()}) == 6


def test_sensors_with_one_key_share_one_unit():
    fleet = parse(sensors=[SENSOR, SENSOR | {"serial": "5f02", "kind": "door"}])
    assert [len(members) for members in fleet.units().values()] == [2]


def test_a_sensor_without_a_unit_has_one_of_its_own():
    fleet = parse(sensors=[{"serial": "5f01", "unit_type": "fridge"}])
    assert list(fleet.units()) == ["5f01"]
    assert fleet.gateways[0].sensors[0].interval_seconds == 60


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sensors": None}, "sensors"),
        ({"sensors": []}, "no sensor"),
        ({"id": ""}, "id must be"),
        ({"id": "a/b"}, "names are"),
        ({"password": 5}, "password"),
        ({"sensors": [SENSOR | {"unit_type": "oven"}]}, "oven"),
        ({"sensors": [SENSOR | {"kind": "smell"}]}, "smell"),
        ({"sensors": [SENSOR | {"interval_seconds": 0}]}, "interval_seconds"),
        ({"sensors": [SENSOR | {"interval_seconds": True}]}, "interval_seconds"),
        ({"sensors": [SENSOR, SENSOR | {"unit_type": "fridge"}]}, "different unit types"),
        ({"sensors": ["5f01"]}, "a sensor is an object"),
    ],
)
def test_what_is_wrong_is_named(changes, message):
    with pytest.raises(UsageError, match=message) as caught:
        parse(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("document", [[], {}, {"gateways": 1}, {"gateways": [1]}, {"gateways": [GATEWAY, GATEWAY]}])
def test_documents_that_are_no_fleet_are_refused(document):
    with pytest.raises(UsageError, match=r"fleet\.json"):
        parse_fleet(document, "fleet.json")


@pytest.mark.parametrize("content", [None, b"{", orjson.dumps({})])
def test_files_that_are_no_fleet_are_refused(tmp_path, content):
    path = tmp_path / "fleet.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError):
        read_fleet(path)
