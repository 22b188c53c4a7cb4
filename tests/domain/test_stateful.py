"""The machines against the slow reference, in random lives of a unit.

`FROSTGUARD_STATEFUL_STEPS` is the number of steps in all (2,000 unless told otherwise; the long run takes 1,000,000).
"""

import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from frostguard.domain.limits import Limits
from frostguard.domain.outages import Outage
from frostguard.domain.rules import SensorRules
from frostguard.domain.unit import ManualLog, deadline, expire, manual_log, observe
from frostguard.domain.unit_state import UnitState, pack, pack_sensors, unpack
from tests.domain.reference import STEP, Reference
from tests.domain.stories import DOOR, FREEZER, OTHER, PRIMARY, START, UNIT, make_reading, make_rules

STEPS = int(os.environ.get("FROSTGUARD_STATEFUL_STEPS", "2000"))
STEPS_PER_LIFE = 50

FRIDGE = Limits()
LIMITS = [
    FRIDGE,
    FREEZER,
    replace(FRIDGE, critical_high=9.0, critical_low=-4.0),
    replace(FRIDGE, critical_high=9.0, critical_confirm_seconds=300, restore_readings=3),
    replace(FRIDGE, confirm_seconds=0, door_grace_seconds=0),
    replace(FRIDGE, confirm_seconds=1800, confirm_open_seconds=900, restore_readings=1, late_missed=2),
    replace(FRIDGE, manual_interval_minutes=30, manual_grace_minutes=5, interrupted_missed=2, slack_seconds=0),
    replace(FRIDGE, door_warning_seconds=0, door_critical_seconds=0, hysteresis=0.0),
]
INTERVALS = [60, 300, 900]
celsius = st.sampled_from([4.0, 4.8, 5.0, 5.1, 8.0, 9.0, 9.5, -1.0, -1.5, -4.5, -14.9, -15.5, -18.0, -31.0, 0.0])
pauses = st.one_of(st.integers(0, 12), st.integers(0, 60), st.integers(0, 700))
SILENT = {"status_changed", "reading_late"}


def make(limits, interval, since=None):
    sensors = {
        PRIMARY: SensorRules(interval, START),
        DOOR: SensorRules(86_400, START, measures_temperature=False),
        OTHER: SensorRules(60, START),
    }
    return make_rules(limits, sensors=sensors, since=since)


class Life(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now, self.seq = START, 0
        self.limits, self.interval = FRIDGE, 300
        self.rules, self.outages = make(FRIDGE, 300), ()
        self.state, self.reference = UnitState(UNIT), Reference(FRIDGE, 300, START)
        self.events, self.past = [], []

    def pass_time(self, pause):
        self.now += pause * STEP
        self.reference.walk(self.now)

    def observe(self, sensor_id, **values):
        self.seq += 1
        reading = make_reading(self.now, sensor_id, self.seq, **values)
        self.events += observe(self.state, reading, self.rules, self.outages)
        self.past.append(reading)

    @rule(pause=pauses, value=celsius)
    def a_temperature(self, pause, value):
        self.pass_time(pause)
        self.observe(PRIMARY, temperature=value)
        self.reference.take_temperature(value)

    @rule(value=celsius, count=st.integers(1, 30))
    def a_steady_stretch(self, value, count):
        for _ in range(count):
            self.a_temperature(self.interval // 30, value)

    @rule(pause=pauses, is_open=st.booleans())
    def a_door_message(self, pause, is_open):
        self.pass_time(pause)
        self.observe(DOOR, door_open=is_open)
        self.reference.take_door(is_open=is_open)

    @rule(pause=pauses, value=celsius, percent=st.integers(50, 100))
    def another_sensor(self, pause, value, percent):
        self.pass_time(pause)
        self.observe(OTHER, temperature=value, battery_percent=percent)

    @rule(pause=pauses)
    def a_message_without_a_temperature(self, pause):
        self.pass_time(pause)
        self.observe(PRIMARY, humidity=50.0)

    @rule(pause=pauses, value=celsius)
    def a_manual_log(self, pause, value):
        self.pass_time(max(pause, 1))
        if self.reference.logged == self.now:
            return
        self.events += manual_log(self.state, ManualLog(self.now, value), self.rules, self.outages)
        self.reference.take_log(value)

    @rule(pause=pauses)
    def a_tick(self, pause):
        self.pass_time(pause)
        self.events += expire(self.state, self.now, self.rules, self.outages)

    @rule(limits=st.sampled_from(LIMITS), interval=st.sampled_from(INTERVALS))
    def other_rules(self, limits, interval):
        self.events += expire(self.state, self.now, self.rules, self.outages)
        self.rules = make(limits, interval, self.now)
        self.interval = interval
        self.reference.change(limits, interval)

    @rule()
    def a_restart(self):
        self.state = unpack(pack(self.state), pack_sensors(self.state))

    @rule()
    def a_batch_that_fails(self):
        copy = self.state.copy()
        observe(copy, make_reading(self.now + timedelta(hours=9), temperature=50.0, door_open=True), self.rules)

    @rule(data=st.data())
    def an_old_reading_again(self, data):
        if self.past:
            reading = data.draw(st.sampled_from(self.past))
            before = pack(self.state), pack_sensors(self.state)
            assert all(e.kind == "reading_late" for e in observe(self.state, reading, self.rules, self.outages))
            assert (pack(self.state), pack_sensors(self.state)) == before

    @rule(pause=pauses, gap=st.integers(1, 400), backlog=st.lists(celsius, max_size=5))
    def an_outage_of_ours(self, pause, gap, backlog):
        self.pass_time(pause)
        began = self.now
        for value in backlog:
            self.a_temperature(self.interval // 30, value)
        self.now += gap * STEP
        self.outages = (*self.outages, Outage(began, self.now))
        self.reference.be_deaf(self.now, began)

    @invariant()
    def both_say_the_same(self):
        self.events += expire(self.state, self.now, self.rules, self.outages)
        state, reference = self.state, self.reference
        assert (state.temperature.phase, state.link.phase) == (reference.temperature, reference.data)
        assert (bool(state.door.open), state.door.level) == (reference.door == "open", reference.door_level)
        said = Counter((e.at, str(e.kind)) for e in self.events if e.kind not in SILENT)
        assert said == Counter(reference.said)
        self.events, reference.said = [], []
        due = deadline(state, self.rules, self.outages)
        assert due is None or due > self.now


Life.TestCase.settings = settings(
    max_examples=max(1, STEPS // STEPS_PER_LIFE),
    stateful_step_count=STEPS_PER_LIFE,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestLife = Life.TestCase
