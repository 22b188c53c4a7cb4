import json

import orjson
import pytest

from frostguard.errors import PacketError
from frostguard.wire.examine import FIELDS, count_unknown, examine, readable_seq, reject, whole
from frostguard.wire.measurement import MAX_PAYLOAD
from frostguard.wire.packets import Measurement, TopicKind, decode
from frostguard.wire.usual import usual

PLAIN = {"sensor": "s1", "temperature": 4.5}


def refused(raw):
    with pytest.raises(PacketError) as caught:
        examine(raw)
    assert caught.value.detail
    assert caught.value.detail.isprintable()
    assert usual(json.dumps({"readings": [raw]}).encode()) is None
    return caught.value.reason


def both_ways(raw):
    """Examine a reading, and see that the short way has nothing else to say."""
    found = examine(raw)
    short = usual(json.dumps({"readings": [raw]}).encode())
    assert short is None or (short.readings, short.unknown_fields) == ([found[0]], found[1])
    return found


@pytest.mark.parametrize("raw", [None, True, 5, 1.5, "s1", [], [PLAIN]])
def test_a_reading_is_an_object(raw):
    assert refused(raw) == "bad_reading"


WRONG = {
    "sensor": (None, 5, True, "", " ", "a\0b", "ab\u2000", "x" * 65, [], {}),
    "at": (True, "yesterday", "2026-11-22T10:00:00", -1, [], {}),
    "temperature": ("4.5", True, False, [], {}, ""),
    "humidity": ("50", True, [], {}),
    "doorOpen": (0, 1, "open", "true", 1.0, [], {}),
    "battery": ("3.6", True, [], {}),
    "batteryPercent": ("88", True, [], {}),
    "rssi": ("-90", False, [], {}),
    "snr": ("7", True, [], {}),
    "seq": (0, -1, 1.0, 1.5, 2**63, 1.8446744073709552e19, "1", True, [], {}),
    "fault": (5, True, "", "No Probe", "a\0b", "é", "x" * 51, "9lives", [], {}),
}
REASONS = {"at": "bad_time", "doorOpen": "bad_door_open", "batteryPercent": "bad_battery_percent"}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_a_wrong_type_refuses_the_reading_and_names_the_field(field, value):
    assert refused(PLAIN | {field: value}) == REASONS.get(field, f"bad_{field}")


def test_a_table_of_wrong_values_exists_for_every_field():
    assert set(WRONG) == FIELDS


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"temperature": 4}, {"temperature": 4.0}),
        ({"temperature": 0}, {"temperature": 0.0}),
        ({"temperature": None, "humidity": 5}, {"humidity": 5.0}),
        ({"temperature": 327.67}, {"fault": "no_probe"}),
        ({"temperature": 2**64}, {"fault": "out_of_range"}),
        ({"temperature": -1e308}, {"fault": "out_of_range"}),
        ({"temperature": 327.67, "fault": "wire_cut"}, {"fault": "wire_cut"}),
        ({"temperature": 4.5, "fault": "wire_cut"}, {"temperature": 4.5, "fault": "wire_cut"}),
        ({"temperature": 4.5, "humidity": 106}, {"temperature": 4.5, "fault": "humidity_out_of_range"}),
        ({"temperature": 327.67, "humidity": 106}, {"fault": "no_probe"}),
        ({"humidity": 104.9}, {"humidity": 100.0}),
        ({"doorOpen": True}, {"door_open": True}),
        ({"doorOpen": False}, {"door_open": False}),
        ({"battery": 3}, {"battery_volts": 3.0}),
        ({"battery": 0}, {"battery_volts": 0.0}),
        ({"batteryPercent": 0}, {"battery_percent": 0}),
        ({"batteryPercent": 87.6}, {"battery_percent": 88}),
        ({"batteryPercent": 5, "rssi": -96.7}, {"battery_percent": 5, "rssi": -97}),
        ({"temperature": 4.5, "rssi": -150, "snr": -50}, {"temperature": 4.5, "rssi": -150, "snr": -50.0}),
        ({"temperature": 4.5, "seq": 2**63 - 1}, {"temperature": 4.5, "seq": 2**63 - 1}),
        ({"fault": "x" * 50}, {"fault": "x" * 50}),
        ({"sensor": " SN 1 ", "temperature": 4.5}, {"sensor": " SN 1 ", "temperature": 4.5}),
        ({"sensor": "Fühler", "temperature": 4.5}, {"sensor": "Fühler", "temperature": 4.5}),
    ],
)
def test_a_good_reading_says_what_it_says(fields, expected):
    assert both_ways({"sensor": "s1"} | fields) == (Measurement(**({"sensor": "s1"} | expected)), 0)


