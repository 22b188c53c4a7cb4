"""From messages to the open batch: what is stored, held, kept as a dead letter or only counted. No database."""

import itertools
import math
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from frostguard.config import IngestSettings
from frostguard.domain.reading import Reading
from frostguard.wire.packets import MAX_PAYLOAD
from ingest.batch import Batch
from ingest.intake import STRANGERS, Intake
from ingest.reader import DUP, RETAIN
from tests.factories import (
    GATEWAY,
    SERIAL,
    identity,
    make_fleet,
    make_organization,
    make_sensor,
    message,
    payload_of,
    raw_reading,
    topic_of,
)
from tests.fakes import NOON, Clock

GOOD = raw_reading(-1)
MARKER = b"frostguard/ingest/frostguard-ingest/marker"
HOUR = NOON.replace(minute=0)


class Case:
    """An intake over a fleet of one organization, with a clock that stands at noon."""

    def __init__(self, **limits: int) -> None:
        self.clock = Clock()
        self.fleet = make_fleet(
            make_organization(
                gateways=[GATEWAY, "gw-2"],
                sensors=[make_sensor(), make_sensor("door-1", identity("other unit")), make_sensor("held-1", None)],
                networks=[("tts", "cold-rooms@ttn"), ("chirpstack", "app-1")],
            ),
            make_organization("other", gateways=["gw-9"], sensors=[]),
        )
        names = {"batch_rows", "dead_letters_per_hour", "pending_sensors_per_gateway", "retention_days"}
        assert names >= set(limits)
        self.intake = Intake(IngestSettings(**limits), self.fleet, self.clock)
        self.intake.marker = (MARKER, b"token")

    @property
    def batch(self) -> Batch:
        return self.intake.batch

    def take(self, *payloads: bytes | None, topic: bytes | None = None, flags: int = 2) -> Batch:
        self.intake.take([message(p, topic, n if flags & 6 else 0, flags) for n, p in enumerate(payloads, 1)])
        return self.batch

    def reasons(self) -> list[str]:
        return [letter.reason for letter in self.batch.letters]


def test_a_reading_becomes_a_row() -> None:
    raw = raw_reading(
        -1, humidity=51.5, doorOpen=False, battery=3.0, batteryPercent=88, rssi=-97, snr=7.5, seq=123, extra=1
    )
    batch = Case().take(payload_of(raw, boot="k3f9"))
    assert batch.rows == [
        Reading(
            identity("unit"), NOON - timedelta(minutes=1), identity(SERIAL), 123, NOON, 4.0, 51.5, False,
            3.0, 88, -97, 7.5, None,
        )
    ]  # fmt: skip
    assert (batch.messages, batch.readings, batch.unknown_fields, batch.packet_ids) == (1, 1, 1, [1])
    assert batch.numbers == {(identity(GATEWAY), "k3f9"): [123]}
    assert batch.heard == {identity(GATEWAY): NOON}
    assert not batch.letters


# --- what cannot be used: the message as a whole

DEEP = b'{"readings":' + b"[" * 1100 + b"]" * 1100 + b"}"

