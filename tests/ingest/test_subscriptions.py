"""What a daemon asks the broker for, and that it keeps in step with its organizations."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from frostguard.domain.shards import Shard
from frostguard.wire.topics import SUBSCRIPTIONS
from ingest.fleet import Fleet
from ingest.mqtt import BrokerUnavailableError
from ingest.subscriptions import Subscriptions
from tests.factories import make_organization
from tests.fakes import until

MARKER = "frostguard/ingest/me/marker"


class Ear:
    """Stands for a session: remembers what was asked of it."""

    def __init__(self, *, fails: bool = False) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self._fails = fails

    async def subscribe(self, subscriptions: Sequence[str]) -> None:
        if self._fails:
            raise BrokerUnavailableError("gone")
        self.asked.append(("+", list(subscriptions)))

    async def unsubscribe(self, subscriptions: Sequence[str]) -> None:
        self.asked.append(("-", list(subscriptions)))


def put(fleet: Fleet, *slugs: str) -> None:
    gone = list(fleet._by_id)
    made = [make_organization(slug, networks=[("tts", f"{slug}@t")]) for slug in slugs]
    fleet._replace(gone, {one.id: one for one in made})


def topics(slug: str) -> list[str]:
    return [f"frostguard/v1/{slug}/+/readings", f"frostguard/v1/{slug}/+/status", f"v3/{slug}@t/devices/+/up"]


async def follow(subscriptions: Subscriptions, ear: Any) -> asyncio.Task[None]:
    heard = asyncio.Event()
    task = asyncio.create_task(subscriptions.follow(ear, heard.set))
    await asyncio.wait_for(heard.wait(), 5)
    return task


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_the_only_daemon_hears_everybody_strangers_too() -> None:
    ear, fleet = Ear(), Fleet()
    subscriptions = Subscriptions(fleet, MARKER)
    task = await follow(subscriptions, ear)
    put(fleet, "acme")
    subscriptions.changed()
    await asyncio.sleep(0)
    await end(task)
    assert ear.asked == [("+", sorted([*SUBSCRIPTIONS, MARKER]))]


async def test_one_of_several_hears_its_own_organizations_and_follows_them() -> None:
    ear, fleet = Ear(), Fleet(Shard(0, 2))
    put(fleet, "acme")
    subscriptions = Subscriptions(fleet, MARKER)
    task = await follow(subscriptions, ear)
    assert ear.asked == [("+", sorted([*topics("acme"), MARKER]))]
    put(fleet, "acme", "zebra")
    subscriptions.changed()
    await until(lambda: len(ear.asked) == 2, "the new one is heard")
    put(fleet, "zebra")
    subscriptions.changed()
    await until(lambda: len(ear.asked) == 3, "the old one is not heard any more")
    await end(task)
    assert ear.asked[1:] == [("+", sorted(topics("zebra"))), ("-", sorted(topics("acme")))]
    put(fleet, "new")
    again = Ear()
    task = await follow(subscriptions, again)
    await until(lambda: len(again.asked) == 2, "what went while the connection was lost is taken back")
    await end(task)
    assert again.asked == [("+", sorted([*topics("new"), MARKER])), ("-", sorted(topics("zebra")))]


async def test_a_connection_that_fails_is_told() -> None:
    with pytest.raises(BrokerUnavailableError):
        await Subscriptions(Fleet(), MARKER).follow(Ear(fails=True), lambda: None)  # type: ignore[arg-type]
