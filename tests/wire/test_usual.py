"""The short way and the long way agree on every message, or the short way passes."""

from random import Random

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from frostguard.errors import PacketError
from frostguard.wire import packets
from frostguard.wire.examine import FIELDS
from frostguard.wire.measurement import Measurement, Packet
from frostguard.wire.packets import TopicKind
from frostguard.wire.usual import usual
from tests.wire.mutations import FUZZ, ODD_VALUES, mutated

READING = {
    "sensor": "a84041000181c061", "at": "2026-11-22T10:00:00.25+01:00", "temperature": -18, "humidity": 51,
    "doorOpen": False, "battery": 3.61, "batteryPercent": 88, "rssi": -97, "snr": 7, "seq": 123,
}  # fmt: skip

FIELD_VALUES = st.one_of(
    st.sampled_from(ODD_VALUES),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-200, 400),
    st.integers(-200, 2**64 - 1),
    st.text(max_size=70),
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
)
RAW = st.builds(
    lambda sensor, fields: {"sensor": sensor} | fields,
    st.sampled_from(["a84041000181c061", "SIM-1", "a:b", "é", " ", " x", "", "x" * 65]),
    st.dictionaries(st.sampled_from([*sorted(FIELDS - {"sensor"}), "other"]), FIELD_VALUES, max_size=12),
)
ENVELOPE = st.fixed_dictionaries({}, optional={"boot": st.sampled_from(["k3f9", "", None, 5, "a\0b"]), "x": st.none()})


def long_way(payload: bytes, monkeypatch: pytest.MonkeyPatch) -> Packet | None:
    with monkeypatch.context() as patched:
        patched.setattr(packets, "usual", lambda _payload: None)
        try:
            return packets.decode(TopicKind.READINGS, payload)
        except PacketError:
            return None


def agree(payload: bytes, monkeypatch: pytest.MonkeyPatch) -> Packet | None:
    short = usual(payload)
    if short is not None:
        long = long_way(payload, monkeypatch)
        assert long == short
        assert [list(map(type, one)) for one in short.readings] == [list(map(type, one)) for one in long.readings]
    return short


@pytest.mark.parametrize("left_out", [None, *(FIELDS & READING.keys() - {"sensor"})])
@pytest.mark.parametrize("boot", [None, "k3f9"])
@pytest.mark.parametrize("several", [True, False])
def test_a_usual_message_goes_the_short_way(left_out, boot, several, monkeypatch):
    reading = {field: value for field, value in READING.items() if field != left_out}
    document = ({"readings": [reading] * 3} if several else reading) | ({} if boot is None else {"boot": boot})
    packet = agree(orjson.dumps(document), monkeypatch)
    assert packet is not None
    assert type(packet) is Packet
    assert [type(found) for found in packet.readings] == [Measurement] * (3 if several else 1)


@given(st.lists(RAW, min_size=1, max_size=3), ENVELOPE)
@example([{"sensor": "s", "temperature": 2**64 - 1}], {})
@example([{"sensor": "s", "battery": 3}, {"sensor": "s", "seq": None, "humidity": 4}], {"boot": None})
@example([{"sensor": "s", "temperature": 5e-324}, {"sensor": "s", "temperature": 1.7976931348623157e308}], {})
def test_both_ways_agree_on_lists(items, envelope):
    with pytest.MonkeyPatch.context() as monkeypatch:
        agree(orjson.dumps({"readings": items} | envelope), monkeypatch)


@given(RAW, ENVELOPE)
def test_both_ways_agree_on_single_readings(raw, envelope):
    with pytest.MonkeyPatch.context() as monkeypatch:
        agree(orjson.dumps(raw | envelope), monkeypatch)


@given(st.floats(-100, 150), st.integers(0, 20))
def test_both_ways_read_the_same_bits_of_a_number(celsius, digits):
    payload = f'{{"sensor":"s","temperature":{celsius:.{digits}f}}}'.encode()
    short = usual(payload)
    assert short is None or short.readings[0].temperature == orjson.loads(payload)["temperature"]


@pytest.mark.parametrize(
    "payload",
    [
        b'{"sensor":"s","temperature":4,"temperature":5}',
        b'{"sensor":"s","temperature":4,"temperature":"5"}',
        b'{"sensor":5,"sensor":"s","temperature":4}',
        b'{"readings":[],"readings":[{"sensor":"s","temperature":4}]}',
        b'{"boot":"readings","sensor":"s","temperature":4}',
        b'{"sensor":"\\ud800","temperature":4}',
        b'{"sensor":"\xff","temperature":4}',
        b'\xef\xbb\xbf{"sensor":"s","temperature":4}',
        b' {"sensor" : "s" , "temperature" : 4e0 } ',
        b'{"sensor":"s","temperature":4} x',
        b'{"sensor":"s","temperature":NaN}',
        b'{"sensor":"s","temperature":1e999}',
        b'{"sensor":"s","temperature":-0}',
        b'{"sensor":"s","temperature":00004}',
        b'{"sensor":"s","at":' + b"[" * 2000 + b"]" * 2000 + b',"temperature":4}',
    ],
)
def test_both_ways_agree_on_odd_spellings(payload, monkeypatch):
    agree(payload, monkeypatch)


def test_both_ways_agree_on_mutated_messages(monkeypatch):
    seeds = [orjson.dumps(READING), orjson.dumps({"readings": [READING, READING], "boot": "k3f9"})]
    random, short = Random(20261123), 0
    for _ in range(FUZZ):
        short += agree(mutated(seeds, random), monkeypatch) is not None
    assert FUZZ / 50 < short < FUZZ
