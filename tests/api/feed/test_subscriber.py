"""One who listens: when it is behind, when it is stuck, and how it ends."""

import asyncio

from api.feed import subscriber as module
from api.feed.subscriber import HIGH_BYTES, LOW_BYTES, STUCK_SECONDS, State
from api.feed.topics import Topic
from tests.api.feed.rows import ORG, OTHER_ORG, Listener


async def test_it_is_behind_when_too_much_waits_and_takes_more_when_little_does() -> None:
    one = Listener()
    for waiting, behind, takes in ((0, False, True), (LOW_BYTES + 1, False, False), (HIGH_BYTES + 1, True, False)):
        one.transport.waiting = waiting
        assert (one.fell_behind(), one.takes_more()) == (behind, takes)


async def test_it_is_stuck_only_when_nothing_moves_for_long() -> None:
    one = Listener()
    one.transport.waiting = 300_000
    assert not one.is_stuck(1000.0)
    assert not one.is_stuck(1000.0 + STUCK_SECONDS)
    one.transport.waiting = 200_000  # slow, but it reads
    assert not one.is_stuck(1001.0 + STUCK_SECONDS)
    assert not one.is_stuck(1001.0 + 2 * STUCK_SECONDS)
    assert one.is_stuck(1002.0 + 2 * STUCK_SECONDS)


async def test_roles_of_now_decide() -> None:
    one = Listener(ORG)
    assert one.allows(Topic("org", str(ORG), "units"), ORG)
    assert not one.allows(Topic("org", str(OTHER_ORG), "units"), OTHER_ORG)


async def test_it_ends_once_says_why_and_is_cut_off_later(monkeypatch) -> None:
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.0)
    one = Listener()
    one.ended = asyncio.Event()
    one.close(1013, "too slow")
    one.close(1001, "again")
    assert one.state is State.CLOSED
    assert one.ended.is_set()
    assert one.transport.written == [b"\x88\x0a\x03\xf5too slow"]
    while not one.transport.closed:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert not one.open
