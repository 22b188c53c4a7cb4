"""What one batch says of the units: with the rows, after the commit, exactly once, by event time."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from frostguard.domain.unit_state import LONG_AGO
from frostguard.errors import StoreUnavailableError
from frostguard.store import readings
from frostguard.store.connection import Connection
from ingest.judge import LOGS
from tests.fakes import NOON
from tests.ingest.stage import Stage, at, image, staged

FIVE_MINUTES = " ".join(f"{n}:4" for n in range(0, 60, 5))


@pytest.fixture
async def stage(emptied: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with staged(emptied, monkeypatch) as one:
        yield one


@pytest.fixture
async def spoilt(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A stage in a database of its own, whose tables get triggers."""
    async with staged(database, monkeypatch) as one:
        yield one


def rows_of(stage: Stage, story: str) -> list:
    return [stage.said(word) for word in story.split()]


# --- states and memory


STORIES = {
    "dull": "0:4 5:4 10:4 15:4",
    "in and out": "0:4 5:8 10:8 15:8 20:4 25:4 30:9",
    "a door and a battery": "0:4 1:open 2:8 5:battery=15 6:closed 7:8 20:8 21:battery=50",
    "a fault": "0:4 5:fault 10:fault 15:4",
    "silence": "0:4 40:4 300:tick 301:8",
    "a log is due": "0:4 266:tick 290:4",
    "dull again": "0:4 5:8 15:8 20:4 25:4 30:4 35:4 40:4",
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_a_restart_after_every_batch_changes_nothing(stage: Stage, story: str) -> None:
    for word in story.split():
        await stage.live(word)
        before = {key: image(state) for key, state in stage.memory.units.items()}
        await stage.open()
        assert {key: image(state) for key, state in stage.memory.units.items()} == before


async def test_one_batch_or_many_come_to_the_same(stage: Stage) -> None:
    story = "0:4 5:8 10:8 15:8 20:4 25:4 30:9 31:fault 32:battery=5"
    await stage.backlog(story, minute=33)
    await stage.drain()
    whole = (await stage.alerts(), await stage.events(), image(stage.state()))
    for table in ("sensor_readings", "unit_states", "sensor_states", "alerts", "events"):
        await stage.connection.execute(f"truncate {table} cascade")
    await stage.open()
    for word in story.split():
        await stage.backlog(word)
    assert (await stage.alerts(), await stage.events(), image(stage.state())) == whole


async def test_a_second_sensor_does_not_make_the_first_ones_check_in_forgotten(stage: Stage) -> None:
    """The newest check-in of the sensor heard last stands in the unit's row, until another one takes its place."""
    door = await stage.add_sensor("door", kind="door")
    await stage.live("0:4 5:4 10:4")  # dull ones, which touch the unit's row only
    await stage.wait(11)
    await stage.commit([stage.row(11, None, sensor_id=door, door_open=False)])
    await stage.same_as_stored()
    await stage.live("12:4 13:4")
    await stage.same_as_stored()
    await stage.open()
    await stage.commit([stage.row(9, 30.0)])
    assert await stage.events("excursion_started") == [], "it is older than what the sensor said before the restart"


# --- memory moves after the commit


FAIL = """
create function fail() returns trigger language plpgsql as $$
  begin raise exception 'no room' using errcode = '53100'; end $$;
create constraint trigger fail after insert on {} deferrable initially deferred for each row execute function fail()
"""


@pytest.mark.parametrize("table", ["sensor_readings", "unit_states", "alerts", "events", "notification_outbox"])
async def test_a_commit_that_fails_moves_no_memory_and_the_same_batch_again_alerts_once(
    spoilt: Stage, table: str
) -> None:
    """A deferred trigger fails in the COMMIT itself, after everything was written."""
    stage = spoilt
    await stage.live("0:4 5:8")
    before = {key: image(state) for key, state in stage.memory.units.items()}
    events = await stage.events()
    fail = FAIL.format(table)
    if table == "unit_states":
        fail = fail.replace("after insert", "after insert or update")
    await stage.connection.execute(fail)
    stage.clock.at = at(15)
    rows = rows_of(stage, "10:8 15:8 15.5:battery=5")
    with pytest.raises(StoreUnavailableError, match="53100"):
        await stage.commit(rows)
    assert {key: image(state) for key, state in stage.memory.units.items()} == before
    assert await stage.events() == events
    assert await stage.alerts() == []
    await stage.connection.execute(f"drop trigger fail on {table}")
    await stage.commit(rows)
    await stage.same_as_stored()
    assert await stage.alerts() == ["alarm_active critical active 15-", "low_battery critical active 15.5-"]
    assert await stage.told() == ["alarm_active critical x1", "low_battery critical x1"]


class CutAfterTheCommit:
    """A connection over which the answer to a commit does not come."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, query: str, *arguments: object, **options: object) -> str:
        answer: str = await self._connection.execute(query, *arguments, **options)
        if query.endswith("commit"):
            self._connection.terminate()
            raise ConnectionResetError("cut")
        return answer


async def test_a_commit_whose_answer_was_lost_is_read_back_and_redelivery_adds_nothing(stage: Stage) -> None:
    """The server has committed, the connection is cut before we know: only the database knows what is true."""
    await stage.live("0:4 5:8")
    stage.writer._connection = CutAfterTheCommit(stage.writer.connection)
    stage.clock.at = at(15)
    rows = rows_of(stage, "10:8 15:8 15.5:battery=5")
    with pytest.raises(StoreUnavailableError):
        await stage.commit(rows)
    assert stage.state().temperature.phase == "excursion", "memory does not know of it"
    await stage.open()
    assert stage.state().temperature.phase == "alarm", "the database does"
    await stage.commit(rows)  # once as if everything were new,
    await stage.commit(rows, redelivered=True)  # and once as what the broker marks as sent before
    await stage.same_as_stored()
    assert await stage.alerts() == ["alarm_active critical active 15-", "low_battery critical active 15.5-"]
    assert await stage.told() == ["alarm_active critical x1", "low_battery critical x1"]
    assert len(await stage.events("alarm_raised")) == 1


async def test_redelivered_rows_say_nothing(stage: Stage) -> None:
    story = "0:4 5:8 15:8 20:4 25:4"
    await stage.live(story)
    before = (await stage.alerts(), await stage.events(), await stage.told(), image(stage.state()))
    for word in story.split():
        await stage.commit(rows_of(stage, word))
    assert (await stage.alerts(), await stage.events(), await stage.told(), image(stage.state())) == before


# --- silence


async def test_silence_is_judged_at_its_own_moments(stage: Stage) -> None:
    await stage.live("0:4 300:tick")
    assert await stage.events("data_late", "data_interrupted", "manual_required") == [
        "5.5:data_late", "25.5:data_interrupted", "240:manual_required",
    ]  # fmt: skip
    assert await stage.alerts() == [
        "gateway_silent critical active 15.5-", "monitoring_interrupted critical active 25.5-",
        "missed_manual_entry warning active 240-",
    ]  # fmt: skip


async def test_nobody_is_silent_while_we_do_not_listen(stage: Stage) -> None:
    await stage.live("0:4")
    stage.clock.at = at(120)
    await stage.commit(listening=False, due_units=list(stage.units), due_gateways=list(stage.gateways))
    assert await stage.alerts() == []
    assert await stage.events("data_late") == []


async def test_after_an_outage_silence_counts_from_the_moment_the_backlog_was_drained(stage: Stage) -> None:
    await stage.live("0:4")
    await stage.open()
    await stage.drain(360)
    await stage.wait(365.4)
    assert await stage.alerts() == []
    assert await stage.events("data_late") == []
    await stage.wait(386)
    assert await stage.events("data_late", "data_interrupted") == ["365.5:data_late", "385.5:data_interrupted"]


async def test_a_gap_between_two_readings_of_the_backlog_is_the_sensors_own(stage: Stage) -> None:
    await stage.live("0:4")
    await stage.open()
    await stage.backlog("5:4 60:4 65:4", minute=66)
    await stage.drain()
    assert await stage.events("data_late", "data_interrupted", "data_fresh") == [
        "0:data_fresh", "10.5:data_late", "30.5:data_interrupted", "60:data_fresh",
    ]  # fmt: skip
    assert await stage.alerts() == ["monitoring_interrupted warning resolved 30.5-60"]
    assert await stage.told() == []


async def test_no_outage_on_record_begins_before_a_deadline_that_was_spoken_of(stage: Stage) -> None:
    """Or a replay, which is given the outages, would move that deadline behind the outage."""
    await stage.live("0:4 25.5:tick")
    await stage.open()
    await stage.drain(60)
    (began,) = await stage.connection.fetchrow("select began from outages order by began desc limit 1")
    assert began >= at(25.5)


# --- rules that change


async def test_new_limits_wait_for_the_next_reading(stage: Stage) -> None:
    await stage.live("0:4 5:4")
    await stage.set("units", high=3)
    assert stage.state().temperature.phase == "normal"
    await stage.live("6:4 16:4")
    assert await stage.events("excursion_started", "alarm_raised") == ["6:excursion_started", "16:alarm_raised"]
    limits = await stage.connection.fetchval("select limits->>'high' from alerts")
    assert float(limits) == 3


async def test_a_shorter_interval_brings_the_deadline_nearer_but_not_before_now(stage: Stage) -> None:
    await stage.connection.execute("update sensors set report_interval_seconds = 3600")
    await stage.change("select 1")
    await stage.live("0:4 30:tick")
    await stage.change("update sensors set report_interval_seconds = 60, updated_at = $1", stage.clock())
    await stage.wait(31)
    assert await stage.events("data_late", "data_interrupted") == ["30:data_late", "30:data_interrupted"]


async def test_a_longer_interval_takes_the_deadline_away(stage: Stage) -> None:
    await stage.live("0:4 1:tick")
    await stage.change("update sensors set report_interval_seconds = 3600, updated_at = $1", stage.clock())
    await stage.wait(60)
    assert await stage.events("data_late") == []
    await stage.wait(61)
    assert await stage.events("data_late") == ["60.5:data_late"]


async def test_another_primary_sensor_drives_the_unit_from_then_on(stage: Stage) -> None:
    other = await stage.add_sensor("other")
    await stage.live("0:4")
    await stage.commit([stage.row(0, 20.0, sensor_id=other)])
    assert await stage.events("excursion_started") == []
    await stage.change("update sensors set is_primary = false, updated_at = $1", stage.clock())
    await stage.change("update sensors set is_primary = true where id = $1", other)
    await stage.wait(1)
    await stage.commit([stage.row(1, 20.0, sensor_id=other)])
    await stage.commit([stage.row(1, 4.0)])
    assert await stage.events("excursion_started", "restoring_started") == ["1:excursion_started"]


async def test_a_sensor_that_is_removed_takes_its_door_battery_and_fault_along(stage: Stage) -> None:
    door = await stage.add_sensor("door", kind="door")
    await stage.live("0:4")
    said = stage.row(0, None, sensor_id=door, door_open=True, battery_percent=5)
    await stage.commit([said, stage.row(0.5, None, sensor_id=door, fault="stuck")])
    await stage.wait(4)
    await stage.change("update sensors set unit_id = null, assigned_at = null where id = $1", door)
    assert (stage.state().door.open, stage.state().battery_level, stage.state().faulty) == (False, 0, False)
    assert door not in stage.state().every_sensor()
    assert await stage.connection.fetchval("select count(*) from sensor_states where sensor_id = $1", door) == 0
    assert {line.rpartition(" ")[0] for line in await stage.alerts()} == {
        "door_open warning resolved", "low_battery critical resolved", "sensor_fault critical resolved",
    }  # fmt: skip
    await stage.same_as_stored()


async def test_a_sensor_that_spoke_in_the_very_batch_that_removes_it_is_forgotten_too(stage: Stage) -> None:
    door = await stage.add_sensor("door", kind="door")
    await stage.live("0:4")
    await stage.commit([stage.row(0, None, sensor_id=door, door_open=False)])
    await stage.connection.execute("update sensors set unit_id = null, assigned_at = null where id = $1", door)
    changes = await stage.fleet.load(stage.connection)
    await stage.commit([stage.row(1, None, sensor_id=door, door_open=True)], changed_units=set(changes.units))
    assert door not in stage.state().every_sensor()
    assert not stage.state().door.open


async def test_readings_of_a_unit_that_is_gone_are_stored_and_judged_no_more(stage: Stage) -> None:
    await stage.live("0:4 5:8")
    await stage.change("update units set deleted_at = now()")
    await stage.live("15:8")
    assert await stage.alerts() == []
    assert await stage.connection.fetchval("select count(*) from sensor_readings") == 3


@pytest.mark.parametrize("changes", [40, pytest.param(10_000, marks=[pytest.mark.chaos, pytest.mark.timeout(900)])])
async def test_changes_of_the_limits_between_readings_judge_each_by_the_limits_of_its_batch(
    stage: Stage, changes: int
) -> None:
    """Every reading is judged by one set of limits: those that the fleet held when its batch was folded."""
    expected = "normal"
    for n in range(changes):
        high = 3 if n % 2 else 5
        await stage.connection.execute("update units set temp_max = $1, updated_at = $2", high, stage.clock())
        await stage.fleet.load(stage.connection)
        stage.clock.forward(seconds=1)
        await stage.commit([stage.row(n / 60, 4.0)])
        if high == 3:
            expected = "excursion"
        elif expected == "excursion":
            expected = "restoring"
        elif expected == "restoring":
            expected = "normal"
        assert stage.state().temperature.phase == expected


# --- manual logs


async def log(stage: Stage, minute: float, celsius: float, unit: int = 0) -> None:
    await stage.connection.execute(
        "insert into manual_logs (organization_id, unit_id, logged_at, celsius) values ($1, $2, $3, $4)",
        stage.planted.organization, stage.units[unit], at(minute), celsius,
    )  # fmt: skip


async def test_a_manual_log_in_time_leaves_manual_required(stage: Stage) -> None:
    await stage.live("0:4 250:tick")
    assert stage.state().status == "manual_required"
    await log(stage, 250, 4.0)
    await stage.commit(ask_logs=True)
    assert stage.state().status == "monitoring_interrupted"
    assert "missed_manual_entry warning resolved 240-250" in await stage.alerts()
    assert await stage.connection.fetchval("select count(*) from manual_logs where judged_at is null") == 0
    await stage.commit(ask_logs=True)
    await stage.same_as_stored()


async def test_a_manual_log_out_of_limits_opens_an_alert_that_a_reading_inside_resolves(stage: Stage) -> None:
    await stage.live("0:4 5:4 6:tick")
    await log(stage, 6, 9.0)
    await stage.commit(ask_logs=True)
    assert await stage.alerts() == ["temp_excursion warning active 6-"]
    assert stage.state().temperature.phase == "normal", "a hand-held thermometer moves no machine"
    await stage.live("10:4")
    assert await stage.alerts() == ["temp_excursion warning resolved 6-10"]


async def test_more_manual_logs_than_a_batch_takes_are_asked_for_again(stage: Stage) -> None:
    await stage.live("0:4")
    await stage.connection.execute(
        """insert into manual_logs (organization_id, unit_id, logged_at, celsius)
           select $1, $2, $3::timestamptz + n * interval '1 second', 4 from generate_series(1, $4) n""",
        stage.planted.organization, stage.units[0], NOON, LOGS + 1,
    )  # fmt: skip
    assert (await stage.commit(ask_logs=True)).judged.more_logs
    assert not (await stage.commit(ask_logs=True)).judged.more_logs
    assert await stage.connection.fetchval("select count(*) from manual_logs where judged_at is null") == 0


# --- late and out of order


async def test_a_late_reading_is_stored_and_moves_nothing(stage: Stage) -> None:
    await stage.live("0:4 10:4")
    before = image(stage.state())
    await stage.commit([stage.row(5, 30.0)])
    assert image(stage.state()) == before
    assert await stage.events("excursion_started") == []
    assert await stage.connection.fetchval("select count(*) from sensor_readings") == 3


async def test_the_same_second_is_in_the_order_of_its_numbers(stage: Stage) -> None:
    await stage.live("0:4")
    await stage.commit([stage.row(1, 9.0, seq=2), stage.row(1, 4.0, seq=1)])
    assert (stage.state().celsius, stage.state().seen_seq) == (9.0, 2)


async def test_a_batch_out_of_order_is_folded_in_event_time(stage: Stage) -> None:
    await stage.backlog("25:4 5:8 20:4 0:4 15:8", minute=26)
    await stage.drain()
    assert await stage.alerts() == ["alarm_active critical resolved 15-25"]


# --- many


async def test_many_units_in_one_batch_keep_their_own_states(emptied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(emptied, monkeypatch, units=30) as stage:
        for minute in (0, 5, 15):
            stage.clock.at = at(minute)
            rows = [stage.row(minute, 8.0 if n % 3 == 0 and minute else 4.0, n) for n in range(30)]
            await stage.commit(rows)
        assert await stage.alerts() == ["alarm_active critical active 15-"] * 10
        units: set[UUID] = {r[0] for r in await stage.connection.fetch("select unit_id from alerts")}
        assert units == set(stage.units[::3])
        await stage.same_as_stored()


async def test_the_alert_keeps_what_raised_it(stage: Stage) -> None:
    await stage.live("0:4 5:8 10:11 15:9 20:12 25:4 30:4")
    row = await stage.connection.fetchrow("select * from alerts")
    assert (row["celsius"], row["extreme_celsius"]) == (9.0, 12.0)
    assert (row["began_at"], row["opened_at"], row["resolved_at"]) == (at(5), at(15), at(30))
    assert row["limits"] is not None
    actions = await stage.connection.fetch("select action, at from alert_timeline order by id")
    assert [tuple(r) for r in actions] == [
        ("opened", at(15)), ("notification_sent", at(15)), ("continued", at(25)), ("resolved_auto", at(30)),
    ]  # fmt: skip


async def test_what_is_judged_is_what_is_stored(stage: Stage) -> None:
    await stage.live(FIVE_MINUTES)
    stored = await readings.between(stage.connection, stage.units[0], LONG_AGO + timedelta(days=1), at(999))
    assert stage.state().seen_at == stored[-1].recorded_at
