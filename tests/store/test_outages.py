"""When we listened, and when not."""

from datetime import timedelta

import pytest

from frostguard.domain.outages import Outage
from frostguard.store import outages
from frostguard.store.connection import Connection
from tests.fakes import NOON

HOUR = timedelta(hours=1)


async def test_nothing_is_known_before_the_first_daemon(direct: Connection) -> None:
    assert await outages.load(direct, 0) == (None, ())


async def test_each_shard_has_ears_of_its_own(direct: Connection) -> None:
    await outages.listened(direct, 0, NOON)
    await outages.add(direct, 1, Outage(NOON, NOON + HOUR))
    assert await outages.load(direct, 0) == (NOON, ())
    assert await outages.load(direct, 1) == (None, (Outage(NOON, NOON + HOUR),))


async def test_what_was_heard_is_never_unheard(direct: Connection) -> None:
    await outages.listened(direct, 0, NOON)
    await outages.listened(direct, 0, NOON - HOUR)
    assert (await outages.load(direct, 0))[0] == NOON


async def test_the_newest_are_read_back_oldest_first(direct: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "KEPT", 2)
    spans = [Outage(NOON + n * HOUR, NOON + n * HOUR + HOUR / 2) for n in range(4)]
    for span in reversed(spans):
        await outages.add(direct, 0, span)
        await outages.add(direct, 0, span)  # a commit whose answer was lost
    assert (await outages.load(direct, 0))[1] == tuple(spans[-2:])
