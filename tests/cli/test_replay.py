"""Stored readings judged again, at the terminal."""

import asyncio
import json

import pytest

from tests.factories import Planted
from tests.replay.life import Clock, Life, plant_units

TABLES = """
select c.oid::regclass::text from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
"""


@pytest.fixture
def lived(database: str, monkeypatch: pytest.MonkeyPatch) -> Planted:
    """An hour of three units."""
    planted = plant_units(database)
    with monkeypatch.context() as patch:
        asyncio.run(Life(database, planted, Clock(patch), seed=4, hours=1).live())
    return planted


def contents(psql) -> dict[str, object]:
    """A sum over every table."""
    return {
        name: psql(f"select count(*), md5(coalesce(string_agg(t::text, '' order by t::text), '')) from {name} t")
        for (name,) in psql(TABLES)
    }


@pytest.mark.usefixtures("lived")
def test_whatever_is_asked_nothing_is_written(command, psql) -> None:
    before = contents(psql)
    for options in ((), ("--set", "high=3"), ("--verify",), ("--json", "--set", "confirm_seconds=0")):
        assert command("replay", *options).code == 0
    assert contents(psql) == before
    assert len(before) > 20


@pytest.mark.usefixtures("lived")
def test_without_a_change_what_happened_is_told(command, psql) -> None:
    said = command("replay")
    (count,) = psql("select count(*) from sensor_readings")[0]
    assert said.out.startswith(f"3 units, {count} readings from the first reading to ")
    assert "->" not in said.out
    headings = [line for line in said.out.splitlines() if line.startswith("organization")]
    assert headings[0].split() == [
        "organization",
        "site",
        "unit",
        "readings",
        "min",
        "out",
        "episodes",
        "alarms",
        "alerts",
    ]


@pytest.mark.usefixtures("lived")
def test_a_change_is_told_before_against_after(command) -> None:
    said = command("replay", "--set", "high=3", "--set", "confirm_seconds_door_closed=1200")
    assert "with high=3, confirm_seconds=1200: before -> after; - only before, + only after" in said.out
    table = said.out.split("\n\n")[1]
    assert all("->" in line for line in table.splitlines()[1:])
    assert any(line.startswith("+") for line in said.out.splitlines())


@pytest.mark.usefixtures("lived")
def test_json_is_one_line_a_unit(command) -> None:
    units = [json.loads(line) for line in command("replay", "--json", "--set", "high=3").out.splitlines()]
    assert len(units) == 3
    for unit in units:
        assert unit["after"]["minutesOut"] > unit["before"]["minutesOut"]
        assert unit["after"]["episodes"][0].keys() == {"beganAt", "alarmAt", "endedAt", "extreme"}
    assert [json.loads(line)["after"] for line in command("replay", "--json").out.splitlines()] == [None] * 3


def test_a_replay_can_be_narrowed(command, lived: Planted) -> None:
    unit = str(lived.units["left"])
    [only] = [json.loads(line) for line in command("replay", "--json", "--unit", unit).out.splitlines()]
    assert only["unitId"] == unit
    assert only["readings"] > 0
    [none] = command("replay", "--json", "--unit", unit, "--to", "2020-01-01").out.splitlines()
    assert json.loads(none)["readings"] == 0
    assert len(command("replay", "--json", "--site", "site", "--organization", "acme").out.splitlines()) == 3


@pytest.mark.usefixtures("lived")
def test_verify_finds_nothing_on_an_untouched_record(command, psql) -> None:
    said = command("replay", "--verify")
    assert said.code == 0
    assert said.out.startswith("3 of 3 units compared, ")
    assert said.out.endswith(" alerts: 0 differences\n")
    report = json.loads(command("replay", "--verify", "--json").out)
    assert (report["units"], report["differences"], report["incomparable"]) == (3, [], [])


def test_verify_says_each_difference_and_exits_with_1(command, psql, lived: Planted) -> None:
    psql("update unit_states set inside_count = 9 where unit_id = %s", lived.units["left"])
    said = command("replay", "--verify")
    assert said.code == 1
    assert said.out.endswith(": 1 differences\n")
    [line] = [line for line in said.out.splitlines() if "inside_count" in line]
    assert line.startswith("acme / Site / Unit of left")
    assert line.endswith(" 9")
    found = command("replay", "--verify", "--json")
    assert found.code == 1
    [difference] = json.loads(found.out)["differences"]
    assert (difference["of"], difference["field"], difference["recorded"]) == ("state", "inside_count", 9)


def test_what_cannot_be_compared_is_said_and_is_no_difference(command, psql, lived: Planted) -> None:
    psql("update units set notes = 'moved', updated_at = now() where id = %s", lived.units["left"])
    said = command("replay", "--verify")
    assert said.code == 0
    assert "not comparable: acme / Site / Unit of left: its settings or sensors were changed at " in said.out
    assert "2 of 3 units compared" in said.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--unit", "none"), "there is no such unit"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "--from must be before --to"),
        (("--verify", "--set", "high=3"), "takes neither --set nor --to"),
        (("--verify", "--to", "2026-01-01"), "takes neither --set nor --to"),
        (("--set", "confirm_secnds=3"), "did you mean confirm_seconds"),
        (("--set", "high=warm"), "high must be a number"),
        (("--set", "low=6"), "low (6 °C) must be below high (5 °C) (unit Unit of"),
        (("--json", "--set", "low=6"), "low (6 °C) must be below high (5 °C) (unit Unit of"),
        (("--from", "soon"), "is no time like"),
    ],
)
def test_a_wrong_option_is_one_line(command, database: str, options: tuple[str, ...], said: str) -> None:
    plant_units(database)
    found = command("replay", *options)
    assert (found.code, found.err.count("\n"), found.out) == (2, 1, "")
    assert said in found.err
