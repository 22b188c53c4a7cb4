"""A run of dull readings leaves behind what `observe` would have left, and what is not dull is left to `observe`."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostguard.domain.limits import Limits
from frostguard.domain.run import PIECE, dull, leave, pieces
from frostguard.domain.unit import observe
from frostguard.domain.unit_state import UnitState, pack
from tests.domain.stories import DOOR, OTHER, PRIMARY, START, UNIT, make_reading, make_rules
from tests.factories import identity

RULES = make_rules(replace(Limits(), critical_high=9.0, critical_confirm_seconds=240))
BEFORE = [make_reading(START, PRIMARY, 1, temperature=4.0, battery_percent=80, door_open=False)]


def settled(readings=BEFORE, rules=RULES):
    """A state that has been through these readings, and is calm after the default ones."""
    state = UnitState(UNIT)
    for reading in readings:
        observe(state, reading, rules)
    return state


def image(state):
    return pack(state), dict(state.every_sensor()), state.due, state.calm, state.seen_at, state.seen_seq


def taken(state, readings, rules=RULES):
    """What `dull` says of these readings, which are one run."""
    (piece,) = pieces(readings)
    return dull(state, piece, 0, len(readings), rules)


# Mostly what a unit that is well says, and a little of everything else.
seconds = st.sampled_from([0, 1, 60, 60, 60, 300, 300, 300, 329, 330, 331, 3600])
values = st.fixed_dictionaries(
    {"temperature": st.sampled_from([4.0, 3.0, 4.5, 5.0, -1.0, 3.3, 4.1, 4.2, 5.1, -1.1, 9.5, 200.0, None])},
    optional={
        "battery_percent": st.sampled_from([80, 80, 80, None, 79, 15]),
        "battery_volts": st.sampled_from([None, 3.6, 2.0]),
        "door_open": st.sampled_from([None, False, False, True]),
        "fault": st.sampled_from([None, None, None, "no_probe"]),
        "humidity": st.just(50.0),
    },
)
dull_values = st.fixed_dictionaries(
    {"temperature": st.sampled_from([4.0, 3.0, 5.0, -1.0])},
    optional={"battery_percent": st.sampled_from([80, None]), "door_open": st.sampled_from([False, None])},
)


@st.composite
def runs(draw, each):
    at, readings = START, []
    for seq, (gap, one) in enumerate(draw(st.lists(st.tuples(seconds, each), min_size=1, max_size=8)), 2):
        at += timedelta(seconds=gap)
        sensor = draw(st.sampled_from([PRIMARY] * 20 + [OTHER, DOOR]))
        readings.append(make_reading(at, sensor, seq, **one))
    return readings


@settings(max_examples=600)
@given(runs(values) | runs(dull_values))
def test_a_dull_run_is_what_its_readings_are_one_by_one(run):
    state, expected = settled(), settled()
    last, before = taken(state, run), image(state)
    assert image(state) == before  # asking moves nothing
    if last is None:
        return
    said = [event for reading in run for event in observe(expected, reading, RULES)]
    leave(state, last)
    assert not said
    assert image(state) == image(expected)


DULL = {
    "one": [(60, {})],
    "many": [(60, {}), (360, {}), (689, {})],
    "to the very limits": [(60, {"temperature": 5.0}), (120, {"temperature": -1.0})],
    "the same charge": [(60, {"battery_percent": 80}), (90, {"battery_percent": 80})],
    "a charge now and then": [(60, {"battery_percent": 80}), (90, {})],
    "a door that stays as it is": [(60, {"door_open": False}), (90, {})],
}


@pytest.mark.parametrize("run", DULL.values(), ids=DULL)
def test_this_is_dull(run):
    readings = [make_reading(START + timedelta(seconds=s), seq=2, **{"temperature": 4.0, **v}) for s, v in run]
    assert taken(settled(), readings) == (readings[-1].recorded_at, 2, readings[-1].temperature)


SAYS = {
    "too warm": [(60, {}), (90, {"temperature": 5.01})],
    "too cold": [(60, {"temperature": -1.01}), (90, {})],
    "nothing measured": [(60, {"temperature": None})],
    "nothing measured in between": [(60, {}), (70, {"temperature": None}), (90, {})],
    "the same time again": [(60, {}), (60, {})],
    "not newer than what is known": [(0, {})],
    "a gap before it": [(331, {})],
    "a gap in it": [(60, {}), (391, {})],
    "a fault": [(60, {}), (90, {"fault": "no_probe"})],
    "the door opens": [(60, {"door_open": False}), (90, {"door_open": True})],
    "another charge": [(60, {"battery_percent": 80}), (90, {"battery_percent": 79})],
}


@pytest.mark.parametrize("run", SAYS.values(), ids=SAYS)
def test_this_is_left_to_observe(run):
    readings = [make_reading(START + timedelta(seconds=s), seq=2, **{"temperature": 4.0, **v}) for s, v in run]
    assert taken(settled(), readings) is None


def test_a_voltage_counts_where_no_charge_is_reported():
    state = settled([make_reading(START, PRIMARY, 1, temperature=4.0, battery_volts=3.0)])
    fine, weak = state.calm_volts, state.calm_volts - 0.01

    def run(*volts):
        return [
            make_reading(START + timedelta(seconds=60 + n), seq=2, temperature=4.0, battery_volts=volt)
            for n, volt in enumerate(volts)
        ]

    assert taken(state, run(fine, None, fine)) is not None
    assert taken(state, run(fine, weak)) is None


def test_a_door_that_was_never_heard_is_news():
    state = settled([make_reading(START, PRIMARY, 1, temperature=4.0)])
    run = [
        make_reading(START + timedelta(seconds=60 + n), seq=2, temperature=4.0, door_open=door)
        for n, door in enumerate([None, True])
    ]
    assert taken(state, run) is None


def test_nothing_is_dull_under_other_rules_or_in_an_excursion():
    run = [make_reading(START + timedelta(seconds=120), seq=2, temperature=4.0)]
    assert taken(settled(), run, make_rules()) is None
    warm = [*BEFORE, make_reading(START + timedelta(seconds=60), PRIMARY, 2, temperature=8.0)]
    assert taken(settled(warm), run) is None
    assert taken(UnitState(UNIT), run) is None


def test_pieces_are_all_rows_in_order_and_runs_end_where_the_unit_does():
    units = [identity(f"unit-{n}") for n in range(40)]
    rows = [make_reading(START, seq=n)._replace(unit_id=unit) for unit in units for n in range(27)]
    found = list(pieces(rows))
    assert [row for piece in found for row in piece.rows] == rows
    assert [len(piece.rows) for piece in found] == [19 * 27, 19 * 27, 2 * 27]
    assert len(list(pieces(rows[:1] * 3 * PIECE))) == 2, "a very long run is cut all the same"
    for piece in found:
        starts = [0, *piece.stops[:-1]]
        assert piece.stops[-1] == len(piece.rows)
        assert all(len({row.unit_id for row in piece.rows[a:b]}) == 1 for a, b in zip(starts, piece.stops, strict=True))
        assert len(piece.stops) <= len({row.unit_id for row in piece.rows})
    assert list(pieces([])) == []
