"""A gateway that was cut off sends what it kept: between two batches of it, nothing is judged by our clock."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from ingest.catching_up import LONGEST, OLD, QUIET, CatchingUp
from tests.fakes import NOON
from tests.ingest.stage import Stage, staged

GATEWAY = UUID(int=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def stage(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with staged(database, monkeypatch) as one:
        yield one


def test_a_gateway_catches_up_until_nothing_old_has_come_for_a_while() -> None:
    catching_up = CatchingUp()
    assert catching_up.until(GATEWAY, NOON) is None
    catching_up.note({GATEWAY: NOON})
    catching_up.note({GATEWAY: NOON + 8 * SECOND})
    assert catching_up.until(GATEWAY, NOON + 9 * SECOND) == NOON + 8 * SECOND + QUIET
    assert catching_up.until(UUID(int=2), NOON) is None
    assert catching_up.until(None, NOON) is None
    assert catching_up.until(GATEWAY, NOON + 8 * SECOND + QUIET) is None
    assert not catching_up._spans


def test_a_gateway_whose_clock_is_wrong_is_taken_at_its_word_in_the_end() -> None:
    catching_up = CatchingUp()
    held = 0
    for second in range(3600):
        now = NOON + second * SECOND
        catching_up.note({GATEWAY: now})
        held += catching_up.until(GATEWAY, now) is not None
    assert held == LONGEST / SECOND
    later = NOON + timedelta(hours=2)  # it has paused
    catching_up.note({GATEWAY: later})
    assert catching_up.until(GATEWAY, later) is not None


async def sends_what_it_kept(stage: Stage, *, known: bool) -> None:
    """Two hours in two pieces, the door open for a minute where they meet; our clock is looked at between them."""
    await stage.live("0:4 1:closed 2:4")
    await stage.wait(120)
    behind = {stage.gateways[0]: stage.clock()} if known else {}
    pieces = ["7:4 10:4 10.2:open", "11:closed 12:4", *[f"{minute}:4" for minute in range(15, 121, 5)]]
    for piece in pieces:
        stage.clock.forward(seconds=0.1)
        await stage.commit([stage.said(word) for word in piece.split()], behind=behind)
        await stage.commit(ask_alerts=True)
    await stage.wait(122)
    await stage.commit(ask_alerts=True)


async def test_nothing_is_said_of_a_gap_between_two_pieces_of_a_backlog(stage: Stage) -> None:
    await stage.live("0:4 1:closed 2:4")
    await stage.wait(120, ask_alerts=True)
    before = await stage.alerts(), await stage.told()
    await sends_what_it_kept(stage, known=True)
    alerts = await stage.alerts()
    assert [alert.split()[0] for alert in alerts] == [alert.split()[0] for alert in before[0]]
    assert all(" resolved " in alert for alert in alerts)
    assert await stage.told() == before[1]


async def test_without_it_a_door_would_stand_open_for_hours(stage: Stage) -> None:
    """The control: it is the story that makes the difference."""
    await sends_what_it_kept(stage, known=False)
    assert any("door" in alert for alert in await stage.alerts())


async def test_an_alarm_that_the_backlog_leaves_open_is_told_when_it_is_through(stage: Stage) -> None:
    await stage.live("0:4 5:4")
    stage.clock.forward(seconds=3600)
    told = await stage.told()
    warm = [stage.said(f"{minute}:30") for minute in range(10, 61, 5)]
    await stage.commit(warm, behind={stage.gateways[0]: stage.clock()})
    assert await stage.told() == told
    stage.clock.forward(seconds=QUIET / SECOND)
    await stage.commit(ask_alerts=True)
    assert [line.split()[0] for line in (await stage.told())[len(told) :]] == ["alarm_active"]


async def test_an_alarm_of_the_present_does_not_wait_for_what_was_kept(stage: Stage) -> None:
    await stage.set(critical_high=20)
    await stage.live("0:4 5:4")
    stage.clock.at = stage.clock.at + timedelta(hours=1)
    await stage.commit([stage.said("65:30")], behind={stage.gateways[0]: stage.clock()})
    assert [line.split()[0] for line in await stage.told()][-1:] == ["alarm_active"]


def test_what_was_kept_is_older_than_what_was_on_its_way() -> None:
    assert timedelta(seconds=30) <= OLD <= timedelta(minutes=5)
