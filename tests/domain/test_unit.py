"""The rules of time: one life, told in any number of ticks, in copies and restarts, is one life."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostguard.domain.event import EventKind
from frostguard.domain.limits import Limits
from frostguard.domain.outages import Outage
from frostguard.domain.unit import ManualLog, deadline, expire, manual_log, observe, status
from frostguard.domain.unit_state import UnitState, pack, pack_sensors, unpack
from tests.domain.stories import (
    DATA,
    DOOR,
    OTHER,
    PRIMARY,
    START,
    TEMPERATURE,
    UNIT,
    clock,
    make_reading,
    make_rules,
    moment,
    tell,
    write,
)

RULES = make_rules(replace(Limits(), critical_high=9.0, critical_confirm_seconds=240))
END = START + timedelta(days=2)

kinds_of_reading = st.one_of(
    st.builds(lambda c: (PRIMARY, {"temperature": c}), st.sampled_from([4.0, 4.8, 6.0, 9.5, -3.0, 4.4])),
    st.builds(lambda c, p: (PRIMARY, {"temperature": c, "battery_percent": p}), st.just(4.0), st.integers(0, 100)),
    st.builds(lambda d: (DOOR, {"door_open": d}), st.booleans()),
    st.builds(lambda p: (OTHER, {"battery_percent": p, "temperature": 50.0}), st.integers(0, 100)),
    st.just((PRIMARY, {"fault": "no_probe"})),
    st.just((PRIMARY, {"humidity": 40.0})),
)


@st.composite
def lives(draw):
    """Readings of one unit in the order of their times."""
    steps = draw(
        st.lists(st.tuples(st.sampled_from([0, 1, 60, 299, 300, 301, 900, 3600]), kinds_of_reading), max_size=40)
    )
    at, readings = START, []
    for seq, (seconds, (sensor_id, values)) in enumerate(steps):
        at += timedelta(seconds=seconds)
        readings.append(make_reading(at, sensor_id, seq, **values))
    return readings


def fold(readings, state=None, rules=RULES, until=END):
    state = UnitState(UNIT) if state is None else state
    events = [e for r in readings for e in observe(state, r, rules)]
    return [*events, *expire(state, until, rules)], state


def rows(state):
    return pack(state), sorted(pack_sensors(state))


@given(lives(), st.data())
def test_any_number_of_ticks_gives_the_same_events(life, data):
    expected, once = fold(life)
    state, events = UnitState(UNIT), []
    for before, reading in zip([None, *life], life, strict=False):
        span = (reading.recorded_at - (before.recorded_at if before else START)).total_seconds()
        for seconds in sorted(data.draw(st.lists(st.integers(0, int(span)), max_size=3))):
            now = (before.recorded_at if before else START) + timedelta(seconds=seconds)
            events += expire(state, now, RULES)
        events += observe(state, reading, RULES)
    events += expire(state, END, RULES)
    assert events == expected
    assert rows(state) == rows(once)


@given(lives(), st.data())
def test_a_copy_and_a_restart_at_any_point_change_nothing(life, data):
    expected, once = fold(life)
    cut = data.draw(st.integers(0, len(life)))
    events, state = fold(life[:cut], until=START)
    spoilt = state.copy()
    fold(life[cut:], spoilt)
    restored = unpack(pack(state), pack_sensors(state))
    assert rows(restored) == rows(state)
    more, last = fold(life[cut:], restored)
    assert events + more == expected
    assert rows(last) == rows(once) == rows(spoilt)


@given(lives(), st.data())
def test_redelivered_and_late_readings_change_nothing(life, data):
    expected, once = fold(life)
    state, events = UnitState(UNIT), []
    for n, reading in enumerate(life):
        events += observe(state, reading, RULES)
        for again in data.draw(st.lists(st.sampled_from(life[: n + 1]), max_size=3)):
            late = observe(state, again, RULES)
            assert [e.kind for e in late] == [EventKind.READING_LATE]
    events += expire(state, END, RULES)
    assert events == expected
    assert rows(state) == rows(once)


@given(lives())
def test_every_opening_has_exactly_one_end_and_they_alternate(life):
    minute = timedelta(minutes=1)
    peace = [
        make_reading(END, OTHER, 100, battery_percent=100),
        make_reading(END, DOOR, 100, door_open=False),
        *(make_reading(END + n * minute, PRIMARY, 100, temperature=3.0, battery_percent=100) for n in range(3)),
    ]
    events, state = fold(life)
    more, state = fold(peace, state, until=END + 3 * minute)
    kinds = [str(e.kind) for e in [*events, *more]]
    for opening, end in [
        ({"excursion_started"}, {"restoring_started"}),
        ({"alarm_raised"}, {"restoring_started"}),
        ({"data_interrupted"}, {"data_fresh"}),
        ({"door_opened"}, {"door_closed"}),
        ({"battery_low", "battery_critical"}, {"battery_cleared"}),
        ({"fault_raised"}, {"fault_cleared"}),
    ]:
        begun = False
        for kind in kinds:
            if kind in opening:
                assert not begun or len(opening) > 1
                begun = True
            elif kind in end:
                begun = False
        assert not begun, opening
    assert status(state) == "ok"
    assert kinds.count("excursion_started") == kinds.count("restoring_started")


@given(lives())
def test_only_legal_transitions_and_no_moment_runs_backwards(life):
    legal = {
        "normal_restored": {"excursion_started"},
        "excursion_started": {"alarm_raised", "restoring_started"},
        "alarm_raised": {"restoring_started"},
        "restoring_started": {"normal_restored", "excursion_started"},
        "data_fresh": {"data_late"},
        "data_late": {"data_interrupted", "data_fresh"},
        "data_interrupted": {"manual_required", "data_fresh"},
        "manual_required": {"data_fresh"},
    }
    events, _ = fold(life)
    for about in (TEMPERATURE, DATA):
        told = [e for e in events if e.kind in about]
        for before, after in itertools.pairwise(told):
            assert str(after.kind) in legal[str(before.kind)]
    assert [e.at for e in events] == sorted(e.at for e in events)
    changes = [e for e in events if e.kind is EventKind.STATUS_CHANGED]
    assert all(a.after == b.before for a, b in itertools.pairwise(changes))


@given(lives())
def test_the_deadline_is_exact(life):
    _, state = fold(life, until=START)
    now = life[-1].recorded_at if life else START
    expire(state, now, RULES)
    for _ in range(12):
        due = deadline(state, RULES)
        if due is None:
            break
        assert due > now
        assert list(expire(state, due - timedelta(microseconds=1), RULES)) == []
        events = expire(state, due, RULES)
        assert events
        assert all(e.at == due for e in events)
        now = due


@settings(max_examples=50)
@given(lives())
def test_a_backlog_judged_at_once_is_judged_as_it_was(life):
    """Our outages change nothing as long as the backlog was kept."""
    expected, _ = fold(life, until=START)
    state, events = UnitState(UNIT), []
    for reading in life:
        events += observe(state, reading, RULES, (Outage(START, END),))
    assert events == expected


def test_of_the_same_moment_the_higher_number_is_the_newer():
    state = UnitState(UNIT)
    assert write(observe(state, make_reading(START, seq=1, temperature=4.0), RULES), TEMPERATURE) == ""
    assert (
        write(observe(state, make_reading(START, seq=2, temperature=8.0), RULES), TEMPERATURE) == "0:excursion_started"
    )
    assert write(observe(state, make_reading(START, seq=1, temperature=4.0), RULES)) == "0:reading_late"


def test_order_is_kept_per_sensor():
    """A door whose clock is ahead must not make every temperature late."""
    events = tell("0:4 20:open 5:4 10:4", make_rules())
    assert "reading_late" not in write(events)
    assert write(tell("0:4 20:closed 5:8 10:8 15:8", make_rules()), TEMPERATURE) == (
        "5:excursion_started 15:alarm_raised"
    )


def test_without_a_primary_an_older_temperature_of_another_sensor_is_late():
    assert write(tell("0:4 5:4 4:x9 10:x9", make_rules(primary=None)), {*TEMPERATURE, "reading_late"}) == (
        "4:reading_late 10:excursion_started"
    )


def test_a_reading_delayed_past_a_deadline_takes_effect_at_that_deadline():
    state = UnitState(UNIT)
    events = tell("0:4 6:tick 5:4", make_rules(), state)
    assert write(events, DATA) == "0:data_fresh 5+30:data_late 5+30:data_fresh"
    assert clock(deadline(state, make_rules())) == "10+30"


def test_and_no_later_deadline_is_dated_before_that_moment():
    events = tell("0:4 30:tick 5:4 36:tick", make_rules())
    assert write(events[-4:], DATA) == "25+30:data_late 30+30:data_interrupted"


def test_a_sensor_that_is_no_longer_the_primary_no_longer_drives():
    state = UnitState(UNIT)
    tell("0:4 5:4", make_rules(), state)
    moved = make_rules(primary=OTHER, since=moment("6"))
    assert write(tell("7:4 8:4 9:40 10:x4", moved, state), TEMPERATURE | DATA) == ""
    assert (state.measured_by, clock(state.measured_at)) == (OTHER, "10")


def test_a_fault_of_the_same_second_as_a_value_is_cleared_by_the_next():
    state = UnitState(UNIT)
    tell("0:4", RULES, state)
    events = [*observe(state, make_reading(START, seq=2, fault="no_probe"), RULES), *tell("5:4", RULES, state)]
    assert write(events) == "0:fault_raised 5:fault_cleared"


def test_the_sensor_that_measured_last_is_known_however_dull_it_is():
    rules, state = make_rules(primary=None), UnitState(UNIT)
    tell("0:4", rules, state)
    observe(state, make_reading(START, OTHER, humidity=40.0), rules)
    tell("3:x4", rules, state)
    assert state.measured_by == OTHER
    assert clock(deadline(state, rules)) == "13+30"


def test_our_silence_is_not_theirs():
    away = (Outage(moment("3"), moment("360")),)
    rules, state = make_rules(), UnitState(UNIT)
    events = tell("0:4 360+1:tick", rules, state, away)
    assert clock(deadline(state, rules, away)) == "365+30"
    events += tell("365+29:tick 365+30:tick 385+30:tick 599:tick", rules, state, away)
    assert write(events, DATA) == "0:data_fresh 365+30:data_late 385+30:data_interrupted"
    assert clock(deadline(state, rules, away)) == "600"


def test_a_first_reading_after_a_lost_backlog_blames_nobody():
    away = (Outage(moment("3"), moment("360")),)
    assert write(tell("0:4 361:4 366:4", make_rules(), outages=away), DATA) == "0:data_fresh"


def test_a_gap_inside_a_kept_backlog_is_the_sensors():
    away = (Outage(moment("3"), moment("360")),)
    events = tell("0:4 5:4 100:4 105:4 361:4", make_rules(), outages=away)
    assert write(events, DATA) == ("0:data_fresh 10+30:data_late 30+30:data_interrupted 100:data_fresh")


def test_what_was_due_before_we_went_deaf_is_due():
    away = (Outage(moment("7"), moment("360")),)
    assert write(tell("0:4 361:tick", make_rules(), outages=away), DATA) == "0:data_fresh 5+30:data_late"


def test_silence_during_our_outage_confirms_no_excursion():
    away = (Outage(moment("3"), moment("360")),)
    told = tell("0:8 361:tick 365+29:tick 365+30:tick", make_rules(), outages=away)
    assert write(told, TEMPERATURE) == "0:excursion_started 365+30:alarm_raised"


def test_new_rules_reach_no_further_back_than_they_are_in_force():
    state = UnitState(UNIT)
    tell("0:4 20:tick", make_rules(interval_seconds=3600), state)
    faster = make_rules(interval_seconds=60, since=moment("20"))
    assert write(tell("20:tick", faster, state), DATA) == "20:data_late 20:data_interrupted"


def test_new_limits_wait_for_the_next_reading():
    state = UnitState(UNIT)
    tell("0:4 5:4", make_rules(), state)
    strict = make_rules(replace(Limits(), high=3.0), since=moment("6"))
    assert write(tell("9:tick 10:4", strict, state), TEMPERATURE) == "10:excursion_started"


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("0:4 5:log=7", "5:log_out_of_limits"),
        ("0:4 5:log=7 6:log=8", "5:log_out_of_limits"),
        ("0:4 5:log=7 6:log=4.8", "5:log_out_of_limits"),
        ("0:4 5:log=7 6:log=4", "5:log_out_of_limits 6:log_inside"),
        ("0:4 5:log=7 6:4", "5:log_out_of_limits 6:log_inside"),
        ("0:4 5:log=7 5+10:4", "5:log_out_of_limits 5+10:log_inside"),
        ("0:4 5:log=7 5:4", "5:log_out_of_limits"),
        ("0:4 5:log=7 4:log=4", "5:log_out_of_limits"),
        ("0:4 5:log=5", ""),
    ],
)
def test_a_log_out_of_limits_is_said_until_something_is_inside(story, expected):
    assert write(tell(story, make_rules()), {"log_out_of_limits", "log_inside"}) == expected


def test_a_log_never_moves_the_temperature_axis():
    assert write(tell("0:8 5:log=3 6:log=3 8:8 10:8", make_rules()), TEMPERATURE) == (
        "0:excursion_started 10:alarm_raised"
    )


def test_an_older_log_says_nothing():
    state, rules = UnitState(UNIT), make_rules()
    manual_log(state, ManualLog(moment("5"), 4.0), rules)
    assert list(manual_log(state, ManualLog(moment("5"), 40.0), rules)) == []


def test_the_status_is_that_of_the_state():
    state = UnitState(UNIT)
    assert status(state) == "offline"
    tell("0:8", make_rules(), state)
    assert status(state) == state.status == "excursion"
