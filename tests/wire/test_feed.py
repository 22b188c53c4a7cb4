"""The bodies of the feed's rows: what is written is what is read."""

from datetime import timedelta

from frostguard.domain.reading import Reading
from frostguard.domain.unit_state import UnitState
from frostguard.wire.feed import Batch, Listed, decode_access, decode_batch, encode_batch
from tests.factories import identity, make_reading
from tests.fakes import NOON

UNIT, SENSOR = str(identity("unit")), str(identity("sensor"))


def state() -> UnitState:
    made = UnitState(identity("unit"))
    made.measured_at, made.celsius = NOON, 4.5
    return made


def test_a_listed_reading_is_a_reading_and_one_thing_more() -> None:
    assert Listed._fields == (*Reading._fields, "newest")


def test_readings_come_back_as_text_for_browsers() -> None:
    body = encode_batch([(make_reading(0, 4.5, seq=7, humidity=50.0), True)], (), (), None)
    (reading,) = decode_batch(body).readings
    assert reading[:6] == (UNIT, "2026-11-22T12:00:00Z", SENSOR, 7, "2026-11-22T12:00:01Z", 4.5)
    assert (reading.humidity, reading.door_open, reading.fault, reading.newest) == (50.0, None, None, True)


def test_standings_and_newest_values_come_back() -> None:
    batch = decode_batch(encode_batch((), [state()], [(identity("unit"), NOON, 4.5)], NOON - timedelta(hours=1)))
    (standing,) = batch.standings
    assert standing == (UNIT, "offline", None, "normal", "never", None, "2026-11-22T12:00:00Z", 4.5)
    assert batch.newest == [(UNIT, "2026-11-22T12:00:00Z", 4.5)]
    assert batch.since == "2026-11-22T11:00:00Z"
    assert batch.pieces == 2
    assert Batch([], [], None, []).pieces == 0


def test_whose_access_changed_is_a_kind_and_an_id() -> None:
    assert decode_access(b"user:" + UNIT.encode()) == ("user", UNIT)
