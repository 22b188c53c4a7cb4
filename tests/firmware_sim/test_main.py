"""The entry point: exit codes, one line for what is wrong, and the commands that need no broker."""

import orjson
import pytest

from firmware_sim.__main__ import main

SMALL = ["--scenario", "door-left-open", "--start", "2026-11-22T06:00:00Z"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fleet", "missing.json"],
        ["--scenario", "missing"],
        ["--mqtt-url", "http://x"],
        ["--speedup", "60"],
        ["--ledger", "missing/folder/ledger"],
        ["truth"],
        ["truth", "--scenario", "missing"],
        ["score", "--truth", "missing", "--alerts", "missing"],
    ],
)
def test_what_is_wrong_is_one_line_and_code_2(arguments, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("frostguard-sim: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("verdict", ["perfect", "blind"])
def test_truth_and_score_go_together(tmp_path, capfdbinary, verdict):
    assert main(["truth", *SMALL]) == 0
    truth = tmp_path / "truth.jsonl"
    truth.write_bytes(capfdbinary.readouterr().out)
    truths = [orjson.loads(line) for line in truth.read_bytes().splitlines()]
    alerts = [
        {"unit": t["unit"], "type": t["type"], "opened_at": t["due_at"], "resolved_at": t["ended_at"]}
        for t in truths
        if t["due_at"] and verdict == "perfect"
    ]
    path = tmp_path / "alerts.json"
    path.write_bytes(orjson.dumps(alerts))
    assert main(["score", "--truth", str(truth), "--alerts", str(path), "--json"]) == (verdict == "blind")
    summary = orjson.loads(capfdbinary.readouterr().out)
    assert summary["expected"] == 4
    assert summary["missed"] == (0 if verdict == "perfect" else 4)


def test_a_made_up_fleet_can_be_printed(capfdbinary):
    assert main(["fleet", "--gateways", "2", "--sensors", "3"]) == 0
    assert [len(g["sensors"]) for g in orjson.loads(capfdbinary.readouterr().out)["gateways"]] == [3, 3]
