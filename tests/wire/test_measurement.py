import pytest

from frostguard.domain.reading import Reading
from frostguard.wire.measurement import Measurement, judge_humidity, judge_temperature, within


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        (0.0, (0.0, None)),
        (-100.0, (-100.0, None)),
        (150.0, (150.0, None)),
        (-100.01, (None, "out_of_range")),
        (150.01, (None, "out_of_range")),
        (-127.0, (None, "out_of_range")),
        (327.67, (None, "no_probe")),
        (327.66, (None, "out_of_range")),
        (float("nan"), (None, "out_of_range")),
        (float("inf"), (None, "out_of_range")),
    ],
)
def test_a_temperature_is_possible_or_a_fault(celsius, expected):
    assert judge_temperature(celsius) == expected


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (0.0, (0.0, None)),
        (100.0, (100.0, None)),
        (100.1, (100.0, None)),
        (105.0, (100.0, None)),
        (105.1, (None, "humidity_out_of_range")),
        (-5.0, (0.0, None)),
        (-5.1, (None, "humidity_out_of_range")),
        (float("nan"), (None, "humidity_out_of_range")),
    ],
)
def test_a_humidity_overshoots_a_little_or_is_a_fault(percent, expected):
    assert judge_humidity(percent) == expected


@pytest.mark.parametrize(
    ("value", "kept"), [(None, None), (0, 0), (10, 10), (-0.1, None), (10.1, None), (float("nan"), None)]
)
def test_what_is_impossible_is_not_kept(value, kept):
    assert within(value, 0, 10) == kept


def test_a_measurement_and_a_stored_reading_call_things_by_the_same_names():
    shared = [field for field in Reading._fields if field in Measurement._fields]
    assert shared == [
        "seq", "temperature", "humidity", "door_open", "battery_volts", "battery_percent", "rssi", "snr", "fault"
    ]  # fmt: skip
    assert set(Measurement._fields) - set(shared) == {"sensor", "at"}