@pytest.mark.parametrize(
    "field_value",
    [
        ("battery", 10.1), ("battery", -0.1), ("batteryPercent", 101), ("batteryPercent", -1),
        ("batteryPercent", 100.4), ("rssi", 1), ("rssi", -151), ("rssi", 1e300), ("snr", 50.1), ("snr", -50.1),
        ("pressure", 1013), ("boot", "k"),
    ],
)  # fmt: skip
def test_an_impossible_extra_is_dropped_and_counted_and_the_reading_kept(field_value):
    assert both_ways(PLAIN | dict([field_value])) == (Measurement("s1", temperature=4.5), 1)


@pytest.mark.parametrize(
    "raw",
    [
        {"sensor": "s1"},
        {"sensor": "s1", "rssi": -90, "snr": 1, "seq": 4},
        {"sensor": "s1", "temperature": None},
        {"sensor": "s1", "battery": 99},
        {"sensor": "s1", "co2": 400},
    ],
)
def test_a_reading_without_anything_measured_is_refused(raw):
    assert refused(raw) == "no_measurement"


def replayed(raw, boot="k3f9"):
    """Refuse a reading, replay its dead letter, and return both."""
    with pytest.raises(PacketError) as caught:
        examine(raw)
    letter = reject(caught.value, raw, boot)
    assert len(letter.payload) <= MAX_PAYLOAD
    again = decode(TopicKind.READINGS, letter.payload)
    assert (again.readings, again.boot) == ([], boot)
    assert [(r.reason, r.seq) for r in again.rejected] == [(letter.reason, letter.seq)]
    return letter


def test_a_dead_letter_holds_the_reading_alone():
    raw = {"sensor": "s1", "temperature": "warm", "seq": 7, "note": [1, {"a": 2}]}
    letter = replayed(raw)
    assert orjson.loads(letter.payload) == {"readings": [raw], "boot": "k3f9"}
    assert (letter.reason, letter.seq) == ("bad_temperature", 7)
    assert letter.detail == "temperature is a string, not a number"


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "raw",
    [
        {"sensor": "s1", "temperature": nested(600)},
        {"sensor": "s1", "temperature": True, "note": nested(600)},
        nested(600),
        "x" * 65_530,
        {"sensor": "x" * 65_500},
        {"sensor": "s1", "temperature": [1e15] * 10_000},
        {"sensor": "s1", "temperature": "x", "note": [1e15] * 10_000},
        {"sensor": "s1", "temperature": "x"} | {f"k{i}": 1e15 for i in range(5_000)},
        {"sensor": "s1", "at": "2026-11-22T10:00:00." + "0" * 65_000 + "Z"},
    ],
    ids=["deep", "deep-note", "deep-list", "string", "sensor", "grown", "grown-note", "wide", "time"],
)
def test_a_monstrous_reading_makes_a_bounded_dead_letter_that_says_the_same(raw):
    replayed(raw)


def test_unknown_fields_are_counted():
    assert count_unknown({"sensor": 1, "a": 2, "\0": 3}) == 2


@pytest.mark.parametrize(("value", "expected"), [(None, None), (2.4, 2), (-96.7, -97), (3, 3)])
def test_numbers_are_made_whole(value, expected):
    assert whole(value) == expected


@pytest.mark.parametrize(
    ("value", "seq"), [(1, 1), (0, 0), (-1, 0), (True, 0), (1.0, 0), ("1", 0), (None, 0), (2**63, 0)]
)
def test_a_number_of_a_reading_is_read_or_unknown(value, seq):
    assert readable_seq(value) == seq
