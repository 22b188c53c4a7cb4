"""The alerts on record, at the terminal and for the score."""

import json
from pathlib import Path

import psycopg
import pytest

from firmware_sim.score import read_alerts
from tests.factories import GATEWAY, SERIAL, plant
from tests.fakes import NOON

ADD = """
insert into alerts (id, organization_id, subject_id, unit_id, gateway_id, alert_type, severity, status, title,
                    opened_at, resolved_at)
values (gen_random_uuid(), %(organization)s, coalesce(%(unit)s, %(gateway)s), %(unit)s, %(gateway)s, %(type)s,
        'warning', %(status)s, 'x', %(at)s, %(resolved)s)
"""


@pytest.fixture
def _alerts(database: str) -> None:
    planted = plant(database)
    one = {"organization": planted.organization, "unit": None, "gateway": None, "status": "active", "at": NOON,
           "resolved": None}  # fmt: skip
    with psycopg.connect(database) as c:
        c.execute(
            ADD, one | {"unit": planted.units[SERIAL], "type": "alarm_active", "status": "resolved", "resolved": NOON}
        )
        c.execute(ADD, one | {"gateway": planted.gateways[GATEWAY], "type": "gateway_silent"})


def test_none_is_said(command) -> None:
    assert command("alerts", "list").out == "0 alerts, 0 open\n"


@pytest.mark.usefixtures("_alerts")
def test_they_are_a_table(command) -> None:
    lines = command("alerts", "list").out.splitlines()
    assert lines[0].split() == ["opened", "resolved", "severity", "type", "status", "organization", "site", "subject"]
    assert sorted(line.split()[-1] for line in lines[1:3]) == [SERIAL, GATEWAY]
    assert lines[-1] == "2 alerts, 1 open"


@pytest.mark.usefixtures("_alerts")
@pytest.mark.parametrize(
    ("options", "count"),
    [((), 2), (("--open",), 1), (("--unit", f"Unit of {SERIAL}"), 1), (("--organization", "none"), 0),
     (("--from", "2026-11-22T12:00Z"), 2), (("--from", "2026-11-23"), 0), (("--limit", "1"), 1)],
)  # fmt: skip
def test_they_can_be_narrowed(command, options: tuple[str, ...], count: int) -> None:
    assert len(json.loads(command("alerts", "list", "--json", *options).out)) == count


@pytest.mark.usefixtures("_alerts")
def test_the_score_reads_them(command, tmp_path: Path) -> None:
    path = tmp_path / "alerts.json"
    path.write_text(command("alerts", "list", "--json").out)
    found = {alert.type: alert for alert in read_alerts(path)}
    assert found["alarm_active"] == (SERIAL, "alarm_active", NOON.timestamp(), NOON.timestamp())
    assert found["gateway_silent"].resolved_at is None


@pytest.mark.parametrize("options", [("--from", "soon"), ("--limit", "0")])
def test_a_wrong_option_is_one_line(command, options: tuple[str, ...]) -> None:
    said = command("alerts", "list", *options)
    assert (said.code, said.err.count("\n")) == (2, 1)
