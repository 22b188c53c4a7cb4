"""The slow, independent reading of the rules: one unit, walked in steps of 30 seconds, nothing remembered cleverly.

It shares no code with the machines. Every setting it is given must be a multiple of its step, and everything must
happen on the grid. It knows a primary sensor and a door; other sensors must change nothing.
"""

from datetime import datetime, timedelta

from frostguard.domain.limits import Limits

STEP = timedelta(seconds=30)


class Reference:
    """One unit as the rules describe it. `said` collects (moment, kind)."""

    def __init__(self, limits: Limits, interval: int, start: datetime) -> None:
        self.limits, self.interval, self.assigned, self.now = limits, interval, start, start
        self.temperature, self.data, self.door = "normal", "never", "unknown"
        self.began = self.critical_since = self.measured = self.logged = self.opened = None
        self.inside_in_a_row = self.door_level = 0
        self.log_out = False
        self.outages: list[tuple[datetime, datetime]] = []
        self.said: list[tuple[datetime, str]] = []

    def walk(self, to: datetime) -> None:
        """Let time pass up to and including `to`, step by step."""
        while self.now < to:
            self.now += STEP
            self.look_at_the_clock()

    def look_at_the_clock(self) -> None:
        while self.something_is_due():
            pass

    def something_is_due(self) -> bool:
        one, many = self.limits.late_missed, self.limits.interrupted_missed
        if self.data == "fresh" and self.missed(one):
            return self.set_data("late", "data_late")
        if self.data in {"late", "never"} and self.missed(many):
            return self.set_data("interrupted", "data_interrupted")
        if self.data == "interrupted" and self.nothing_from_anybody():
            return self.set_data("manual", "manual_required")
        if self.temperature == "excursion" and self.confirmed() and self.missed(one):
            return self.set_temperature("alarm", "alarm_raised")
        for level, seconds in ((1, self.limits.door_warning_seconds), (2, self.limits.door_critical_seconds)):
            if self.door == "open" and self.door_level == level - 1 and self.age(self.opened) >= seconds:
                self.door_level = level
                return self.say("door_warning" if level == 1 else "door_critical")
        return False

    def missed(self, count: int) -> bool:
        heard = max(self.measured or self.assigned, self.assigned)
        return self.silent_for(heard, count * self.interval + self.limits.slack_seconds)

    def nothing_from_anybody(self) -> bool:
        last = max(self.measured or self.assigned, self.logged or self.assigned)
        return self.silent_for(last, 60 * (self.limits.manual_interval_minutes + self.limits.manual_grace_minutes))

    def silent_for(self, last: datetime, seconds: int) -> bool:
        """Whether a stretch of this length has passed in which we listened without a break."""
        heard = not any(began < last < drained for began, drained in self.outages)
        starts = [last] * heard + [drained for _, drained in self.outages if drained > last]
        for start in starts:
            ends = [began for began, _ in self.outages if began >= start]
            if (min([*ends, self.now]) - start).total_seconds() >= seconds:
                return True
        return False

    def confirmed(self) -> bool:
        wait = self.limits.confirm_open_seconds if self.door == "open" else self.limits.confirm_seconds
        return self.age(self.began) >= wait or (
            self.critical_since is not None and self.age(self.critical_since) >= self.limits.critical_confirm_seconds
        )

    def age(self, since: datetime) -> float:
        return (self.now - since).total_seconds()

    def take_temperature(self, celsius: float) -> None:
        self.measured = self.now
        if self.data != "fresh":
            self.set_data("fresh", "data_fresh")
        low, high, margin = self.limits.low, self.limits.high, self.limits.hysteresis
        too_hot = self.limits.critical_high is not None and celsius > self.limits.critical_high
        too_cold = self.limits.critical_low is not None and celsius < self.limits.critical_low
        out, critical = celsius > high or celsius < low, too_hot or too_cold
        if not (out and critical):
            self.critical_since = None
        if out:
            self.take_outside(critical=critical)
        elif low + margin <= celsius <= high - margin:
            self.take_inside()
            if self.log_out and (self.logged is None or self.logged < self.now):
                self.log_out = False
                self.say("log_inside")
        self.look_at_the_clock()

    def take_outside(self, *, critical: bool) -> None:
        if self.temperature in {"normal", "restoring"}:
            held = self.door == "open" and self.age(self.opened) < self.limits.door_grace_seconds and not critical
            self.inside_in_a_row = 0
            if held:
                return
            self.began = self.now
            self.set_temperature("excursion", "excursion_started")
        if critical and self.critical_since is None:
            self.critical_since = self.now
        if self.temperature == "excursion" and self.confirmed():
            self.set_temperature("alarm", "alarm_raised")

    def take_inside(self) -> None:
        if self.temperature in {"excursion", "alarm"}:
            self.inside_in_a_row = 1
            self.set_temperature("restoring", "restoring_started")
        elif self.temperature == "restoring":
            self.inside_in_a_row += 1
        if self.temperature == "restoring" and self.inside_in_a_row >= self.limits.restore_readings:
            self.set_temperature("normal", "normal_restored")

    def take_door(self, *, is_open: bool) -> None:
        if is_open and self.door != "open":
            self.opened, self.door_level = self.now, 0
            self.say("door_opened")
        if not is_open and self.door == "open":
            self.door_level = 0
            self.say("door_closed")
        self.door = "open" if is_open else "closed"
        self.look_at_the_clock()

    def take_log(self, celsius: float) -> None:
        self.logged = self.now
        if self.data == "manual":
            self.set_data("interrupted", "manual_logged")
        if not self.log_out and not self.limits.low <= celsius <= self.limits.high:
            self.log_out = True
            self.say("log_out_of_limits")
        margin = self.limits.hysteresis
        if self.log_out and self.limits.low + margin <= celsius <= self.limits.high - margin:
            self.log_out = False
            self.say("log_inside")
        self.look_at_the_clock()

    def change(self, limits: Limits, interval: int) -> None:
        self.limits, self.interval = limits, interval
        self.look_at_the_clock()

    def be_deaf(self, until: datetime, began: datetime) -> None:
        """Pass over the rest of a span of our own: only what needs no listening happens in it."""
        self.outages.append((began, until))
        self.walk(until)

    def set_data(self, phase: str, kind: str) -> bool:
        self.data = phase
        return self.say(kind)

    def set_temperature(self, phase: str, kind: str) -> bool:
        self.temperature = phase
        return self.say(kind)

    def say(self, kind: str) -> bool:
        self.said.append((self.now, kind))
        return True
