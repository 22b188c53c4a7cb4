"""One unit's facts folded again, in the order in which they came: arrival, clock, outages, people."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from frostguard.domain.alert import AlertType, alert_id
from frostguard.domain.event import Event
from frostguard.domain.outages import Outage
from frostguard.domain.reading import Reading
from frostguard.domain.unit import ManualLog
from frostguard.domain.unit_state import UnitState
from frostguard.replay.fold import Ears, Fact, Fold
from tests.domain.stories import UNIT, clock, make_rules, moment, read

GRACE = timedelta(minutes=1)


class Ear:
    """Remembers what was said."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.states = 0

    def said(self, events: Sequence[Event]) -> None:
        self.events += events

    def folded(self, state: UnitState) -> None:  # noqa: ARG002 - part of the listener
        self.states += 1

    def heard(self) -> str:
        return " ".join(f"{clock(e.at)}:{e.kind}" for e in self.events if e.kind != "status_changed")


def row(word: str, arrived: str, seq: int = 0) -> Reading:
    found = read(word)
    assert isinstance(found, Reading)
    return found._replace(received_at=moment(arrived), seq=seq)


def replay(
    came: str, facts: Sequence[Fact] = (), outages: Sequence[tuple[int, str, str]] = (), until: str = "1000"
) -> tuple[Fold, Ear]:
    """`came` is "arrived>word word ..." for each batch, separated by |; batches are numbered 10, 20, ..."""
    ear = Ear()
    spans = tuple((number, Outage(moment(a), moment(b))) for number, a, b in outages)
    fold = Fold(UNIT, make_rules(), Ears(spans, moment(until), GRACE), facts, ear)
    stored: list[Reading] = []
    for number, text in enumerate(came.split("|"), 1):
        arrived, _, words = text.strip().partition(">")
        rows = sorted((row(word, arrived) for word in words.split()), key=lambda r: r.recorded_at)
        stored += rows
        stretch = fold.stretch(fold.batch(10 * number, rows))
        if stretch is not None:
            fold.late(sorted(stored, key=lambda r: r.recorded_at), stretch)
    fold.finish()
    return fold, ear


FRESH = "0:data_fresh"


@pytest.mark.parametrize(
    ("came", "until", "expected"),
    [
        ("0>0:4 | 5>5:4", "5", FRESH),
        ("0>0:4", "7", f"{FRESH} 5+30:data_late"),
        ("0>0:4", "6", FRESH),  # within the grace nobody knows
        ("0>0:4 | 15>15:4", "15", f"{FRESH} 5+30:data_late 15:data_fresh"),
        # Delayed past a deadline that was spoken of: it takes effect at the moment of that deadline.
        ("0>0:4 | 15>4:4", "15", f"{FRESH} 5+30:data_late 5+30:data_fresh"),
        # Delayed, but no one can have spoken yet.
        ("0>0:4 | 6>4:4", "6", FRESH),
        # The deadline was made by a batch that came a moment ago: nobody looked at it in between.
        ("0>0:4 | 22>10:4 | 22>15:4", "22", f"{FRESH} 5+30:data_late 10:data_fresh"),
        ("0>0:4 10:8 5:8 15:8 20:8", "20", f"{FRESH} 5:excursion_started 15:alarm_raised"),
    ],
)
def test_a_reading_moves_what_was_not_spoken_of_before_it_came(came: str, until: str, expected: str) -> None:
    assert replay(came, until=until)[1].heard() == expected


def test_where_we_did_not_listen_nothing_was_spoken_of() -> None:
    backlog = "0>0:4 | 60>4:4 9:4 14:4 | 61>58:4"
    expected = "0:data_fresh 19+30:data_late 39+30:data_interrupted 58:data_fresh"
    assert replay(backlog, outages=[(25, "1", "60")], until="61")[1].heard() == expected
    silent = replay("0>0:4", outages=[(25, "1", "60")], until="64")[1]
    assert silent.heard() == FRESH
    assert replay("0>0:4", outages=[(25, "1", "60")], until="67")[1].heard() == f"{FRESH} 65+30:data_late"


def test_an_outage_is_known_only_to_the_batches_after_it() -> None:
    ahead = "0>0:4 | 10>30:4"  # a clock that runs ahead, in the backlog and behind it
    assert "data_late" in replay(ahead, outages=[(20, "1", "11")], until="30")[1].heard()
    assert "5+30:data_late" not in replay(ahead, outages=[(15, "1", "11")], until="30")[1].heard()


