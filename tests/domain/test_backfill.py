"""Late stretches: what they prove by themselves is written down, and nobody is paged."""

from frostguard.domain.backfill import backfill
from frostguard.domain.notice import is_owed
from tests.domain.stories import UNIT, clock, make_rules, moment, read


def late(story):
    return [read(word) for word in story.split()]


def spans(story, covered=(), rules=None):
    changes = backfill(UNIT, late(story), rules or make_rules(), covered)
    alerts = {c.alert.id: c.alert for c in changes}.values()
    assert all(a.backfilled and not a.is_open and not is_owed(a) for a in alerts)
    return [f"{clock(a.opened_at)}-{clock(a.resolved_at)}" for a in alerts]


def test_a_late_alarm_is_opened_and_resolved_in_event_time():
    assert spans("0:4 5:8 10:8 15:8 20:4 25:4") == ["15-25"]


def test_a_late_excursion_that_is_not_confirmed_is_nothing():
    assert spans("0:4 5:8 10:8 14:8 20:4 25:4") == []


def test_an_alarm_that_is_not_over_ends_with_the_last_reading():
    assert spans("0:8 5:8 10:8 15:8") == ["10-15"]


def test_silence_proves_nothing_in_a_late_stretch():
    assert spans("0:8 60:4") == []


def test_two_alarms_are_two_however_close():
    assert spans("0:8 10:8 11:4 12:4 13:8 23:8 24:4 25:4") == ["10-12", "23-25"]


def test_what_is_on_record_is_not_told_twice():
    story = "0:8 5:8 10:8 15:4 20:4"
    assert spans(story, [(moment("8"), moment("12"))]) == []
    assert spans(story, [(moment("19"), None)]) == []
    assert spans(story, [(moment("21"), None), (moment("0"), moment("9"))]) == ["10-20"]


def test_faults_doors_and_other_sensors_are_no_temperatures():
    assert spans("0:8 5:fault 10:327.67 11:x8 12:open") == []
    assert spans("0:open 1:8 10:8 19:8 20:8 25:8") == []


def test_the_same_stretch_gives_the_same_alerts():
    story = late("0:8 5:8 10:8 15:4 20:4")
    assert backfill(UNIT, story, make_rules()) == backfill(UNIT, story, make_rules())
    assert backfill(UNIT, [], make_rules()) == []
