"""The feeds for long: a client that drops again and again, and clients that never read, among others that do."""

import asyncio
import random

import pytest

from tests.api.conftest import serving
from tests.api.feed.test_live import Follower, deaf_clients, drops_a_hundred_times, write
from tests.api.shared_database import empty, made
from tests.fakes import until

pytestmark = pytest.mark.chaos

FACTS = 50_000
READERS, DEAF = 95, 5


@pytest.fixture
def database(postgres):
    with made(postgres) as url:
        yield url
        empty(url)


async def test_a_client_that_drops_a_hundred_times_during_fifty_thousand_events_sees_each_once(database: str) -> None:
    async with serving(database) as running:
        await drops_a_hundred_times(running, FACTS, 0.6)


async def test_one_in_twenty_never_reads_and_the_others_miss_nothing(database: str) -> None:
    async with serving(database, FEED_SOCKETS_PER_USER=200) as running:
        world, dice = running.world, random.Random(12)
        org = await world.organization(people=False)
        topics = [f"unit:{org.unit}:state", f"org:{org.id}:units"]
        readers = [Follower(topics, org.owner) for _ in range(READERS)]
        following = [asyncio.create_task(reader.follow(running, 600)) for reader in readers]
        hub = running.program.live.hub
        await until(lambda: len(hub.subscribers) == READERS, "the readers are there")
        deaf = await deaf_clients(running, DEAF, topics, org.owner)
        await until(lambda: len(hub.subscribers) == READERS + DEAF, "all are there")
        await write(world, org, dice, FACTS // 2)
        await until(lambda: all(len(r.numbers) == FACTS // 2 for r in readers), "all readers have everything", 120)
        assert all(r.numbers == [float(n) for n in range(FACTS // 2)] for r in readers)
        await until(lambda: len(hub.subscribers) == READERS, "those who never read are cut", 30)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        for writer in deaf:
            writer.close()
