import math
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.errors import PacketError
from frostguard.wire.packets import (
    MAX_PAYLOAD,
    MAX_READINGS,
    Measurement,
    Packet,
    decode,
    decode_committed,
    decode_status,
    encode,
)
from frostguard.wire.topics import TopicKind
from tests.wire.mutations import FUZZ, mutated
from tests.wire.test_instants import INSTANTS

GOLDEN = Path(__file__).parents[1] / "golden" / "packets"
CASES = sorted(path.name.removesuffix(".payload") for path in GOLDEN.glob("*.payload"))
KINDS = (TopicKind.READINGS, TopicKind.TTS, TopicKind.CHIRPSTACK)


def outcome(kind, payload):
    """Return what becomes of a payload, in the form of the golden files."""
    try:
        if kind is TopicKind.COMMITTED:
            return dict(zip(("boot", "upto"), decode_committed(payload), strict=True))
        if kind is TopicKind.STATUS:
            return {field: value for field, value in decode_status(payload)._asdict().items() if value is not None}
        packet = decode(kind, payload)
    except PacketError as error:
        return {"error": error.reason}
    told = {
        "readings": [spelled(reading) for reading in packet.readings],
        "rejected": [{"reason": letter.reason, "seq": letter.seq} for letter in packet.rejected],
        "boot": packet.boot,
        "unknown_fields": packet.unknown_fields,
    }
    return {field: value for field, value in told.items() if value}


def spelled(reading):
    fields = {field: value for field, value in reading._asdict().items() if value is not None}
    if not reading.seq:
        del fields["seq"]
    return fields


def expected(name):
    told = orjson.loads((GOLDEN / f"{name}.expected.json").read_bytes())
    for reading in told.get("readings", []):
        if "at" in reading:
            reading["at"] = datetime.fromisoformat(reading["at"])
    return told


@pytest.mark.parametrize("name", CASES)
def test_a_packet_of_the_contract_means_what_the_contract_says(name):
    kind = TopicKind(name.partition(".")[0])
    assert outcome(kind, (GOLDEN / f"{name}.payload").read_bytes()) == expected(name)


def test_every_kind_of_topic_has_golden_packets():
    assert {name.partition(".")[0] for name in CASES} == set(TopicKind)


def readings(*items, **envelope):
    return decode(TopicKind.READINGS, orjson.dumps({"readings": list(items)} | envelope))


def refused(payload, kind=TopicKind.READINGS):
    with pytest.raises(PacketError) as caught:
        decode(kind, payload)
    assert caught.value.detail.isprintable()
    return caught.value.reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b'{"sensor":"s","temperature":NaN}', "not_json"),
        (b'{"sensor":"s","temperature":Infinity}', "not_json"),
        (b'{"sensor":"s","temperature":1e999}', "not_json"),
        (b'{"sensor":"s","temperature":' + b"9" * 400 + b"}", "not_json"),
        (b'{"sensor":"\\ud800","temperature":4}', "not_json"),
        (b'{"sensor":"\xff","temperature":4}', "not_json"),
        (b'\xef\xbb\xbf{"sensor":"s","temperature":4}', "not_json"),
        ('{"sensor":"s","temperature":4}'.encode("utf-16"), "not_json"),
        (b"[" * 5_000, "not_json"),
        (b"[" * 1_100 + b"]" * 1_100, "not_json"),
        (b" " * (MAX_PAYLOAD + 1), "too_large"),
        (b"null", "bad_shape"),
        (b"4.5", "bad_shape"),
        (b'"online"', "bad_shape"),
        (b'[{"sensor":"s","temperature":4}]', "bad_shape"),
        (b'{"readings":{}}', "bad_shape"),
        (b'{"readings":null}', "bad_shape"),
        (b'{"readings":"none"}', "bad_shape"),
        (b'{"readings":[]}', "no_readings"),
        (b"{}", "no_readings"),
        (b'{"boot":"k"}', "no_readings"),
        (b'{"temperature":4}', "no_readings"),
        (b'{"readings":[' + b"0," * MAX_READINGS + b"0]}", "too_many_readings"),
        (b'{"readings":[{"sensor":"s","temperature":4}],"boot":5}', "bad_boot"),
        (b'{"readings":[{"sensor":"s","temperature":4}],"boot":""}', "bad_boot"),
        (b'{"readings":[{"sensor":"s","temperature":4}],"boot":"a\\u0000b"}', "bad_boot"),
        (b'{"sensor":"s","temperature":4,"boot":true}', "bad_boot"),
        (b'{"sensor":"s","temperature":4,"boot":"' + b"k" * 65 + b'"}', "bad_boot"),
    ],
)
def test_a_message_that_cannot_be_used_is_refused_whole(payload, reason):
    assert refused(payload) == reason


@pytest.mark.parametrize("kind", [TopicKind.STATUS, TopicKind.COMMITTED])
def test_other_topics_carry_no_readings(kind):
    assert refused(b"{}", kind) == "not_readings"


def test_a_message_may_be_as_large_as_the_contract_allows():
    good = b'{"sensor":"s","temperature":4}'
    assert len(decode(TopicKind.READINGS, good + b" " * (MAX_PAYLOAD - len(good))).readings) == 1
    assert len(readings(*[{"sensor": "s", "temperature": 4}] * MAX_READINGS).readings) == MAX_READINGS


def test_a_bare_reading_is_a_packet_of_one():
    packet = decode(TopicKind.READINGS, b'{"sensor":"s","temperature":4,"seq":9,"boot":"k","other":1}')
    assert packet == Packet([Measurement("s", temperature=4.0, seq=9)], [], "k", 1)
    assert type(packet) is Packet
    assert type(packet.readings[0]) is Measurement


