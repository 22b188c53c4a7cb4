"""What lives as long as the program, and how it ends."""

import asyncio

import pytest

from api import program as module
from api.program import Program, lane_count
from frostguard.config import DatabaseSettings, load
from frostguard.errors import StoreUnavailableError, UsageError
from tests.api.conftest import Running, settings_for


async def test_without_a_database_it_does_not_start() -> None:
    program = Program(settings_for("postgresql://nobody@127.0.0.1:1/x"))
    with pytest.raises(StoreUnavailableError):
        await program.start()
    await program.stop()


def test_a_poor_secret_does_not_start(database: str) -> None:
    with pytest.raises(UsageError, match="JWT_SECRET"):
        Program(settings_for(database, JWT_SECRET="your-super-secret-key-min-32-chars"))


def test_lanes_leave_room_for_the_connections_with_other_duties() -> None:
    for most, lanes in ((1, 2), (5, 2), (10, 7)):
        given = {"DATABASE_URL": "postgresql://x@y/z", "DATABASE_POOL_MAX": most}
        assert lane_count(load(DatabaseSettings, given)) == lanes


async def test_old_sessions_are_swept_and_a_failing_sweep_is_tried_again(running: Running, monkeypatch) -> None:
    monkeypatch.setattr(module, "HOUSEKEEPING_SECONDS", 0)
    swept: list[int] = []

    async def sweep(_: object) -> None:
        swept.append(1)
        if len(swept) == 1:
            raise StoreUnavailableError("x")

    monkeypatch.setattr(module.sessions, "forget_old", sweep)
    task = asyncio.create_task(running.program._keep_house())
    while len(swept) < 3:  # noqa: ASYNC110 - the sweep itself is what we wait for
        await asyncio.sleep(0)
    task.cancel()


async def test_a_start_that_is_tried_again_starts_nothing_twice(running: Running) -> None:
    before = list(running.program._tasks)
    await running.program.start()
    assert running.program._tasks == before


@pytest.mark.case("E7")
async def test_a_task_that_ends_by_itself_is_noticed_and_ends_the_program(running: Running, caplog) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    assert not running.program.broken.is_set()
    task = asyncio.create_task(fail(), name="mail")
    task.add_done_callback(running.program._notice)
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert "a task of the program has ended" in caplog.text
    assert running.program.broken.is_set()


async def test_a_stop_in_order_is_no_task_that_ended_by_itself(database: str) -> None:
    program = Program(settings_for(database))
    await program.start()
    await program.stop()
    assert not program.broken.is_set()
