"""The API's connections are all taken: readings come in as before, and who asks is told to come back."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.api.conftest import Running, serving
from tests.chaos.rig import Rig, rigged
from tests.fakes import until

RATE, COUNT, ASKING = 500, 8_000, 200
HELD_SECONDS = 5.0


class Commits:
    """How long the daemon's commits take, between two looks."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.seconds, self.count = self._look()

    def _look(self) -> tuple[float, float]:
        return self.rig.metric("frostguard_commit_seconds_sum"), self.rig.metric("frostguard_commit_seconds_count")

    def mean_ms(self) -> float:
        """Of those since the last look."""
        (seconds, count), before = self._look(), (self.seconds, self.count)
        self.seconds, self.count = seconds, count
        assert count > before[1], "batches were committed meanwhile"
        return (seconds - before[0]) / (count - before[1]) * 1000


async def ask(running: Running, path: str, token: str) -> tuple[int, str | None]:
    headers = {"Authorization": f"Bearer {token}"}
    async with running.api.http.get(running.api.base + path, headers=headers) as answer:
        return answer.status, answer.headers.get("Retry-After")


@pytest.mark.case("B18")
async def test_people_who_wait_for_the_database_hold_up_no_reading(tmp_path: Path, case: Callable[..., None]) -> None:
    with rigged(tmp_path, gateways=20, sensors=5) as rig:
        await asyncio.to_thread(rig.start_daemon)
        async with serving(rig.database) as running:
            organization = await running.world.sql.fetchval("select organization_id from units limit 1")
            token = await running.world.token(await running.world.member(organization, "owner"))
            path = f"/organizations/{organization}/audit"
            assert (await ask(running, path, token))[0] == 200
            rig.publish("--rate", str(RATE), "--count", str(COUNT))
            await until(lambda: asyncio.to_thread(lambda: rig.count() > 500), "readings come")
            commits = Commits(rig)
            await asyncio.sleep(2)
            alone = commits.mean_ms()
            with psycopg.connect(rig.database) as holder:
                holder.execute("lock table audit_log in access exclusive mode")  # the daemon has no use for it
                before, began = rig.count(), time.monotonic()
                asking = [asyncio.create_task(ask(running, path, token)) for _ in range(ASKING)]
                await asyncio.sleep(HELD_SECONDS)
                came = rig.count() - before
                beside = commits.mean_ms()
                holder.rollback()
            answers = await asyncio.gather(*asking)
            took = time.monotonic() - began
            assert (await ask(running, path, token))[0] == 200
        await asyncio.to_thread(rig.finish)
        await until(lambda: asyncio.to_thread(lambda: rig.count() == COUNT), "all are stored", 60)
        verdict = rig.verdict()
    statuses = Counter(status for status, _ in answers)
    case("requests that wait for the database", ASKING)
    case("a commit of the daemon's, alone", alone, "ms")
    case("a commit of the daemon's, beside them", beside, "ms")
    case("readings stored meanwhile, of those sent", came / (RATE * HELD_SECONDS))
    case("the last answer after", took, "s", below=30)
    case("answers other than 200, or 503 with Retry-After", sum(statuses.values()) - statuses[200]
         - sum(status == 503 and wait is not None for status, wait in answers), equal=0)  # fmt: skip
    assert came > RATE * HELD_SECONDS / 2
    assert verdict.faults == {}
    case("readings stored", verdict.stored, equal=COUNT)
