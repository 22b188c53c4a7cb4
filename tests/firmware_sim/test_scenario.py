"""The scenarios that come along load, and what is wrong in one is named."""

import pytest

from firmware_sim import options, scenario
from firmware_sim.errors import UsageError
from firmware_sim.fleet import generate_fleet
from firmware_sim.scenario import list_scenarios, read_scenario

START = 1_700_000_000.0
GOOD = """
about = "x"
duration_seconds = 3600
[generate]
organization = "bench"
gateways = 1
sensors = 6
"""


def due(name: str) -> set[tuple[str, str]]:
    found = read_scenario(name)
    return {(t.type, t.unit) for t in found.truths(found.fleet, found.seed, START) if t.due_at is not None}


def test_the_five_scenarios_are_there():
    expected = ["compressor-failure", "door-left-open", "flood", "gateway-outage-with-backfill", "quiet-week"]
    assert list_scenarios() == expected


def test_in_a_quiet_week_no_alert_is_due():
    assert due("quiet-week") == set()


def test_doors_that_are_left_open_warm_their_units():
    units = {"walk-in-cooler-1", "walk-in-freezer-1"}
    assert due("door-left-open") == {(type_, unit) for type_ in ("door_open", "alarm_active") for unit in units}


def test_failed_compressors_warm_their_units_to_the_end():
    found = read_scenario("compressor-failure")
    truths = [t for t in found.truths(found.fleet, found.seed, START) if t.due_at is not None]
    assert {t.unit for t in truths} == {"fridge-1", "freezer-1"}
    assert all(t.ended_at is None for t in truths)


def test_an_outage_hides_an_excursion_and_silences_the_units_of_its_gateway_only():
    found = due("gateway-outage-with-backfill")
    assert {unit for type_, unit in found if type_ == "monitoring_interrupted"} == {
        "fridge-1",
        "display-case-1",
        "walk-in-cooler-1",
        "freezer-1",
        "walk-in-freezer-1",
        "blast-chiller-1",
    }
    assert ("alarm_active", "walk-in-cooler-1") in found


def test_the_truth_is_the_same_each_time_and_another_with_another_seed():
    found = read_scenario("door-left-open")
    assert found.truths(found.fleet, 1, START) == found.truths(found.fleet, 1, START)
    assert found.truths(found.fleet, 1, START) != found.truths(found.fleet, 2, START)


def test_a_scenario_runs_with_another_fleet():
    fleet = generate_fleet("demo", 1, 6)
    truths = read_scenario("compressor-failure").truths(fleet, 1, START)
    assert {t.organization for t in truths} == {"demo"}


def test_a_fleet_that_lacks_the_unit_is_refused():
    with pytest.raises(UsageError, match="the fleet has no freezer"):
        read_scenario("compressor-failure").faults(generate_fleet("demo", 1, 1), START)


def test_what_a_scenario_may_preset_is_what_the_command_line_leaves_open():
    assert options.PRESETS.keys() == scenario.OPTIONS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("about = ", "not TOML"),
        ("about = 'x'", "duration_seconds is missing"),
        (GOOD + "[options]\nspeed = 1\n", "speed"),
        (GOOD.replace("about", "abuot"), "abuot"),
        (GOOD + "[[events]]\nkind = 'fire'\nat = 1\nseconds = 1\n", "fire"),
        (GOOD + "[[events]]\nkind = 'door_open'\nunit_type = 'oven'\nat = 1\nseconds = 1\n", "oven"),
        (GOOD + "[[events]]\nkind = 'door_open'\nwhen = 1\n", "when"),
        (GOOD.replace("sensors = 6", "sensor = 6"), "sensor"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        read_scenario(str(path))
    assert "\n" not in str(caught.value)


def test_an_unknown_scenario_lists_the_known():
    with pytest.raises(UsageError, match="quiet-week"):
        read_scenario("noisy-week")