BAD_MESSAGES: dict[str, tuple[bytes, str]] = {
    "no bytes": (b"", "not_json"),
    "no JSON": (b"temperature=4", "not_json"),
    "cut short": (payload_of(GOOD)[:-1], "not_json"),
    "NaN": (b'{"sensor":"s","temperature":NaN}', "not_json"),
    "Infinity": (b'{"sensor":"s","temperature":-Infinity}', "not_json"),
    "1e999": (b'{"sensor":"s","temperature":1e999}', "not_json"),
    "an integer of 400 digits": (b'{"sensor":"s","temperature":' + b"9" * 400 + b"}", "not_json"),
    "UTF-16": ('{"sensor":"s"}'.encode("utf-16"), "not_json"),
    "a byte order mark": (b"\xef\xbb\xbf" + payload_of(GOOD), "not_json"),
    "overlong UTF-8": (b'{"sensor":"\xc0\xaf","temperature":1}', "not_json"),
    "a lone surrogate": (b'{"sensor":"\\ud800","temperature":1}', "not_json"),
    "a raw NUL": (b'{"sensor":"a\0b","temperature":1}', "not_json"),
    "deeper than the parser goes": (DEEP, "not_json"),
    "binary": (bytes(range(256)), "not_json"),
    "a list": (b"[1,2]", "bad_shape"),
    "a number": (b"4", "bad_shape"),
    "null": (b"null", "bad_shape"),
    "nothing in it": (b"{}", "no_readings"),
    "an empty list": (payload_of(), "no_readings"),
    "readings that are no list": (b'{"readings":{"sensor":"s"}}', "bad_shape"),
    "a boot that is no text": (payload_of(GOOD, boot=1), "bad_boot"),
    "a boot of 65 characters": (payload_of(GOOD, boot="b" * 65), "bad_boot"),
    "a boot with NUL": (payload_of(GOOD, boot="a\0b"), "bad_boot"),
    "1001 readings": (payload_of(*[{"sensor": "s"}] * 1001), "too_many_readings"),
    "65537 bytes": (payload_of(GOOD, x="y" * MAX_PAYLOAD), "too_large"),
}


@pytest.mark.parametrize("name", BAD_MESSAGES)
def test_a_bad_message_is_one_dead_letter_and_its_neighbours_are_stored(name: str) -> None:
    payload, reason = BAD_MESSAGES[name]
    case = Case()
    batch = case.take(payload_of(GOOD), payload, payload_of(raw_reading(-2)))
    assert len(batch.rows) == 2
    assert batch.packet_ids == [1, 2, 3]  # it is acknowledged all the same
    (letter,) = batch.letters
    assert letter.reason == reason
    assert letter.payload == payload[:MAX_PAYLOAD]
    assert (letter.topic, letter.received_at) == (topic_of().decode(), NOON)
    assert (letter.organization_id, letter.gateway_id) == (identity("acme"), identity(GATEWAY))


def test_a_packet_that_was_too_large_to_keep_is_a_dead_letter_without_its_payload() -> None:
    case = Case()
    batch = case.take(None, payload_of(GOOD))
    assert case.reasons() == ["too_large"]
    assert batch.letters[0].payload == b""
    assert len(batch.rows) == 1
    case.take(None, topic=topic_of("status"))
    assert case.reasons() == ["too_large"] * 2


BAD_TOPICS = {
    "frostguard/v1/nobody/gw-1/readings": "unknown_organization",
    "frostguard/v1/acme/gw-3/readings": "unknown_gateway",
    "frostguard/v1/acme/gw-9/readings": "unknown_gateway",
    "frostguard/v1/other/gw-1/readings": "unknown_gateway",
    "frostguard/v1/acme/gw-1/readings/more": "topic_levels",
    "frostguard/v1/acme//readings": "topic_empty_level",
    "frostguard/v1/acme/gw 1/readings": "topic_name",
    "frostguard/v1/acme/gw-1/committed": "not_for_us",
    "v3/cold-rooms@other/devices/eui-1/up": "unknown_gateway",
    "application/app-2/device/eui-1/event/up": "unknown_gateway",
}


@pytest.mark.parametrize("topic", BAD_TOPICS)
def test_a_bad_topic_is_a_dead_letter_of_nobody(topic: str) -> None:
    case = Case()
    batch = case.take(payload_of(GOOD), topic=topic.encode())
    (letter,) = batch.letters
    assert (letter.reason, letter.topic, letter.payload) == (BAD_TOPICS[topic], topic, payload_of(GOOD))
    assert (letter.organization_id, letter.gateway_id) == (None, None)
    assert not batch.rows
    assert not batch.heard


@pytest.mark.parametrize("topic", [b"\xff\xfe/\0", b"t" * 65_535, b""])
def test_any_bytes_of_a_topic_fit_into_the_dead_letters(topic: bytes) -> None:
    case = Case()
    (letter,) = case.take(b"x", topic=topic).letters
    assert len(letter.topic) <= 1000
    assert "\0" not in letter.topic
    letter.topic.encode()