def test_what_the_record_says_was_looked_at_is_looked_at() -> None:
    look = Fact(15, moment("6"), look=moment("5+30"))
    assert replay("0>0:4 | 6>4:4", [look], until="6")[1].heard() == f"{FRESH} 5+30:data_late 5+30:data_fresh"


def test_looking_makes_nothing_true() -> None:
    look = Fact(15, moment("4"), look=moment("5"))
    assert replay("0>0:4 | 5>5:4", [look], until="5")[1].heard() == FRESH


def test_a_log_is_judged_where_it_came() -> None:
    log = Fact(15, moment("300"), log=ManualLog(moment("299"), 8.0))
    fold, ear = replay("0>0:4 | 302>302:4", [log], until="302")
    assert "240:manual_required 299:manual_logged 299:log_out_of_limits" in ear.heard()
    kinds = {alert.type: alert for alert in fold.alerts.values()}
    assert kinds[AlertType.TEMP_EXCURSION].resolved_at == moment("302")
    assert kinds[AlertType.MISSED_MANUAL_ENTRY].resolved_at == moment("299")


def test_what_a_person_resolved_stays_resolved_until_the_condition_returns() -> None:
    alarm = alert_id(UNIT, AlertType.ALARM_ACTIVE, moment("10"))
    resolved = Fact(35, moment("12"), resolved=alarm)
    came = "0>0:8 | 5>5:8 | 10>10:8 | 15>15:8 | 20>20:4 | 25>25:4"
    fold, _ = replay(came, [resolved], until="25")
    assert fold.alerts[alarm].resolved_at == moment("12")
    fold, _ = replay(came, until="25")
    assert fold.alerts[alarm].resolved_at == moment("25")
    fold, _ = replay(came, [Fact(35, moment("12"), resolved=UUID(int=9))], until="25")
    assert fold.alerts[alarm].resolved_at == moment("25")


def test_a_late_stretch_becomes_an_alarm_of_its_own_and_grows_with_its_pieces() -> None:
    fold, ear = replay("0>0:4 | 60>60:4 | 61>20:8 25:8 30:8 | 62>35:8 40:8", until="62")
    [alarm] = [a for a in fold.alerts.values() if a.type is AlertType.ALARM_ACTIVE]
    assert (alarm.opened_at, alarm.resolved_at, alarm.backfilled) == (moment("30"), moment("60"), True)
    assert "alarm" not in ear.heard()
    assert ear.states == 7


def test_an_alarm_of_the_same_batch_covers_the_late_stretch_beside_it() -> None:
    fold, _ = replay("0>0:4 | 5>5:8 | 20>10:8 16:8 | 21>15:8 16:8", until="21")
    assert [a.backfilled for a in fold.alerts.values()] == [False]


def test_a_late_reading_without_a_temperature_proves_nothing() -> None:
    fold = Fold(UNIT, make_rules(), Ears())
    assert fold.stretch([row("5:open", "9")]) is None


@pytest.mark.parametrize(
    ("at", "expected"),
    [("5", "4"), ("9", "8"), ("10+30", "9"), ("25", "9"), ("31", "9"), ("33", "32"), ("99", "49")],
)
def test_up_to_when_it_was_surely_looked(at: str, expected: str) -> None:
    ears = Ears(((1, Outage(moment("10"), moment("30"))),), moment("50"), GRACE)
    assert ears.surely_looked(moment(at)) == moment(expected)


def test_pieces_in_reverse_order_correct_one_alarm_as_its_row_is_corrected() -> None:
    fold, _ = replay("0>0:4 | 60>60:4 65:4 | 66>35:8 45:9 | 67>20:8 25:8 30:8", until="67")
    [alarm] = [a for a in fold.alerts.values() if a.type is AlertType.ALARM_ACTIVE]
    assert alarm.id == alert_id(UNIT, AlertType.ALARM_ACTIVE, moment("45"))
    assert (alarm.opened_at, alarm.began_at, alarm.celsius) == (moment("30"), moment("20"), 8.0)
    assert (alarm.resolved_at, alarm.extreme, alarm.backfilled) == (moment("65"), 9.0, True)
