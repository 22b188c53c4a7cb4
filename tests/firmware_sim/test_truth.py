"""The rule, folded over a perfect sensor."""

import orjson
import pytest

from firmware_sim.fleet import FleetPlan, GatewayPlan, Kind, SensorPlan
from firmware_sim.physics import Fault, FaultKind
from firmware_sim.truth import PRESETS, Limits, Rule, Silence, find_silences, find_truths, write_truths

START = 1_700_000_000.0


def plan(*kinds: Kind, unit_type: str = "fridge") -> FleetPlan:
    sensors = tuple(SensorPlan(f"5f0{n}", unit_type, kind, 60, "u") for n, kind in enumerate(kinds))
    return FleetPlan((GatewayPlan("bench", "gw-1", None, sensors),))


def find(fleet: FleetPlan, *faults: Fault, hours: float = 6, limits: dict[str, Limits] = PRESETS):
    span = (START, START + hours * 3600)
    return list(find_truths(fleet, 1, span, {"u": list(faults)}, limits=limits, rule=Rule()))


def fault(kind: FaultKind, seconds: float) -> Fault:
    return Fault(kind, START + 3600, seconds)


def test_an_excursion_is_due_after_the_confirm_time():
    (truth,) = [t for t in find(plan(Kind.TEMPERATURE), fault(FaultKind.POWER_CUT, 14_400)) if t.due_at]
    assert truth.type == "alarm_active"
    assert truth.due_at - truth.began_at >= 600
    assert truth.ended_at > truth.due_at
    assert truth.extreme > 5


def test_with_a_door_sensor_the_open_door_holds_and_lengthens():
    opened = fault(FaultKind.DOOR_OPEN, 3600)
    with_door = [t for t in find(plan(Kind.COMBO), opened) if t.type == "alarm_active" and t.due_at]
    without = [t for t in find(plan(Kind.TEMPERATURE), opened) if t.type == "alarm_active" and t.due_at]
    assert without[0].due_at - without[0].began_at == pytest.approx(600, abs=10)
    assert with_door[0].due_at - START - 3600 == pytest.approx(1200 + 1200, abs=30)


def test_a_door_is_due_after_three_minutes_if_anything_sees_it():
    opened = fault(FaultKind.DOOR_OPEN, 600)
    (truth,) = [t for t in find(plan(Kind.DOOR), opened) if t.due_at]
    assert (truth.type, truth.due_at - truth.began_at) == ("door_open", 180)
    assert [t for t in find(plan(Kind.TEMPERATURE), opened) if t.type == "door_open"] == []


def test_what_never_gets_back_inside_has_no_end():
    truths = find(plan(Kind.TEMPERATURE), hours=2, limits={"fridge": Limits(-1, 0, 0.5)})
    assert [t.ended_at for t in truths] == [None]


def test_a_door_that_is_still_open_at_the_end_has_no_end():
    truths = find(plan(Kind.DOOR), fault(FaultKind.DOOR_OPEN, 1e6), hours=2)
    assert [t.ended_at for t in truths if t.due_at] == [None]


@pytest.mark.parametrize(("seconds", "is_due"), [(300, False), (400, True)])
def test_silence_is_due_after_five_intervals(seconds, is_due):
    silence = Silence("gw-1", START, START + seconds)
    (truth,) = find_silences(plan(Kind.TEMPERATURE), [silence], Rule())
    assert (truth.due_at is not None) == is_due


def test_silence_of_another_gateway_is_nobodys():
    assert list(find_silences(plan(Kind.DOOR), [Silence("gw-2", START, START + 999)], Rule())) == []


def test_the_file_has_one_object_a_line_with_utc_times():
    truths = find(plan(Kind.DOOR), fault(FaultKind.DOOR_OPEN, 600))
    lines = [orjson.loads(line) for line in write_truths(truths).splitlines()]
    assert len(lines) == len(truths)
    assert lines[0]["began_at"].endswith("Z")