@pytest.mark.parametrize("kind", ["readings", "status"])
def test_retained_readings_are_refused_and_a_retained_status_is_not(kind: str) -> None:
    case = Case()
    payload = payload_of(GOOD) if kind == "readings" else b"online"
    batch = case.take(payload, topic=topic_of(kind), flags=2 | RETAIN)
    assert case.reasons() == (["retained"] if kind == "readings" else [])
    assert not batch.rows
    assert bool(batch.statuses) == (kind == "status")


# --- what cannot be used: single readings

NEVER = "2026-02-30T10:00:00Z"

BAD_READINGS: dict[str, tuple[object, str]] = {
    "no object": (4, "bad_reading"),
    "null": (None, "bad_reading"),
    "no sensor": ({"temperature": 4}, "bad_sensor"),
    "sensor is a number": (raw_reading(sensor=7), "bad_sensor"),
    "sensor is empty": (raw_reading(sensor=""), "bad_sensor"),
    "sensor has NUL": (raw_reading(sensor="a\0b"), "bad_sensor"),
    "sensor of 65 characters": (raw_reading(sensor="s" * 65), "bad_sensor"),
    "temperature is true": (raw_reading(temperature=True), "bad_temperature"),
    "temperature is text": (raw_reading(temperature="4.0"), "bad_temperature"),
    "temperature is a list": (raw_reading(temperature=[4]), "bad_temperature"),
    "humidity is false": (raw_reading(humidity=False), "bad_humidity"),
    "door is a number": (raw_reading(doorOpen=1), "bad_door_open"),
    "door is text": (raw_reading(doorOpen="open"), "bad_door_open"),
    "battery is text": (raw_reading(battery="3V"), "bad_battery"),
    "percent is true": (raw_reading(batteryPercent=True), "bad_battery_percent"),
    "rssi is text": (raw_reading(rssi="-97"), "bad_rssi"),
    "snr is an object": (raw_reading(snr={}), "bad_snr"),
    "seq is nought": (raw_reading(seq=0), "bad_seq"),
    "seq is negative": (raw_reading(seq=-1), "bad_seq"),
    "seq is 2^63": (raw_reading(seq=2**63), "bad_seq"),
    "seq is true": (raw_reading(seq=True), "bad_seq"),
    "seq is a fraction": (raw_reading(seq=1.5), "bad_seq"),
    "fault is a sentence": (raw_reading(fault="Broken probe!"), "bad_fault"),
    "nothing is measured": (raw_reading(temperature=...), "no_measurement"),
    "time without a zone": (raw_reading(None, at="2026-11-22T11:00:00"), "bad_time"),
    "time that never was": (raw_reading(None, at=NEVER), "bad_time"),
    "time is text": (raw_reading(None, at="yesterday"), "bad_time"),
    "time is true": (raw_reading(None, at=True), "bad_time"),
    "time is negative": (raw_reading(None, at=-1), "bad_time"),
    "time is 2^64": (raw_reading(None, at=2**64), "bad_time"),
    "time is 1970": (raw_reading(None, at=0), "time_too_old"),
    "time is 2000": (raw_reading(None, at="2000-01-01T00:00:00Z"), "time_too_old"),
    "time is 2099": (raw_reading(None, at="2099-01-01T00:00:00Z"), "time_in_future"),
    "time is in eleven minutes": (raw_reading(11), "time_in_future"),
    "time is older than we keep": (raw_reading(-731 * 1440 - 1), "time_too_old"),
    "time in seconds, not milliseconds": (raw_reading(None, at=int(NOON.timestamp())), "time_too_old"),
}


