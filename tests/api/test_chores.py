"""What commands have left behind comes out of /metrics, with and without a database."""

import math

import pytest

from frostguard.errors import StoreUnavailableError
from tests.api.conftest import Running

ADD = """
insert into chores (name, succeeded_at, failed_at, seconds, runs, failures, row_count, byte_count)
values ('backup', 'epoch'::timestamptz + interval '1790000000 s', null, 12.5, 3, 1, 4000, 123456),
       ('archive', null, now(), null, 1, 1, 0, 0)
"""


async def scrape(running: Running) -> set[str]:
    running.program.chores._looked = -math.inf
    return set((await running.api.get("/metrics")).body.decode().splitlines())


async def test_every_chore_that_was_ever_done_is_told(running: Running) -> None:
    nothing = await scrape(running)
    assert not any(line.startswith("frostguard_chore_") for line in nothing)
    assert {"frostguard_archive_files 0.0", "frostguard_archive_bytes 0.0"} <= nothing
    await running.world.sql.execute(ADD)
    said = await scrape(running)
    await running.world.sql.execute("delete from chores")
    assert {
        'frostguard_chore_success_time_seconds{chore="backup"} 1.79e+09',
        'frostguard_chore_duration_seconds{chore="backup"} 12.5',
        'frostguard_chore_failing{chore="backup"} 0.0',
        'frostguard_chore_runs_total{chore="backup"} 3.0',
        'frostguard_chore_failures_total{chore="backup"} 1.0',
        'frostguard_chore_rows_total{chore="backup"} 4000.0',
        'frostguard_chore_bytes_total{chore="backup"} 123456.0',
        'frostguard_chore_failing{chore="archive"} 1.0',
    } <= said
    assert not any(line.startswith('frostguard_chore_success_time_seconds{chore="archive"}') for line in said)


async def test_they_are_looked_up_now_and_then_only(running: Running) -> None:
    await scrape(running)
    looked = running.program.chores._looked
    await running.api.get("/metrics")
    assert running.program.chores._looked == looked


async def test_without_a_database_the_last_figures_stay(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    await scrape(running)

    def gone() -> None:
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(running.program.lanes, "lane", gone)
    assert "frostguard_archive_files 0.0" in await scrape(running)
