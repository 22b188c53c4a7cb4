"""What a sensor says of the truth."""

import pytest

from firmware_sim.fleet import Kind, SensorPlan
from firmware_sim.physics import Condition
from firmware_sim.sensing import Sensor
from frostguard.wire.packets import decode, encode
from frostguard.wire.topics import TopicKind

TRUTH = Condition(-18.0, 55.0, door_open=True, powered=True)
AT = 1_795_384_580.8309


def measure(kind: Kind):
    return Sensor(SensorPlan("5f00000001000001", "freezer", kind, 60, "u"), "1").measure(TRUTH, AT)


@pytest.mark.parametrize(
    ("kind", "temperature", "humidity", "door"),
    [
        (Kind.TEMPERATURE, True, False, False),
        (Kind.TEMPERATURE_HUMIDITY, True, True, False),
        (Kind.DOOR, False, False, True),
        (Kind.COMBO, True, True, True),
    ],
)
def test_a_sensor_says_what_its_kind_measures(kind, temperature, humidity, door):
    reading = measure(kind)
    assert (reading.temperature is not None, reading.humidity is not None) == (temperature, humidity)
    assert reading.door_open is (True if door else None)
    assert reading.battery_volts is not None


def test_a_sensor_is_close_to_the_truth():
    reading = measure(Kind.COMBO)
    assert abs(reading.temperature + 18) < 0.5
    assert abs(reading.humidity - 55) < 2
    assert reading.at.microsecond == 830_000


@pytest.mark.parametrize("kind", Kind)
def test_a_reading_survives_the_wire_bit_for_bit(kind):
    reading = measure(kind)._replace(seq=7)
    packet = decode(TopicKind.READINGS, encode([reading], "boot"))
    assert (packet.readings, packet.rejected, packet.boot) == ([reading], [], "boot")