@pytest.mark.parametrize("name", BAD_READINGS)
def test_a_bad_reading_is_one_dead_letter_and_its_neighbours_are_stored(name: str) -> None:
    raw, reason = BAD_READINGS[name]
    case = Case()
    batch = case.take(payload_of(GOOD, raw, raw_reading(-2), boot="b"))
    assert [row.recorded_at for row in batch.rows] == [NOON - timedelta(minutes=n) for n in (1, 2)]
    (letter,) = batch.letters
    assert (letter.reason, letter.topic) == (reason, topic_of().decode())
    alone = orjson.loads(letter.payload)
    assert len(alone["readings"]) == 1
    assert alone["boot"] == "b"
    # It can be taken again as it is, and is refused for the same reason.
    again = Case()
    again.take(letter.payload)
    assert again.reasons() == [reason]


@pytest.mark.parametrize(
    "minute", [10, 0, -60, -731 * 1440], ids=["ten minutes ahead", "now", "an hour late", "as old as we keep"]
)
def test_a_time_inside_the_window_is_stored_as_it_is(minute: int) -> None:
    (row,) = Case().take(payload_of(raw_reading(minute))).rows
    assert row.recorded_at == NOON + timedelta(minutes=minute)


def test_two_readings_of_one_instant_are_two_rows_if_they_are_numbered() -> None:
    batch = Case().take(payload_of(raw_reading(-1, seq=1), raw_reading(-1, seq=2, temperature=5)))
    assert [(row.seq, row.temperature) for row in batch.rows] == [(1, 4.0), (2, 5.0)]


def test_readings_without_a_time_get_moments_of_their_own_in_order() -> None:
    case = Case()
    case.take(payload_of(*[raw_reading(None)] * 5), payload_of(raw_reading(None)))
    case.take(payload_of(raw_reading(None)))  # a second chunk in the same microsecond
    moments = [row.recorded_at for row in case.batch.rows]
    assert len(set(moments)) == 7
    assert moments == sorted(moments)
    assert moments[0] == NOON
    assert moments[-1] - NOON < timedelta(milliseconds=1)
    case.clock.forward(seconds=1)
    case.take(payload_of(raw_reading(None)))
    assert case.batch.rows[-1].recorded_at == NOON + timedelta(seconds=1)


# --- values

