"""When we listened, and when not."""

from datetime import timedelta
from uuid import UUID

import pytest

from frostguard.domain.outages import Outage
from frostguard.domain.shards import WHOLE, Shard
from frostguard.store import outages
from frostguard.store.connection import Connection
from tests.fakes import NOON

HOUR = timedelta(hours=1)


FIRST, SECOND = Shard(0, 2), Shard(1, 2)


async def spans(direct: Connection, shard: Shard = WHOLE) -> tuple[Outage, ...] | None:
    return (await outages.load(direct, shard))[1].same


async def test_nothing_is_known_before_the_first_daemon(direct: Connection) -> None:
    until, silences = await outages.load(direct)
    assert (until, silences.same) == (None, ())


async def test_each_shard_has_ears_of_its_own(direct: Connection) -> None:
    await outages.listened(direct, FIRST, NOON)
    await outages.add(direct, SECOND, Outage(NOON, NOON + HOUR))
    assert ((await outages.load(direct, FIRST))[0], await spans(direct, FIRST)) == (NOON, ())
    assert ((await outages.load(direct, SECOND))[0], await spans(direct, SECOND)) == (
        None,
        (Outage(NOON, NOON + HOUR),),
    )


async def test_an_organization_keeps_the_silences_of_the_shards_that_it_was_in(direct: Connection) -> None:
    everybodys, ours, theirs = (Outage(NOON + n * HOUR, NOON + n * HOUR + HOUR / 2) for n in range(3))
    await outages.add(direct, WHOLE, everybodys)
    await outages.add(direct, FIRST, ours)
    await outages.add(direct, SECOND, theirs)
    assert await spans(direct, Shard(2, 4)) == (everybodys, ours)
    assert await spans(direct, Shard(3, 4)) == (everybodys, theirs)
    _, silences = await outages.load(direct)
    assert silences.same is None
    assert silences.of(UUID(int=6)) == (everybodys, ours)
    assert silences.of(UUID(int=7)) == (everybodys, theirs)


async def test_what_was_heard_is_never_unheard(direct: Connection) -> None:
    await outages.listened(direct, WHOLE, NOON)
    await outages.listened(direct, WHOLE, NOON - HOUR)
    assert (await outages.load(direct))[0] == NOON


async def test_the_newest_are_read_back_oldest_first(direct: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "KEPT", 2)
    ours = [Outage(NOON + n * HOUR, NOON + n * HOUR + HOUR / 2) for n in range(4)]
    for span in reversed(ours):
        await outages.add(direct, WHOLE, span)
        await outages.add(direct, WHOLE, span)  # a commit whose answer was lost
    assert await spans(direct) == tuple(ours[-2:])
