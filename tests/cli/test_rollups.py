"""The sums of readings at the terminal."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from frostguard.config import DatabaseSettings
from frostguard.domain.buckets import Span, floor
from frostguard.store import partitions, readings, rollups
from frostguard.store.connection import connect
from tests.factories import SERIAL, make_reading, plant

DAY = timedelta(days=1)
TODAY = floor(datetime.now(UTC), Span.DAY)


@pytest.fixture
def history(database: str) -> None:
    """Ten days of one unit, copied in past the daemon."""
    unit = plant(database).units[SERIAL]

    async def fill() -> None:
        connection = await connect(DatabaseSettings(url=database), "test")
        await partitions.ensure(connection, [TODAY - n * DAY for n in range(11)])
        rows = [
            make_reading(0, 4.0, unit_id=unit, recorded_at=TODAY - n * timedelta(minutes=30)) for n in range(1, 10 * 48)
        ]
        await readings.copy(connection, rows)
        await connection.close()

    asyncio.run(fill())


def test_before_the_daemon_ran_nothing_is_summed(command) -> None:
    assert command("rollups", "show").out.startswith("nothing is summed yet")


@pytest.mark.usefixtures("history")
def test_all_of_history_is_summed(command, psql) -> None:
    said = command("rollups", "rebuild")
    assert said.code == 0
    days = said.out.splitlines()[-1].split()[0]
    assert 11 <= int(days) <= 17  # to the begin of the first week
    assert psql("select span, sum(readings) from reading_buckets group by 1 order by 1") == [
        (5, 479), (60, 479), (1440, 479),
    ]  # fmt: skip
    shown = command("rollups", "show").out
    assert f"to {TODAY:%Y-%m-%d} 00:00 UTC" in shown
    assert "five_minutes" in shown
    assert command("rollups", "rebuild").code == 0
    assert psql("select sum(readings) from reading_buckets where span = 60") == [(479,)]


@pytest.mark.usefixtures("history")
def test_some_days_are_summed_without_leaving_a_gap(command, psql) -> None:
    begin, end = TODAY - 4 * DAY, TODAY - 3 * DAY
    said = command("rollups", "rebuild", "--from", f"{begin:%Y-%m-%d}", "--to", f"{end:%Y-%m-%d}")
    assert said.out.splitlines()[-1] == "4 days summed"
    assert psql("select since from rollup_progress") == [(begin,)]


@pytest.mark.usefixtures("history")
def test_the_daemon_may_be_at_it(command, psql, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frostguard.cli.rollups.BUSY_SECONDS", 0.01)
    tried = []
    real = rollups.exclusive

    def busy_at_first(connection, shard):
        tried.append(connection)
        if len(tried) > 1:
            return real(connection, shard)
        return _Busy()

    monkeypatch.setattr(rollups, "exclusive", busy_at_first)
    assert command("rollups", "rebuild", "--from", f"{TODAY:%Y-%m-%d}").code == 0
    assert len(tried) == 2


class _Busy:
    async def __aenter__(self) -> bool:
        return False

    async def __aexit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    "arguments", [("--from", "yesterday"), ("--to", "2026-13-01"), ("--from", "2026-11-02", "--to", "2026-11-01")]
)
def test_days_that_are_none_are_refused(command, arguments: tuple[str, ...]) -> None:
    assert command("rollups", "rebuild", *arguments).code == 2


def test_a_database_without_readings_has_nothing_to_sum(command) -> None:
    assert command("rollups", "rebuild").out.splitlines()[-1] == "there is nothing to sum"


@pytest.mark.usefixtures("history")
def test_days_that_are_in_the_archive_are_left_alone(command, psql) -> None:
    assert command("rollups", "rebuild").code == 0
    week = partitions.week_of(TODAY - 7 * DAY)
    before = psql("select count(*), sum(readings) from reading_buckets where at < %s", week + 7 * DAY)
    psql("insert into reading_weeks (week, archived_at) values (%s, now())", week)
    psql("delete from sensor_readings where recorded_at < %s", week + 7 * DAY)
    said = command("rollups", "rebuild", "--from", f"{week:%Y-%m-%d}")
    assert f"{week:%Y-%m-%d}" not in said.out
    assert psql("select count(*), sum(readings) from reading_buckets where at < %s", week + 7 * DAY) == before