FAULTS = {
    "above what the sensor can measure": ({"temperature": 130}, "out_of_range"),
    "below it": ({"temperature": -70}, "out_of_range"),
    "beyond anything": ({"temperature": 1e300}, "out_of_range"),
    "no probe": ({"temperature": 327.67}, "no_probe"),
    "the gateway's own word": ({"temperature": 4, "fault": "stuck"}, "stuck"),
    "the gateway's own word and out of range": ({"temperature": 130, "fault": "stuck"}, "stuck"),
    "humidity": ({"humidity": 200}, "humidity_out_of_range"),
    "2^64": ({"temperature": 2**64}, "out_of_range"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_value_that_is_no_measurement_is_stored_as_a_fault(name: str) -> None:
    fields, fault = FAULTS[name]
    batch = Case().take(payload_of(raw_reading(-1, **fields)))
    (row,) = batch.rows
    assert row.fault == fault
    assert row.temperature == (4.0 if fields.get("temperature", 4) == 4 else None)
    assert batch.faults == 1


@pytest.mark.parametrize("celsius", [-60, 125, 0, -0.0, 1e-300])
def test_what_the_sensor_can_measure_is_a_temperature(celsius: float) -> None:
    (row,) = Case().take(payload_of(raw_reading(-1, temperature=celsius))).rows
    assert row.temperature == celsius
    assert row.fault is None


@pytest.mark.parametrize(
    ("chemistry", "fields", "percent"),
    [
        (None, {"battery": 3.2}, 80),  # two AA lithium cells, for want of a better word
        (None, {"battery": 3.2, "batteryPercent": 12}, 12),  # the sensor's own number
        ("ER14505", {"battery": 3.2, "batteryPercent": 12}, 15),  # we know its curve
        ("CR2032", {"battery": 9.0}, 100),
        ("CR2032", {"battery": 0.0}, 0),
        ("CR2032", {"batteryPercent": 12}, 12),
        (None, {}, None),
    ],
)
def test_battery_percent_comes_from_volts_where_the_chemistry_is_known(
    chemistry: str | None, fields: dict[str, Any], percent: int | None
) -> None:
    fleet = make_fleet(make_organization(sensors=[make_sensor(chemistry=chemistry)]))
    intake = Intake(IngestSettings(), fleet, Clock())
    intake.take([message(payload_of(raw_reading(-1, **fields)))])
    assert intake.batch.rows[0].battery_percent == percent


def test_an_uplink_of_a_network_is_taken_with_its_own_gateway() -> None:
    uplink = {
        "end_device_ids": {"dev_eui": SERIAL.upper()},
        "uplink_message": {
            "f_cnt": 7, "received_at": "2026-11-22T11:59:00Z", "frm_payload": "AA==",
            "decoded_payload": {"temperature": 3.5},
        },
    }  # fmt: skip
    batch = Case().take(orjson.dumps(uplink), topic=b"v3/cold-rooms@ttn/devices/eui-1/up")
    assert [(row.sensor_id, row.temperature, row.seq) for row in batch.rows] == [(identity(SERIAL), 3.5, 7)]
    assert set(batch.heard) == {identity("cold-rooms@ttn")}
    assert not batch.numbers


def test_a_bad_uplink_is_kept_whole() -> None:
    uplink = orjson.dumps({"end_device_ids": {"dev_eui": SERIAL}, "join_accept": {}})
    case = Case()
    (letter,) = case.take(uplink, topic=b"v3/cold-rooms@ttn/devices/eui-1/up").letters
    assert (letter.reason, letter.payload) == ("not_an_uplink", uplink)


# --- sensors nobody has registered


def test_an_unknown_sensor_is_registered_once_and_its_readings_are_held() -> None:
    case = Case()
    case.take(payload_of(raw_reading(-1, "new-1"), raw_reading(-2, "NEW-1"), raw_reading(-3, " new-1 ")))
    batch = case.take(payload_of(raw_reading(-4, "new-1")))
    ((key, row),) = batch.pending.items()
    assert key == (identity("acme"), "new-1")
    assert row[1:] == (identity("acme"), identity(GATEWAY), "new-1", NOON)
    assert [held.sensor_id for held in batch.held] == [row[0]] * 4
    assert not batch.rows
    assert not batch.letters


def test_the_reading_of_a_sensor_without_a_unit_is_held() -> None:
    batch = Case().take(payload_of(raw_reading(-1, "held-1"), GOOD))
    assert [row.sensor_id for row in batch.held] == [identity("held-1")]
    assert not batch.pending
    assert len(batch.rows) == 1


def test_a_reload_between_two_readings_of_a_new_sensor_does_not_register_it_twice() -> None:
    """The reload knows nothing of a registration that is still in the open batch."""
    case = Case()
    case.take(payload_of(raw_reading(-1, "new-1")))
    fresh = make_organization()
    case.fleet._replace([fresh.id], {fresh.id: fresh})
    batch = case.take(payload_of(raw_reading(-2, "new-1")))
    ((sensor, *_),) = batch.pending.values()
    assert [row.sensor_id for row in batch.held] == [sensor, sensor]


def test_a_gateway_introduces_so_many_sensors_and_no_more() -> None:
    case = Case(pending_sensors_per_gateway=5, dead_letters_per_hour=3)
    batch = case.take(payload_of(*[raw_reading(-1, f"new-{n}") for n in range(20)]))
    assert len(batch.pending) == len(batch.held) == 5
    assert case.reasons() == ["too_many_unknown_sensors"] * 3
    assert sum(batch.overflows.values()) == 12
    case.take(payload_of(raw_reading(-2, "new-0"), raw_reading(-1, "new-50")), topic=topic_of(gateway="gw-2"))
    assert len(batch.pending) == 6  # the other gateway has its own count


def test_sensors_of_a_batch_that_was_not_committed_may_be_introduced_again() -> None:
    case = Case(pending_sensors_per_gateway=5)
    payload = payload_of(*[raw_reading(-1, f"new-{n}") for n in range(5)])
    for _ in range(3):
        batch = case.take(payload)
        assert len(batch.pending) == len(batch.held) == 5
        assert not batch.letters
        case.intake.discard(case.intake.cut())


def test_two_organizations_may_have_a_sensor_of_the_same_serial() -> None:
    case = Case()
    case.take(payload_of(GOOD))
    batch = case.take(payload_of(raw_reading(-1)), topic=topic_of(gateway="gw-9", organization="other"))
    assert len(batch.rows) == 1
    assert list(batch.pending) == [(identity("other"), SERIAL)]


# --- caps


def test_beyond_the_cap_of_a_gateway_and_hour_dead_letters_are_counted_only() -> None:
    case = Case(dead_letters_per_hour=3)
    case.take(*[b"x"] * 10)
    case.take(*[b"{}"] * 2)
    case.take(b"x", topic=topic_of(gateway="gw-2"))
    case.take(*[b"x"] * 5, topic=b"nonsense")
    case.take(*[b"x"] * 5, topic=topic_of(gateway="stranger"))
    batch = case.batch
    sources = Counter(letter.gateway_id for letter in batch.letters)
    assert sources == {identity(GATEWAY): 3, identity("gw-2"): 1, None: 3}
    assert batch.overflows == {
        (GATEWAY, HOUR, "not_json"): 7, (GATEWAY, HOUR, "no_readings"): 2,
        (STRANGERS, HOUR, "topic_unknown"): 2, (STRANGERS, HOUR, "unknown_gateway"): 5,
    }  # fmt: skip
    assert batch.messages == 10 + 2 + 1 + 5 + 5
    case.clock.forward(hours=1)
    case.take(*[b"x"] * 5)
    assert sum(letter.gateway_id == identity(GATEWAY) for letter in batch.letters) == 6
    assert batch.overflows[GATEWAY, HOUR + timedelta(hours=1), "not_json"] == 2


def test_a_flood_of_garbage_does_not_grow_the_batch() -> None:
    case = Case(dead_letters_per_hour=50, pending_sensors_per_gateway=10)
    dice = random.Random(7)
    for n in range(200):
        case.take(*[dice.randbytes(40) for _ in range(50)], topic=topic_of(gateway=f"stranger-{n}"))
        case.take(payload_of(*[raw_reading(-1, f"new-{n}-{i}") for i in range(20)]))
        case.take(*[dice.randbytes(40)] * 20, topic=f"nonsense/{n}".encode(), flags=0)
    batch = case.batch
    assert batch.messages == 200 * 71
    assert len(batch.letters) == 100  # the strangers' and the gateway's
    assert len(batch.pending) == len(batch.held) == 10
    assert sum(batch.overflows.values()) == 200 * (50 + 20 + 20) - 10 - 100
    assert len(batch.overflows) < 20
    assert len(case.fleet.routes) == 1
    assert len(batch.packet_ids) == 200 * 51


def test_the_payload_of_a_dead_letter_has_a_bound() -> None:
    (letter,) = Case().take(b"x" * 500_000).letters
    assert len(letter.payload) == MAX_PAYLOAD


# --- status, numbers, redelivery


def test_status_messages_say_who_is_online_and_what_is_gone() -> None:
    case = Case()
    case.take(b"online", topic=topic_of("status"))
    case.take(b'{"status":"online","boot":"b","oldest":7}', topic=topic_of("status"))
    batch = case.take(b"offline", topic=topic_of("status", "gw-2"))
    assert batch.statuses == {identity(GATEWAY): (True, NOON), identity("gw-2"): (False, NOON)}
    assert batch.oldest == {(identity(GATEWAY), "b"): 7}
    assert not batch.heard


@pytest.mark.parametrize(
    "payload", [b"", b"asleep", b'{"status":1}', b'{"status":"online","oldest":7}', b"\xff" * 2000]
)
def test_a_bad_status_is_a_dead_letter(payload: bytes) -> None:
    case = Case()
    assert not case.take(payload, topic=topic_of("status")).statuses
    assert case.reasons() == ["bad_status"]


def test_every_numbered_reading_is_settled_whatever_became_of_it() -> None:
    case = Case(dead_letters_per_hour=1)
    stored, held, future = raw_reading(-1, seq=1), raw_reading(-1, "held-1", seq=2), raw_reading(99, seq=3)
    bad, overflowed = raw_reading(-1, seq=4, temperature="x"), raw_reading(-1, seq=5, temperature="x")
    batch = case.take(payload_of(stored, held, future, bad, overflowed, raw_reading(-2), boot="b"))
    assert sorted(batch.numbers[identity(GATEWAY), "b"]) == [1, 2, 3, 4, 5]
    assert (len(batch.rows), len(batch.held), len(batch.letters)) == (2, 1, 1)


def test_a_gateway_is_heard_once_a_minute() -> None:
    case = Case()
    heard = []
    for _ in range(7):
        case.take(payload_of(GOOD))
        heard.append(bool(case.intake.cut().heard))
        case.clock.forward(seconds=20)
    assert heard == [True, False, False, True, False, False, True]


def test_only_messages_with_an_id_are_acknowledged_and_a_second_delivery_is_noticed() -> None:
    case = Case()
    case.intake.take([message(payload_of(GOOD), packet_id=0, flags=0), message(payload_of(GOOD), packet_id=9)])
    assert case.batch.packet_ids == [9]
    assert not case.batch.redelivered
    case.intake.take([message(payload_of(GOOD), packet_id=10, flags=2 | DUP)])
    assert case.batch.packet_ids == [9, 10]
    assert case.batch.redelivered


@pytest.mark.parametrize(
    ("payload", "marked"), [(b"token", True), (b"an older one", False), (b"", False), (None, False)]
)
def test_the_marker_ends_the_backlog_if_it_is_the_one_that_was_sent(payload: bytes | None, marked: bool) -> None:
    case = Case()
    batch = case.take(payload, topic=MARKER)
    assert batch.marked == marked
    assert not batch.letters
    assert batch.packet_ids == [1]
    case.take(b"token", topic=MARKER + b"s")
    assert case.reasons() == ["topic_unknown"]


def test_a_cut_batch_is_left_alone_by_what_comes_after() -> None:
    case = Case()
    case.take(payload_of(GOOD))
    cut = case.intake.cut()
    case.take(payload_of(raw_reading(-2)), b"x")
    assert (cut.messages, len(cut.rows), len(cut.letters)) == (1, 1, 0)
    assert not case.intake.cut() or case.intake.cut().messages == 0


# --- dead letters taken again


def replay(case: Case, payload: bytes, at: datetime = NOON, topic: str = "", letter: int = 5) -> Batch:
    case.intake.replay(letter, at, topic or topic_of().decode(), payload)
    return case.batch


def test_a_dead_letter_that_has_become_usable_is_stored() -> None:
    batch = replay(Case(), payload_of(GOOD))
    assert (len(batch.rows), batch.replayed, batch.replay_refused) == (1, [5], [])
    assert batch.messages == 0


def test_a_replayed_reading_without_a_time_was_taken_when_it_came() -> None:
    case, then = Case(), NOON - timedelta(days=1)
    batch = replay(case, payload_of(raw_reading(None)), then)
    assert (batch.rows[0].recorded_at, batch.rows[0].received_at) == (then, then)
    case.take(payload_of(raw_reading(None)))
    assert case.batch.rows[1].recorded_at == NOON


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("", b"x", "not_json"),
        ("", payload_of(raw_reading(99)), "time_in_future"),
        ("", payload_of(GOOD, raw_reading(-1, temperature="x")), "bad_temperature"),
        ("frostguard/v1/acme/gw-3/readings", payload_of(GOOD), "unknown_gateway"),
        ("sensor/0", payload_of(GOOD), "topic_unknown"),
    ],
)
@pytest.mark.parametrize("cap", [1000, 0], ids=["", "beyond the cap"])
def test_a_dead_letter_that_is_refused_again_stays_one(topic: str, payload: bytes, reason: str, cap: int) -> None:
    case = Case(dead_letters_per_hour=cap)
    batch = replay(case, payload, topic=topic)
    assert batch.replayed == []
    assert [(letter, why) for letter, why, _ in batch.replay_refused] == [(5, reason)]
    assert batch.letters == []
    assert not batch.overflows


