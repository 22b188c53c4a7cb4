"""Alerts against the truth."""

import orjson
import pytest

from firmware_sim.errors import UsageError
from firmware_sim.score import ScoredAlert, read_alerts, read_truths, score
from firmware_sim.truth import Truth, write_truths

ALARM = Truth("bench", "fridge-1", ["5f01"], "alarm_active", 1000.0, 5000.0, 1600.0, 60.0, 600.0, 9.0)
SHORT = ALARM._replace(began_at=20_000.0, ended_at=20_100.0, due_at=None)
NEARLY = ALARM._replace(began_at=30_000.0, ended_at=30_550.0, due_at=None)
BRIEF = ALARM._replace(began_at=40_000.0, ended_at=40_640.0, due_at=40_600.0)
ENDLESS = ALARM._replace(began_at=50_000.0, ended_at=None, due_at=50_600.0)


def alert(opened_at: float, resolved_at: float | None = None, key: str = "fridge-1", type_: str = "alarm_active"):
    return ScoredAlert(key, type_, opened_at, resolved_at)


@pytest.mark.parametrize(
    ("truths", "alerts", "verdicts"),
    [
        ([], [], []),
        ([ALARM], [alert(1650)], ["detected"]),
        ([ALARM], [alert(1650, key="5f01")], ["detected"]),
        ([ALARM], [], ["missed"]),
        ([ALARM], [alert(1650, key="fridge-2")], ["missed", "false"]),
        ([ALARM], [alert(1650, type_="door_open")], ["missed", "false"]),
        ([ALARM], [alert(800)], ["missed", "false"]),
        ([ALARM], [alert(5200)], ["missed", "false"]),
        ([ALARM], [alert(5100)], ["detected"]),
        ([ALARM], [alert(1650), alert(3000)], ["detected", "double"]),
        ([ALARM], [alert(1650, type_="low_battery")], ["missed"]),
        ([SHORT], [], []),
        ([SHORT], [alert(20_050)], ["false"]),
        ([NEARLY], [], []),
        ([NEARLY], [alert(30_600)], ["marginal"]),
        ([BRIEF], [], ["marginal"]),
        ([BRIEF], [alert(40_620)], ["detected"]),
        ([ENDLESS], [alert(90_000)], ["detected"]),
        ([ALARM, ENDLESS], [alert(1650), alert(50_700)], ["detected", "detected"]),
    ],
)
def test_verdicts(truths, alerts, verdicts):
    assert [j.verdict for j in score(truths, alerts).judgements] == verdicts


def test_latency_is_counted_against_the_rule_and_not_against_the_beginning():
    (judgement,) = score([ALARM], [alert(1650, 5090)]).judgements
    assert (judgement.latency, judgement.resolve_latency) == (50, 90)


def test_the_summary_counts_and_lists_the_mistakes():
    summary = score([ALARM, ENDLESS], [alert(1650, 5090), alert(70, type_="low_battery"), alert(10)]).summary()
    assert (summary["detected"], summary["missed"], summary["false"], summary["other_alerts"]) == (1, 1, 1, 1)
    assert summary["latency_seconds"] == {"min": 50.0, "median": 50.0, "max": 50.0}
    assert [m["verdict"] for m in summary["mistakes"]] == ["missed", "false"]


def test_only_a_score_without_mistakes_is_perfect():
    assert score([ALARM], [alert(1650)]).perfect
    assert not score([ALARM], []).perfect


def test_truths_come_back_from_their_file(tmp_path):
    path = tmp_path / "truth.jsonl"
    path.write_bytes(write_truths([ALARM, ENDLESS]))
    assert read_truths(path) == [ALARM, ENDLESS]


def test_alerts_are_read_with_either_key_and_either_kind_of_time(tmp_path):
    path = tmp_path / "alerts.json"
    raws = [
        {"unit": "fridge-1", "type": "alarm_active", "opened_at": "1970-01-01T00:27:30Z", "resolved_at": None},
        {
            "sensor": "5f01",
            "unit": "x",
            "type": "door_open",
            "opened_at": 5,
            "resolved_at": "1970-01-01T01:00:10+01:00",
        },
    ]
    path.write_bytes(orjson.dumps(raws))
    assert read_alerts(path) == [alert(1650.0), alert(5.0, 10.0, "5f01", "door_open")]


def test_what_later_readings_refuted_is_not_scored(tmp_path):
    path = tmp_path / "alerts.json"
    row = '{"unit":"fridge-1","type":"alarm_active","opened_at":1650,"backfilled":%s,"severity":"%s"}'
    path.write_text(f"[{row % ('true', 'info')}, {row % ('true', 'critical')}, {row % ('false', 'info')}]")
    assert read_alerts(path) == [alert(1650.0), alert(1650.0)]


@pytest.mark.parametrize("text", ["", "{}x", '{"a":1}', '[{"unit":"a"}]', '[{"unit":"a","type":"b","opened_at":null}]'])
def test_a_file_that_holds_no_alerts_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "alerts.json"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_alerts(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        read_truths(tmp_path / "none")