def test_of_two_equal_keys_the_last_counts():
    packet = decode(TopicKind.READINGS, b'{"sensor":"s","temperature":4,"temperature":5}')
    assert packet.readings == [Measurement("s", temperature=5.0)]


def test_one_bad_reading_does_not_cost_its_neighbours():
    good = {"sensor": "s", "temperature": 4.5}
    packet = readings(good, good | {"at": "soon", "seq": 2}, good, boot="k")
    assert packet.readings == [Measurement("s", temperature=4.5)] * 2
    [letter] = packet.rejected
    assert (letter.reason, letter.seq) == ("bad_time", 2)
    assert orjson.loads(letter.payload) == {"readings": [good | {"at": "soon", "seq": 2}], "boot": "k"}


def test_what_is_not_known_is_counted_wherever_it_stands():
    packet = readings({"sensor": "s", "temperature": 4.5, "a": 1, "b": 2, "rssi": 4}, version=3, more=None)
    assert packet.unknown_fields == 5


MEASUREMENTS = st.builds(
    Measurement,
    sensor=st.from_regex(r"[A-Za-z0-9:_-]{1,64}", fullmatch=True),
    at=st.none() | INSTANTS,
    temperature=st.none() | st.floats(-100, 150),
    humidity=st.none() | st.floats(0, 100),
    door_open=st.none() | st.booleans(),
    battery_volts=st.none() | st.floats(0, 10),
    battery_percent=st.none() | st.integers(0, 100),
    rssi=st.none() | st.integers(-150, 0),
    snr=st.none() | st.floats(-50, 50),
    seq=st.integers(0, 2**63 - 1),
    fault=st.none() | st.from_regex(r"[a-z][a-z0-9_]{0,49}", fullmatch=True),
).filter(lambda reading: any(value is not None for value in (*reading[2:7], reading.fault)))


@given(st.lists(MEASUREMENTS, min_size=1, max_size=5), st.none() | st.from_regex(r"[!-~]{1,64}", fullmatch=True))
def test_what_is_encoded_is_decoded_to_the_same(measurements, boot):
    payload = encode(measurements, boot)
    assert decode(TopicKind.READINGS, payload) == Packet(measurements, [], boot, 0)
    # Bit for bit: -0.0 and 0.0 are equal, their spelling is not.
    assert encode(decode(TopicKind.READINGS, payload).readings, boot) == payload


def test_what_is_not_measured_is_left_out():
    reading = Measurement("s", datetime(2026, 11, 22, 10, tzinfo=UTC), door_open=False)
    assert encode([reading]) == b'{"readings":[{"sensor":"s","at":"2026-11-22T10:00:00.000Z","doorOpen":false}]}'


def test_a_time_without_a_zone_is_not_encoded():
    with pytest.raises(ValueError, match="zone"):
        encode([Measurement("s", datetime(2026, 11, 22), temperature=4.5)])  # noqa: DTZ001  # the point


def assert_clean(packet, payload):
    """Nothing that PostgreSQL refuses or a comparison lets through: no NaN, bool for a number, NUL or surrogate."""
    assert packet.readings or packet.rejected
    for reading in packet.readings:
        check(reading.temperature, float, -100, 150)
        check(reading.humidity, float, 0, 100)
        check(reading.battery_volts, float, 0, 10)
        check(reading.battery_percent, int, 0, 100)
        check(reading.rssi, int, -150, 0)
        check(reading.snr, float, -50, 50)
        check(reading.seq, int, 0, 2**63 - 1)
        assert reading.door_open in (None, True, False)
        assert type(reading.door_open) in (bool, type(None))
        assert reading.at is None or (reading.at.utcoffset() is not None and reading.at.astimezone(UTC))
        assert reading.sensor.strip()
        assert reading.sensor.isprintable()
        assert reading.fault is None or (reading.fault.isascii() and len(reading.fault) <= 50)
        assert any(value is not None for value in (*reading[2:7], reading.fault))
    for letter in packet.rejected:
        assert len(letter.payload) <= max(MAX_PAYLOAD, len(payload))
        assert letter.detail.isprintable()
        assert len(letter.detail) <= 500
        check(letter.seq, int, 0, 2**63 - 1)
    assert packet.boot is None or packet.boot.isprintable()
    check(packet.unknown_fields, int, 0, len(payload))


def check(value, kind, low, high):
    if value is not None:
        assert type(value) is kind
        assert not math.isnan(value)
        assert low <= value <= high


def test_mutated_packets_give_clean_readings_or_a_reason():
    random = Random(20261122)
    good = [name for name in CASES if "error" not in expected(name)]
    seeds = {kind: [(GOLDEN / f"{n}.payload").read_bytes() for n in good if n.startswith(kind)] for kind in KINDS}
    passed = 0
    for _ in range(FUZZ):
        kind = random.choice(KINDS)
        payload = mutated(seeds[kind], random)
        try:
            packet = decode(kind, payload)
        except PacketError:
            continue
        assert_clean(packet, payload)
        passed += bool(packet.readings)
    assert FUZZ / 10 < passed < FUZZ


@given(st.sampled_from(KINDS), st.binary(max_size=100))
def test_noise_is_refused(kind, noise):
    with pytest.raises(PacketError):
        decode(kind, noise)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(KINDS), JSON)
def test_any_json_gives_clean_readings_or_a_reason(kind, document):
    for payload in (orjson.dumps(document), orjson.dumps({"readings": [document], "boot": "k"})):
        try:
            packet = decode(kind, payload)
        except PacketError:
            continue
        assert_clean(packet, payload)