def test_a_replay_takes_nothing_from_the_caps_of_this_hour() -> None:
    case = Case(dead_letters_per_hour=3, pending_sensors_per_gateway=2)
    case.take(*[b"x"] * 3)
    case.take(payload_of(raw_reading(-1, "new-1"), raw_reading(-1, "new-2")))
    for n in range(20):
        replay(case, payload_of(raw_reading(99), raw_reading(-1, "new-3")), NOON - timedelta(hours=n), letter=n)
    case.take(b"x", payload_of(raw_reading(-1, "new-3")))
    assert len(case.batch.letters) == 3
    assert case.batch.overflows == {
        (GATEWAY, HOUR, "not_json"): 1, (GATEWAY, HOUR, "too_many_unknown_sensors"): 1,
    }  # fmt: skip


# --- a million little things


def test_nothing_that_passes_would_be_refused_by_a_check_of_the_table() -> None:
    """Mutated readings: every row is finite and in the ranges that sensor_readings demands."""
    dice = random.Random(11)
    case = Case(pending_sensors_per_gateway=50)
    values = [None, True, "4", -1, 0, 1, 1.5, 99.9, 100, 101, 149.9, 150, 151, -100, -101, 1e308, 2**63, 2**64, [], {}]
    for _ in range(3000):
        raw = raw_reading(dice.choice([-1, 0, None, -10_000_000]), dice.choice([SERIAL, "held-1", "new-1", "x" * 64]))
        for name in dice.sample(["temperature", "humidity", "battery", "batteryPercent", "rssi", "snr", "seq"], 3):
            raw[name] = dice.choice(values)
        case.take(payload_of(raw))
    rows = [*case.batch.rows, *case.batch.held]
    assert len(rows) > 200
    for row in rows:
        _assert_storable(row)
    assert case.batch.messages == 3000
    assert case.batch.readings + len(case.batch.letters) + sum(case.batch.overflows.values()) >= 3000


