import pytest

from frostguard.wire.decoded import DOOR, HUMIDITY, PERCENT, PROBE, TEMPERATURE, VOLTS, Quantities, quantities


@pytest.mark.parametrize(
    ("name", "field"),
    [(name, "temperature") for name in (*PROBE, *TEMPERATURE)]
    + [(name, "humidity") for name in HUMIDITY]
    + [(name, "volts") for name in VOLTS],
)
def test_every_name_of_a_number_is_understood(name, field):
    assert quantities({name: 3}) == Quantities(**{field: 3.0})


@pytest.mark.parametrize("name", PERCENT)
def test_every_name_of_a_battery_percent_is_understood(name):
    assert quantities({name: 87.6}) == Quantities(percent=88)


@pytest.mark.parametrize("name", DOOR)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True), (1, True), (1.0, True), ("1", True), ("open", True), ("Open", True), ("true", True),
        (False, False), (0, False), ("0", False), ("close", False), ("CLOSED ", False), ("false", False),
    ],
)  # fmt: skip
def test_every_name_and_state_of_a_door_is_understood(name, value, expected):
    assert quantities({name: value}) == Quantities(door_open=expected)


@pytest.mark.parametrize("value", [2, -1, "ajar", "", [], {}, 0.5])
def test_a_strange_door_state_is_no_state(value):
    assert quantities({"door": value}) == Quantities(ignored=1)


def test_a_later_name_stands_in_for_a_door_state_that_is_none():
    assert quantities({"door_status": "ajar", "door": 0}) == Quantities(door_open=False, ignored=1)


@pytest.mark.parametrize(
    ("decoded", "expected"),
    [
        ({"TempC_DS": -18.2, "TempC_SHT": 21.0}, Quantities(temperature=-18.2)),
        ({"TempC_DS": 0, "TempC_SHT": 21.0}, Quantities(temperature=0.0)),
        ({"ext_temperature_c": -18.2, "temperature_c": 21.0}, Quantities(temperature=-18.2)),
        ({"externalTemperature": -18.2, "temperature": 21.0}, Quantities(temperature=-18.2)),
        ({"TempC_DS": None, "TempC_SHT": 21.0}, Quantities(temperature=21.0)),
        ({"TempC_DS": 327.67, "TempC_SHT": 21.0}, Quantities(fault="no_probe")),
        ({"TempC_DS": 327.67, "TempC_SHT": 21.0, "Hum_SHT": 40}, Quantities(humidity=40.0, fault="no_probe")),
        ({"TempC_DS": 327.67, "TempC_SHT": 21.0, "Ext_sensor": "Temperature Sensor"}, Quantities(fault="no_probe")),
        ({"TempC_DS": 327.67, "TempC_SHT": 21.0, "Ext_sensor": "No external sensor"}, Quantities(temperature=21.0)),
        ({"ext_temperature_c": 327.67, "temperature_c": 3.0, "ext_sensor_type": 0}, Quantities(temperature=3.0)),
        ({"ext_temperature_c": 327.67, "temperature_c": 3.0, "ext_sensor_type": 1}, Quantities(fault="no_probe")),
        ({"temperature": 327.67}, Quantities(fault="no_probe")),
        ({"temperature": -127}, Quantities(fault="out_of_range")),
        ({"temperature": "21.4", "humidity": 40}, Quantities(humidity=40.0, fault="decoder_error")),
        ({"TempC_DS": "NULL", "TempC_SHT": 21.0}, Quantities(fault="decoder_error")),
        ({"temperature": True}, Quantities(fault="decoder_error")),
        ({"temperature": "x", "temp": 3}, Quantities(temperature=3.0)),
        ({"Ext_sensor": 1}, Quantities()),
        ({"temperature_f": 39.2}, Quantities(ignored=1)),
        ({"temperature": 3, "humidity": 130}, Quantities(temperature=3.0, fault="humidity_out_of_range")),
        ({"humidity": "40"}, Quantities(ignored=1)),
    ],
)
def test_the_temperature_is_that_of_the_probe_and_never_a_stand_in(decoded, expected):
    assert quantities(decoded) == expected


@pytest.mark.parametrize(
    ("decoded", "expected"),
    [
        ({"vdd": 3614}, Quantities(volts=3.614)),
        ({"BatV": 3.05, "vdd": 3614}, Quantities(volts=3.05)),
        ({"BatV": 3050}, Quantities(ignored=1)),
        ({"vdd": 3.6}, Quantities(volts=0.0036)),
        ({"vdd": "x", "BatV": []}, Quantities(ignored=2)),
        ({"battery": 120}, Quantities(ignored=1)),
        ({"battery": "full"}, Quantities(ignored=1)),
        ({"battery": 120, "BatV": 3.0}, Quantities(volts=3.0, ignored=1)),
        ({"Bat_status": 3}, Quantities()),
        ({"open_count": 7, "DOOR_OPEN_TIMES": 7, "LAST_DOOR_OPEN_DURATION": 2}, Quantities()),
        ({"co2": 400, "tvoc": 3, "\0": 1}, Quantities(ignored=3)),
        ({}, Quantities()),
    ],
)
def test_a_battery_is_volts_or_percent_and_a_level_is_neither(decoded, expected):
    assert quantities(decoded) == expected


@pytest.mark.parametrize("errors", [{"errors": ["unknown port"]}, {"error": "bad length"}])
def test_nothing_is_believed_of_a_decoder_that_reports_errors(errors):
    assert quantities({"temperature": 3.0} | errors) == Quantities(fault="decoder_error")


@pytest.mark.parametrize("errors", [{"errors": []}, {"errors": None}, {"error": 0}, {"error": ""}, {"error": 4}])
def test_an_error_field_that_reports_none_is_passed_over(errors):
    assert quantities({"temperature": 3.0} | errors) == Quantities(temperature=3.0)


def test_only_what_says_something_is_not_empty():
    assert Quantities(ignored=4).is_empty()
    assert not Quantities(fault="no_probe").is_empty()
    assert not Quantities(door_open=False).is_empty()
