"""Late stretches: what they prove is written down once, in whatever order their pieces come, and nobody is paged."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.domain import backfill as backfill_module
from frostguard.domain.alert import Action, Alert, AlertStatus, AlertType, Severity, alert_id
from frostguard.domain.backfill import (
    FARTHEST,
    REACHES,
    Reach,
    Stretch,
    backfill,
    gathered,
    is_standing,
    stretch_of,
    wider,
)
from frostguard.domain.notice import is_owed
from tests.domain.stories import OTHER, START, UNIT, clock, make_reading, make_rules, moment, read

NEAR = Reach()
ALWAYS = Stretch(START - FARTHEST, START + FARTHEST)


def late(story):
    return [read(word) for word in story.split()]


def alarm(began, opened, resolved=None, **changes):
    opened_at, kind = moment(opened), AlertType.ALARM_ACTIVE
    given = {
        "status": AlertStatus.RESOLVED if resolved else AlertStatus.ACTIVE,
        "severity": Severity.CRITICAL,
        "began_at": moment(began),
        "resolved_at": moment(resolved) if resolved else None,
        "celsius": 8.0,
        "extreme": 8.0,
        "id": alert_id(UNIT, kind, opened_at),
        **changes,
    }
    return Alert(subject_id=UNIT, type=kind, opened_at=opened_at, **given)


def historical(began, opened, resolved, **changes):
    return alarm(began, opened, resolved, backfilled=True, **changes)


def spans(story, known=(), rules=None):
    changes = backfill(UNIT, late(story), rules or make_rules(), ALWAYS, known)
    alerts = {c.alert.id: c.alert for c in changes}.values()
    assert all(a.backfilled and not a.is_open and not is_owed(a) for a in alerts)
    return [f"{clock(a.opened_at)}-{clock(a.resolved_at)}" for a in alerts if is_standing(a)]


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


def test_what_was_judged_live_is_not_told_twice():
    story = "0:8 5:8 10:8 15:4 20:4"
    assert spans(story, [alarm("8", "8", "12")]) == []
    assert spans(story, [alarm("0", "19")]) == []
    assert spans(story, [alarm("21", "21"), alarm("0", "0", "9")]) == ["10-20"]


def test_what_led_into_a_live_alarm_ends_where_the_live_one_began():
    assert spans("0:8 5:8 10:9 15:8 50:12 60:12", [alarm("50", "60")]) == ["10-15"]
    changes = backfill(UNIT, late("0:8 5:8 10:9 15:8 50:12 60:12"), make_rules(), ALWAYS, [alarm("50", "60")])
    assert changes[-1].alert.extreme == 9.0


def test_a_historical_alarm_keeps_the_temperature_that_was_farthest_out_and_when_it_began():
    [*_, last] = backfill(UNIT, late("0:8 10:8 15:12 20:9"), make_rules(), ALWAYS)
    assert (last.alert.began_at, last.alert.celsius, last.alert.extreme) == (START, 8.0, 12.0)


def test_faults_doors_and_other_sensors_are_no_temperatures():
    assert spans("0:8 5:fault 10:327.67 11:x8 12:open") == []
    assert spans("0:open 1:8 10:8 19:8 20:8 25:8") == []


def test_the_same_stretch_gives_the_same_alerts():
    story = late("0:8 5:8 10:8 15:4 20:4")
    found = backfill(UNIT, story, make_rules(), ALWAYS)
    assert found == backfill(UNIT, story, make_rules(), ALWAYS)
    assert backfill(UNIT, story, make_rules(), ALWAYS, [found[-1].alert]) == []
    assert backfill(UNIT, [], make_rules(), ALWAYS) == []


# --- what is on record is corrected


def corrected(story, *known, stretch=ALWAYS):
    changes = backfill(UNIT, late(story), make_rules(), stretch, known)
    assert all(c.entry.action is Action.CORRECT and not c.is_new for c in changes)
    return [(c.alert, c.entry.detail) for c in changes]


def test_an_alarm_on_record_grows_on_both_sides_and_keeps_its_id_and_its_timeline_says_so():
    [(after, detail)] = corrected("0:8 10:8 20:12 30:8 35:4 40:4", row := historical("10", "20", "25"))
    assert (after.id, after.opened_at, after.resolved_at) == (row.id, moment("10"), moment("40"))
    assert (after.began_at, after.extreme) == (moment("0"), 12.0)
    assert detail == (
        "late readings: it was 2026-03-01T00:20:00+00:00 to 2026-03-01T00:25:00+00:00, "
        "it is 2026-03-01T00:10:00+00:00 to 2026-03-01T00:40:00+00:00"
    )


def test_two_that_turn_out_to_be_one_are_one_and_the_second_is_linked_to_it():
    first, second = historical("0", "10", "15"), historical("30", "40", "50")
    [(one, _), (other, detail)] = corrected("0:8 10:8 20:8 30:8 40:8 45:4 50:4", first, second)
    assert (one.id, one.opened_at, one.resolved_at) == (first.id, moment("10"), moment("50"))
    assert (other.id, other.linked_to, other.severity, other.resolved_at) == (
        second.id, first.id, Severity.INFO, moment("50"),
    )  # fmt: skip
    assert detail == f"merged into {first.id}: late readings show one excursion"
    assert not is_standing(other)


def test_one_that_turns_out_to_be_two_is_the_first_of_them():
    row = historical("0", "10", "50")
    changes = backfill(UNIT, late("0:8 10:8 20:4 25:4 30:8 40:8 45:4 50:4"), make_rules(), ALWAYS, [row])
    last = {c.alert.id: c.alert for c in changes}
    assert [(clock(a.opened_at), clock(a.resolved_at)) for a in last.values()] == [("10", "25"), ("40", "50")]
    assert row.id in last


def test_one_that_later_readings_refute_is_withdrawn_and_stays_on_record():
    row = historical("0", "10", "10")
    [(after, detail)] = corrected("0:8 4:4 5:4 10:8 12:4 14:4", row)
    assert (after.severity, after.linked_to, after.opened_at) == (Severity.INFO, None, row.opened_at)
    assert detail == "withdrawn: late readings show no alarm"
    assert corrected("0:8 4:4 5:4 10:8 12:4 14:4", after) == []


def test_one_that_was_withdrawn_stands_again_when_it_is_proved_after_all():
    [(after, _)] = corrected("0:8 10:8 15:4 20:4", historical("0", "10", "10", severity=Severity.INFO))
    assert is_standing(after)
    assert after.resolved_at == moment("20")


def test_one_that_a_live_alarm_tells_is_linked_to_that():
    live = alarm("0", "15", "40")
    [(after, _)] = corrected("0:8 20:8 25:8 35:4 40:4", historical("20", "25", "30"), live)
    assert after.linked_to == live.id


def test_what_has_nothing_to_do_with_the_stretch_is_left_in_peace():
    far = historical("100", "110", "120")
    assert corrected("0:4 5:4", far, stretch=Stretch(moment("0"), moment("5"))) == []


def test_an_id_that_stands_for_another_alarm_by_now_is_not_used_twice():
    story = "0:8 10:8 20:4 25:4 30:8 40:8 45:4 50:4"
    moved = historical("0", "10", "25", id=alert_id(UNIT, AlertType.ALARM_ACTIVE, moment("40")))
    changes = backfill(UNIT, late(story), make_rules(), ALWAYS, [moved])
    [key] = {c.alert.id for c in changes} - {moved.id}
    assert {c.entry.alert_id for c in changes} == {key}
    assert [(clock(c.alert.opened_at), c.is_new) for c in changes[:1]] == [("40", True)]


# --- what is judged


def test_a_stretch_reaches_as_far_as_the_alarms_it_touches():
    known = [historical("10", "20", "30"), historical("28", "40", "50"), historical("90", "100", "110")]
    assert stretch_of(late("5:8 12:8"), known) == Stretch(moment("5"), moment("50"))
    assert stretch_of(late("5:8 12:8"), [alarm("0", "10", "90")]) == Stretch(moment("5"), moment("12"))
    assert stretch_of(late("5:open"), known) is None


def test_it_is_looked_until_as_many_readings_inside_as_end_an_alarm_stand_before_the_stretch_and_behind_it():
    def looked(story, reach=NEAR):
        return wider(reach, late(story), Stretch(moment("20"), moment("30")), make_rules())

    hour, six, *_, farthest = REACHES
    assert looked("0:4 5:4 20:8 30:8 35:4 40:4") is None
    assert looked("0:4 5:4 10:8 20:8 25:4 30:4 31:8 35:4 40:4") is None
    assert looked("0:4 20:8 30:8 35:4 40:4") == Reach(six, hour)
    assert looked("0:4 5:8 10:4 20:8 30:8 35:4 40:4") == Reach(six, hour)
    assert looked("0:4 5:4 20:8 25:4 30:4 35:4") == Reach(hour, six)
    assert looked("0:4 5:x4 6:open 20:8 30:8 35:4 36:8 40:4") == Reach(six, six)
    assert looked("20:8", Reach(farthest, six)) == Reach(farthest, REACHES[2])
    assert looked("20:8", Reach(farthest, farthest)) is None


# --- pieces


class Record:
    """What the daemon keeps of a unit whose late pieces come one after the other: readings, and alarms by id."""

    def __init__(self, stored=(), live=()):
        self.rules = make_rules()
        self.rows = {row[:4]: row for row in stored}
        self.alerts = {alert.id: alert for alert in live}

    def take(self, piece):
        new = [row for row in piece if row[:4] not in self.rows]
        self.rows.update((row[:4], row) for row in new)
        stretch = stretch_of(new, self.alerts.values())
        if stretch is None:
            return
        reach = NEAR
        while reach is not None:
            begin, end = reach.around(stretch)
            around = sorted(r for r in self.rows.values() if begin <= r.recorded_at <= end)
            reach = wider(reach, around, stretch, self.rules)
        for change in backfill(UNIT, around, self.rules, stretch, list(self.alerts.values())):
            assert change.is_new == (change.alert.id not in self.alerts)
            self.alerts[change.alert.id] = change.alert

    def historical(self):
        return sorted(
            (a.opened_at, a.resolved_at, a.began_at, a.celsius, a.extreme)
            for a in self.alerts.values()
            if is_standing(a)
        )


EARLY, AFTER = late("-60:4 -10:4 -5:4"), late("2000:4 2005:4 2010:4")


@st.composite
def pieces(draw):
    """A late stretch, cut anywhere, its pieces in any order, some of them sent again."""
    steps = draw(st.lists(st.integers(1, 90), min_size=1, max_size=14))
    degrees = [draw(st.sampled_from([3.0, 4.0, 4.8, 6.0, 8.0, 12.0])) for _ in steps]
    times = [sum(steps[: n + 1]) for n in range(len(steps))]
    whole = [make_reading(START + timedelta(minutes=t), temperature=c) for t, c in zip(times, degrees, strict=True)]
    cuts = sorted(draw(st.sets(st.integers(0, len(whole)))) | {0, len(whole)})
    cut = [whole[a:b] for a, b in itertools.pairwise(cuts)]
    again = draw(st.lists(st.sampled_from(cut), max_size=3))
    return whole, draw(st.permutations(cut + again))


@given(pieces())
def test_a_late_stretch_gives_the_same_alerts_in_whatever_pieces_and_order_it_comes(given):
    whole, cut = given
    at_once, piecemeal = Record(EARLY + AFTER), Record(EARLY + AFTER)
    at_once.take(whole)
    for piece in cut:
        piecemeal.take(piece)
    assert piecemeal.historical() == at_once.historical()
    traces = [a for a in piecemeal.alerts.values() if not is_standing(a)]
    assert all(not a.is_open and a.severity is Severity.INFO for a in traces)


@given(pieces(), st.integers(0, 900), st.integers(0, 60), st.integers(0, 400))
def test_no_historical_alarm_overlaps_a_live_one_or_another(given, began, confirmed, lasted):
    whole, cut = given
    times = [str(began), str(began + confirmed), str(began + confirmed + lasted)]
    live = alarm(*times)
    at_once, piecemeal = Record(EARLY + AFTER, [live]), Record(EARLY + AFTER, [live])
    at_once.take(whole)
    for piece in cut:
        piecemeal.take(piece)
    assert piecemeal.historical() == at_once.historical()
    every = sorted([*((o, r) for o, r, *_ in piecemeal.historical()), (live.opened_at, live.resolved_at)])
    assert all(first[1] < second[0] for first, second in itertools.pairwise(every))


def test_newest_first_is_one_alarm_and_not_two():
    record = Record(EARLY + AFTER)
    for piece in ("55:8 60:8 65:8 70:4 75:4", "30:8 35:8 40:8 45:8 50:8", "5:4 10:8 15:8 20:8 25:8"):
        record.take(late(piece))
    assert [(clock(o), clock(r)) for o, r, *_ in record.historical()] == [("20", "75")]


def test_readings_of_two_sensors_at_one_moment_are_judged_in_one_order():
    both = [make_reading(START, OTHER, temperature=8.0), make_reading(START, temperature=4.0)]
    rules = make_rules(primary=None)
    assert backfill(UNIT, both, rules, ALWAYS) == backfill(UNIT, both[::-1], rules, ALWAYS)


async def test_a_view_that_would_be_cut_off_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of limits for longer than a view may hold: what is nearest to the stretch decides."""
    stored = late(" ".join(f"{minute}:8" for minute in range(-600, 600, 10)))
    stretch, views = Stretch(moment("20"), moment("30")), []

    async def fetch(begin, end):
        found = [row for row in stored if begin <= row.recorded_at <= end][: backfill_module.MOST]
        views.append(len(found))
        return found

    assert len(await gathered(fetch, stretch, make_rules())) == len(stored)
    monkeypatch.setattr(backfill_module, "MOST", 50)
    views.clear()
    near = await gathered(fetch, stretch, make_rules())
    assert views == [14, 50]
    assert [near[0].recorded_at, near[-1].recorded_at] == [moment("-40"), moment("90")]