RANGES = {
    "temperature": (-100, 150), "humidity": (0, 100), "battery_volts": (0, 10), "snr": (-50, 50),
    "battery_percent": (0, 100), "rssi": (-150, 0), "seq": (0, 2**63 - 1),
}  # fmt: skip


def _assert_storable(row: Reading) -> None:
    for name, (low, high) in RANGES.items():
        value = getattr(row, name)
        assert value is None or (type(value) in (int, float) and math.isfinite(value) and low <= value <= high)
    assert all(type(getattr(row, name)) is UUID for name in ("unit_id", "sensor_id"))
    assert row.recorded_at.tzinfo is not None
    assert type(row.seq) is int
    assert row.battery_percent is None or type(row.battery_percent) is int
    assert row.rssi is None or type(row.rssi) is int
    assert type(row.door_open) in (bool, type(None))


def test_random_bytes_are_taken_without_a_crash() -> None:
    case, dice = Case(), random.Random(3)
    seeds = [payload_of(GOOD, raw_reading(None, seq=4), boot="b"), b"online", payload_of(raw_reading(-1, "new-1"))]
    topics = [
        topic_of(),
        topic_of("status"),
        topic_of(gateway="gw-9", organization="other"),
        b"v3/cold-rooms@ttn/devices/e/up",
    ]
    for seed, topic, _ in itertools.product(seeds, topics, range(150)):
        data, spoiled = bytearray(seed), bytearray(topic)
        for _ in range(dice.randrange(4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        if dice.random() < 0.3:
            spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
        case.take(bytes(data), topic=bytes(spoiled), flags=dice.randrange(16))
    batch = case.batch
    assert batch.messages == len(seeds) * len(topics) * 150
    assert batch.rows
    assert batch.letters
    assert all(row.received_at == NOON.astimezone(UTC) for row in batch.rows)
