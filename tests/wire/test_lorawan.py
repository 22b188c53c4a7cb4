from datetime import UTC, datetime

import orjson
import pytest

from frostguard.errors import PacketError
from frostguard.wire.packets import Measurement, decode
from frostguard.wire.topics import TopicKind

EUI = "A84041000181C061"
TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)


def tts(**message):
    uplink = {"received_at": "2026-11-22T10:00:00Z", "f_cnt": 5, "decoded_payload": {"temperature": 3.5}} | message
    return {"end_device_ids": {"dev_eui": EUI}, "uplink_message": uplink}


def chirpstack(**fields):
    return {
        "time": "2026-11-22T10:00:00Z",
        "deviceInfo": {"devEui": EUI.lower()},
        "fCnt": 5,
        "object": {"temperature": 3.5},
    } | fields


def decoded(kind, document):
    return decode(kind, orjson.dumps(document))


def refused(kind, document):
    with pytest.raises(PacketError) as caught:
        decoded(kind, document)
    return caught.value.reason


BOTH = [(TopicKind.TTS, tts()), (TopicKind.CHIRPSTACK, chirpstack())]


@pytest.mark.parametrize(("kind", "document"), BOTH)
def test_an_uplink_is_one_reading_at_the_networks_time_numbered_by_its_frame_counter(kind, document):
    packet = decoded(kind, document)
    assert packet.readings == [Measurement(EUI.lower(), TEN, temperature=3.5, seq=5)]
    assert packet[1:] == ([], None, 0)


@pytest.mark.parametrize("counter", [None, 0, -1, True, "5", 1.5, 2**63])
def test_a_frame_counter_that_is_none_numbers_nothing(counter):
    assert decoded(TopicKind.TTS, tts(f_cnt=counter)).readings[0].seq == 0
    assert decoded(TopicKind.CHIRPSTACK, chirpstack(fCnt=counter)).readings[0].seq == 0


def test_the_network_servers_time_goes_before_the_application_servers():
    document = tts() | {"received_at": "2026-11-22T10:00:09Z"}
    assert decoded(TopicKind.TTS, document).readings[0].at == TEN
    del document["uplink_message"]["received_at"]
    assert decoded(TopicKind.TTS, document).readings[0].at == TEN.replace(second=9)


@pytest.mark.parametrize("at", ["soon", "2026-11-22T10:00:00", 1795341600000, [], {}])
def test_a_time_that_cannot_be_read_is_left_to_us_and_counted(at):
    packet = decoded(TopicKind.CHIRPSTACK, chirpstack(time=at))
    assert (packet.readings[0].at, packet.unknown_fields) == (None, 1)


@pytest.mark.parametrize(
    ("radio", "expected"),
    [
        ([{"rssi": -100, "snr": 3}, {"rssi": -70, "snr": -2.5}], (-70, 3.0, 0)),
        ([{"rssi": -100}, {"snr": 1}], (-100, 1.0, 0)),
        ([{"rssi": -70.4}], (-70, None, 0)),
        ([{"rssi": 12, "snr": 99}, {"rssi": -90}], (-90, None, 2)),
        ([{"rssi": True, "snr": "9"}, {"rssi": None}], (None, None, 2)),
        ([5, "x", [], None], (None, None, 0)),
        ([], (None, None, 0)),
        ({"rssi": -90}, (None, None, 0)),
        (None, (None, None, 0)),
    ],
)
def test_the_signal_is_the_best_of_all_gateways(radio, expected):
    for packet in (
        decoded(TopicKind.TTS, tts(rx_metadata=radio)),
        decoded(TopicKind.CHIRPSTACK, chirpstack(rxInfo=radio)),
    ):
        assert (packet.readings[0].rssi, packet.readings[0].snr, packet.unknown_fields) == expected


@pytest.mark.parametrize("undecoded", [None, [], "text", 5])
def test_bytes_that_the_network_made_nothing_of_are_a_decoder_error(undecoded):
    for packet in (
        decoded(TopicKind.TTS, tts(decoded_payload=undecoded, frm_payload="AQ==")),
        decoded(TopicKind.CHIRPSTACK, chirpstack(object=undecoded, data="AQ==")),
    ):
        assert packet.readings == [Measurement(EUI.lower(), TEN, seq=5, fault="decoder_error")]


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (TopicKind.TTS, tts(decoded_payload=None)),
        (TopicKind.TTS, tts(decoded_payload={})),
        (TopicKind.TTS, tts(decoded_payload={"co2": 415})),
        (TopicKind.CHIRPSTACK, chirpstack(object=None)),
        (TopicKind.CHIRPSTACK, chirpstack(object={"water_leak": 1})),
    ],
)
def test_an_uplink_with_nothing_of_ours_is_kept_whole_as_a_dead_letter(kind, document):
    packet = decoded(kind, document)
    assert packet.readings == []
    [letter] = packet.rejected
    assert (letter.reason, letter.seq) == ("no_measurement", 0)
    assert orjson.loads(letter.payload) == document


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (TopicKind.TTS, {"end_device_ids": {"dev_eui": EUI}, "join_accept": {}}),
        (TopicKind.TTS, {"end_device_ids": {"dev_eui": EUI}, "downlink_ack": {}}),
        (TopicKind.TTS, {"uplink_message": None}),
        (TopicKind.TTS, {"uplink_message": [1]}),
        (TopicKind.TTS, chirpstack()),
        (TopicKind.CHIRPSTACK, tts()),
        (TopicKind.CHIRPSTACK, {"deviceInfo": {"devEui": EUI}, "devAddr": "00189440"}),
        (TopicKind.CHIRPSTACK, {"deviceInfo": {"devEui": EUI}, "level": "ERROR", "code": "UPLINK_CODEC"}),
        (TopicKind.CHIRPSTACK, {"devEUI": "AQIDBAUGBwg=", "fCnt": 1, "objectJSON": "{}"}),
        (TopicKind.CHIRPSTACK, {}),
    ],
)
def test_what_is_no_uplink_is_refused(kind, document):
    assert refused(kind, document) == "not_an_uplink"


@pytest.mark.parametrize("eui", [None, 5, "", "walk-in", "a84041000181c06", ["a84041000181c061"], "a\0" * 8])
def test_an_uplink_without_a_device_eui_is_refused(eui):
    assert refused(TopicKind.TTS, tts() | {"end_device_ids": {"dev_eui": eui}}) == "bad_sensor"
    assert refused(TopicKind.CHIRPSTACK, chirpstack(deviceInfo={"devEui": eui})) == "bad_sensor"


@pytest.mark.parametrize("ids", [None, 5, [], "x"])
def test_identifiers_of_a_wrong_shape_are_refused(ids):
    assert refused(TopicKind.TTS, tts() | {"end_device_ids": ids}) == "bad_sensor"
    assert refused(TopicKind.CHIRPSTACK, chirpstack(deviceInfo=ids)) == "bad_sensor"
