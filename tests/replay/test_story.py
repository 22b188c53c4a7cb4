"""Episodes, alerts and minutes out of range, from small histories."""

from datetime import timedelta

import pytest

from frostguard.domain.alert import AlertType
from frostguard.domain.reading import Reading
from frostguard.replay.fold import Ears
from frostguard.replay.story import Outcome, Span, Telling, as_if_always
from tests.domain.stories import UNIT, clock, make_rules, moment, read


def tell(history: str, span: tuple[str, str] = ("0", "1000"), **changes: float | None) -> Outcome:
    """Each word of a history comes when it happens; the clock stops with the last."""
    rows = [row for word in history.split() if isinstance(row := read(word), Reading)]
    ears = Ears(until=max(rows[-1].recorded_at, min(moment(span[1]), rows[-1].recorded_at)))
    begin, end = map(moment, span)
    rules = as_if_always(make_rules(), begin - timedelta(days=8), changes)
    telling = Telling(UNIT, rules, ears, (), Span(begin, end))
    for number, row in enumerate(rows):
        telling.fold.batch(number, [row])
    return telling.end()


def written(outcome: Outcome) -> str:
    """began/alarm/ended/extreme of every episode."""
    times = ((e.began_at, e.alarm_at, e.ended_at) for e in outcome.episodes)
    extremes = [e.extreme for e in outcome.episodes]
    shown = ["/".join("-" if at is None else clock(at) for at in three) for three in times]
    return " ".join(f"{one}/{extreme}" for one, extreme in zip(shown, extremes, strict=True))


WARM = "0:4 5:8 10:9 15:8 20:8 25:4 30:4"


@pytest.mark.parametrize(
    ("history", "changes", "expected", "minutes"),
    [
        ("0:4 5:4 10:4", {}, "", 0),
        (WARM, {}, "5/15/30/9.0", 20),
        (WARM, {"confirm_seconds": 1200}, "5/-/30/9.0", 20),
        (WARM, {"confirm_seconds": 300}, "5/10/30/9.0", 20),
        (WARM, {"high": 8.5}, "10/-/20/9.0", 5),
        (WARM, {"high": 10}, "", 0),
        (WARM, {"restore_readings": 3}, "5/15/-/9.0", 20),
        (WARM, {"critical_high": 8.5}, "5/10/30/9.0", 20),
        ("0:4 5:8 10:4 15:8 20:8 25:8", {}, "5/25/-/8.0", 20.5),  # out again before it was normal: one episode
        ("0:4 5:8 60:8 65:4 70:4", {}, "5/15/70/8.0", 10.5),  # silence is not counted, but it confirms
        ("0:open 0:4 5:8 10:8 15:8 20:8 25:8 30:closed", {}, "20/-/-/8.0", 25.5),
        ("0:open 0:4 5:8 10:8 15:8 20:8 25:8 30:closed", {"door_grace_seconds": 0}, "5/25/-/8.0", 25.5),
    ],
)
def test_what_settings_make_of_a_history(
    history: str, changes: dict[str, float | None], expected: str, minutes: float
) -> None:
    outcome = tell(history, **changes)
    assert written(outcome) == expected
    assert outcome.seconds_out == minutes * 60


@pytest.mark.parametrize(
    ("span", "episodes", "alerts", "minutes"),
    [
        (("0", "5"), "", 0, 0),
        (("0", "6"), "5/15/30/9.0", 0, 1),
        (("12", "18"), "5/15/30/9.0", 1, 6),
        (("29", "99"), "5/15/30/9.0", 1, 0),
        (("31", "99"), "", 0, 0),
    ],
)
def test_only_what_touches_the_span_is_told(span: tuple[str, str], episodes: str, alerts: int, minutes: float) -> None:
    outcome = tell(WARM, span)
    assert written(outcome) == episodes
    assert len(outcome.alerts) == alerts
    assert outcome.seconds_out == minutes * 60


def test_alerts_come_by_time() -> None:
    outcome = tell("0:4 5:8 10:8 15:8 20:open 23:8 24:8 26:4 27:4 28:battery=5")
    assert [a.type for a in outcome.alerts] == ["alarm_active", "door_open", "low_battery"]


@pytest.mark.parametrize(
    ("pieces", "alarms"),
    [(["10:8 25:8 30:4 35:4"], 1), (["10:8 25:8 30:4 35:4", "12:4 13:4"], 0), (["25:8 36:8", "10:8 14:8 20:8"], 1)],
)
def test_of_late_alarms_those_are_told_that_still_stand(pieces: list[str], alarms: int) -> None:
    telling = Telling(UNIT, make_rules(), Ears(until=moment("102")), (), Span(moment("0"), moment("1000")))
    stored: list[Reading] = []
    for number, piece in enumerate(["0:4 5:4 100:4 101:4", *pieces]):
        rows = [row for word in piece.split() if isinstance(row := read(word), Reading)]
        stored += rows
        stretch = telling.fold.stretch(telling.fold.batch(number, rows))
        if stretch is not None:
            telling.fold.late(sorted(stored, key=lambda row: row.recorded_at), stretch)
    assert [alert.type for alert in telling.end().alerts].count(AlertType.ALARM_ACTIVE) == alarms
