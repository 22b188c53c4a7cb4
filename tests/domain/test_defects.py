"""The defects of the earlier system, each as a test that fails on that behaviour."""

from frostguard.domain.alert import AlertType, Severity, acknowledge
from frostguard.domain.alert import tell as told
from frostguard.domain.judge import judge
from frostguard.domain.limits import SETTINGS, Limits, UnitType, resolve
from frostguard.domain.notice import is_owed
from frostguard.domain.unit import expire, observe
from frostguard.domain.unit_state import UnitState
from tests.domain.stories import (
    DATA,
    DOORS,
    FREEZER,
    PRIMARY,
    START,
    TEMPERATURE,
    UNIT,
    make_reading,
    make_rules,
    moment,
    statuses,
    tell,
    write,
)


def alerts_of(story, rules=None, alerts=None):
    return judge(UNIT, tell(story, rules or make_rules()), alerts or {}, Limits())


def test_1_a_unit_that_never_reports_is_interrupted_and_not_restoring_for_ever():
    events = tell("30:tick 240:tick", make_rules())
    assert statuses(events) == "25+30:monitoring_interrupted 240:manual_required"
    assert [c.alert.type for c in judge(UNIT, events[:1], {}, Limits())] == [AlertType.MONITORING_INTERRUPTED]


def test_2_an_excursion_with_a_silence_in_it_leaves_no_alert_open():
    changes = alerts_of("0:8 5:8 60:tick 120:4 125:4")
    last = {c.alert.type: c.alert for c in changes}
    assert not any(alert.is_open for alert in last.values())
    assert last[AlertType.ALARM_ACTIVE].resolved_at == moment("125")


def test_3_a_rise_in_severity_is_owed_a_notification_also_when_acknowledged():
    opened = alerts_of("0:open 3:tick")[-1].alert
    alert = told(opened, moment("3")).alert
    assert not is_owed(alert)
    alert = acknowledge(alert, PRIMARY, moment("4")).alert
    events = tell("0:open 3:tick 10:tick", make_rules())
    risen = judge(UNIT, events[-1:], {AlertType.DOOR_OPEN: alert}, Limits())[0].alert
    assert risen.severity is Severity.CRITICAL
    assert risen.status == "acknowledged"
    assert is_owed(risen)


def test_4_a_door_message_without_a_temperature_is_no_zero_degrees():
    freezer = make_rules(FREEZER)
    assert write(tell("0:-10 5:closed 6:closed", freezer), TEMPERATURE) == "0:excursion_started"
    restored = tell("0:-10 5:-18 6:closed 7:open 8:closed 10:-18", freezer)
    assert write(restored, TEMPERATURE) == "0:excursion_started 5:restoring_started 10:normal_restored"
    cooler = tell("0:8 5:closed 6:closed 7:4", make_rules())
    assert write(cooler, TEMPERATURE) == "0:excursion_started 7:restoring_started"


def test_5_a_manual_log_leaves_manual_required():
    assert statuses(tell("0:4 240:tick 245:log=4", make_rules())).endswith("245:monitoring_interrupted")


def test_6_judging_the_same_facts_again_opens_nothing_twice():
    events = tell("0:8 5:8 10:8", make_rules())
    first = judge(UNIT, events, {}, Limits())
    again = judge(UNIT, events, {c.alert.type: c.alert for c in first}, Limits())
    assert [c.alert.id for c in first if c.is_new] == [first[0].alert.id]
    assert not any(c.is_new for c in again)


def test_7_an_excursion_opens_no_alert_before_it_is_confirmed():
    assert alerts_of("0:8 3:8 5:8") == []
    assert alerts_of("0:8 5:8 10:8")[0].alert.severity is Severity.CRITICAL


def test_8_a_sensor_with_a_slow_interval_does_not_flap():
    story = " ".join(f"{10 * n}:4" for n in range(20))
    assert write(tell(story, make_rules(interval_seconds=600)), DATA) == "0:data_fresh"
    assert write(tell("0:8 10:8", make_rules(interval_seconds=600)), TEMPERATURE) == (
        "0:excursion_started 10:alarm_raised"
    )


def test_9_a_doors_heartbeat_does_not_restart_its_clock():
    events = tell("0:open 2:open 4:open 6:open 8:open 10:open", make_rules())
    assert write(events, DOORS) == "0:door_opened 3:door_warning 10:door_critical"


def test_10_a_reading_does_not_jump_over_the_machine_to_ok():
    state = UnitState(UNIT)
    tell("0:8 5:8 10:8 15:4", make_rules(), state)
    assert state.status == "restoring"


def test_11_a_limit_of_zero_is_kept():
    effective = resolve(UnitType.FREEZER, unit={"high": 0, "low": -25})
    assert (effective.limits.high, effective.sources["high"]) == (0.0, "unit")
    assert resolve(UnitType.FRIDGE, unit={"low": 0}).limits.low == 0.0
    assert resolve(UnitType.FREEZER).limits.high == -15.0
    assert write(tell("0:0.1", make_rules(effective.limits)), TEMPERATURE) == "0:excursion_started"


def test_12_every_setting_changes_what_happens():
    """A setting without effect fails here: each is named in the module that reads it."""
    from pathlib import Path

    import frostguard.domain

    folder = Path(frostguard.domain.__file__).parent
    source = "".join(p.read_text() for p in folder.glob("*.py") if p.name != "limits.py")
    assert [name for name in SETTINGS if f".{name}" not in source] == []


def test_a_value_of_an_unplugged_probe_is_never_a_temperature():
    state = UnitState(UNIT)
    events = tell("0:4", make_rules(), state)
    events += observe(state, make_reading(moment("5"), temperature=327.67), make_rules())
    assert state.celsius == 4.0
    assert "fault_raised" in write(events)


def test_a_lost_check_in_does_not_freeze_the_confirmation():
    state = UnitState(UNIT)
    tell("0:8", make_rules(), state)
    assert "alarm_raised" in write(expire(state, START.replace(minute=12), make_rules()))
