"""What a batch adds to the feed, in its own transaction."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from frostguard.store import feed
from frostguard.wire.feed import EVENTS, READINGS, decode_batch, decode_events
from ingest.feed import LISTED, closing
from ingest.judge import Judged
from tests.factories import make_reading
from tests.fakes import NOON
from tests.ingest.stage import Stage, staged


@pytest.fixture
async def stage(emptied: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with staged(emptied, monkeypatch) as one:
        yield one


async def rows(stage: Stage) -> list[feed.Row]:
    return [row for row in await feed.after(stage.connection, 0, 1000) if row.kind in {READINGS, EVENTS}]


def test_a_batch_without_anything_to_show_only_commits() -> None:
    assert closing((), Judged(), NOON) == "commit"
    of_units_that_are_gone = [make_reading(0)] * (LISTED + 1)
    assert closing(of_units_that_are_gone, Judged(), NOON) == "commit"


async def test_the_number_of_ids_is_the_number_of_pieces(stage: Stage) -> None:
    await stage.live("0:4 5:8 15:9")
    for row in await rows(stage):
        pieces = decode_batch(row.body).pieces if row.kind == READINGS else len(decode_events(row.body))
        assert row.last - row.first + 1 == pieces


async def test_each_reading_is_listed_and_the_newest_is_marked(stage: Stage) -> None:
    await stage.backlog("10:4 15:4")
    await stage.backlog("5:4")  # late: stored, but not where the unit stands
    listed = [each for row in await rows(stage) if row.kind == READINGS for each in decode_batch(row.body).readings]
    assert [(each.recorded_at[14:16], each.newest) for each in listed] == [("10", False), ("15", True), ("05", False)]
    assert listed[0].unit_id == str(stage.units[0])


async def test_a_unit_whose_status_changes_is_there_with_its_standing(stage: Stage) -> None:
    await stage.live("0:4 5:4 10:8 20:8")
    standings = [each for row in await rows(stage) if row.kind == READINGS for each in decode_batch(row.body).standings]
    assert list(dict.fromkeys(each.status for each in standings)) == ["ok", "excursion", "alarm_active"]
    assert standings[-1].last_temperature == 8
    kinds = [each.kind for row in await rows(stage) if row.kind == EVENTS for each in decode_events(row.body)]
    assert kinds.index("excursion_started") < kinds.index("alarm_raised") < kinds.index("alert")


async def test_a_large_batch_names_units_instead_of_readings(stage: Stage) -> None:
    many = [make_reading(0, 4.0, unit_id=stage.units[0], sensor_id=stage.sensors[0], recorded_at=NOON
                         + timedelta(seconds=n)) for n in range(LISTED + 1)]  # fmt: skip
    await stage.commit(many)
    (batch,) = [decode_batch(row.body) for row in await rows(stage) if row.kind == READINGS]
    assert batch.readings == []
    assert [(each.unit_id, each.last_temperature) for each in batch.newest] == [(str(stage.units[0]), 4.0)]
    assert batch.since == "2026-11-22T12:00:00Z"
    assert batch.newest[0].last_reading_at == "2026-11-22T12:33:20Z"
