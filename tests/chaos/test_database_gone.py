"""The database is stopped under load and comes back: who asks is told to wait, who listens misses nothing."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.api.conftest import Running, serving
from tests.api.feed.clients import Ended, connected
from tests.chaos.rig import Rig, rigged
from tests.fakes import until

RATE, COUNT, DOWN_SECONDS = 500, 10_000, 12.0
COME_BACK = {1001, 1013}  # codes that docs/feeds.md tells a client to come back for


class Listener:
    """A client of one unit's readings, which comes back with `after` where its socket is closed."""

    def __init__(self, unit: UUID, token: str) -> None:
        self.topic, self.token = f"unit:{unit}:readings", token
        self.position: int | None = None
        self.seen: list[
            tuple[datetime, int, int]
        ] = []  # with the frame's id: a simulator that was held up measures twice at once
        self.stretches: list[tuple[datetime, datetime]] = []  # told as a whole, to be read again
        self.closed: list[int | None] = []

    async def listen(self, running: Running) -> None:
        while True:
            async with connected(running.api.http, running.api.base, self.token) as socket:
                self._take(await socket.subscribe(self.topic, self.position))
                try:
                    while True:
                        with contextlib.suppress(TimeoutError):  # nothing is stored meanwhile
                            self._take(await socket.next())
                except Ended as ended:
                    self.closed.append(ended.code)

    def _take(self, message: dict[str, Any]) -> None:
        assert message["type"] not in {"snapshot_needed", "refused"}
        self.position = message.get("id", self.position)
        if message["type"] == "readings":
            self.seen += [
                (datetime.fromisoformat(each["recordedAt"]), message["id"], n)
                for n, each in enumerate(message["readings"])
            ]
        if message["type"] == "backlog":
            self.stretches.append((datetime.fromisoformat(message["from"]), datetime.fromisoformat(message["to"])))

    def missed(self, stored: set[datetime]) -> set[datetime]:
        """Of those that are stored, the ones that it has neither seen nor been told to read again."""
        seen = {at for at, _, _ in self.seen}
        return {at for at in stored - seen if not any(a <= at <= b for a, b in self.stretches)}


async def ask_until_it_is_back(running: Running, rig: Rig, path: str, token: str) -> tuple[list[int], float]:
    """Ask for something while the database is down: the statuses, and the most memory that the daemon had."""
    answers, most, end = [], 0.0, time.monotonic() + DOWN_SECONDS
    while time.monotonic() < end:
        headers = {"Authorization": f"Bearer {token}"}
        async with running.api.http.get(running.api.base + path, headers=headers) as answer:
            answers.append(answer.status)
            assert answer.status != 503 or int(answer.headers["Retry-After"]) > 0
        most = max(most, rig.daemon_memory_mb())
        await asyncio.sleep(0.1)
    return answers, most


@pytest.mark.case("B4")
async def test_a_database_that_is_stopped_under_load_costs_neither_memory_nor_readings(
    tmp_path: Path, case: Callable[..., None]
) -> None:
    """B4: for 12 s, longer than the daemon is patient with the broker's connection open."""
    with rigged(tmp_path, gateways=20, sensors=5) as rig:
        await asyncio.to_thread(rig.start_daemon)
        async with serving(rig.database) as running:
            sql = running.world.sql
            organization, unit = await sql.fetchrow("select organization_id, id from units order by id limit 1")
            token = await running.world.token(await running.world.member(organization, "viewer"))
            listener = Listener(unit, token)
            listening = asyncio.create_task(listener.listen(running))
            await until(lambda: listener.position is not None, "the client listens")
            rig.publish("--rate", str(RATE), "--count", str(COUNT))
            await until(lambda: asyncio.to_thread(lambda: rig.count() > 2000), "readings come")
            before = rig.daemon_memory_mb()
            await asyncio.to_thread(rig.postgres.stop, signal.SIGINT)
            answers, most = await ask_until_it_is_back(running, rig, f"/units/{unit}", token)
            await asyncio.to_thread(rig.postgres.start)
            await asyncio.to_thread(rig.finish)
            await until(lambda: asyncio.to_thread(lambda: rig.count() == COUNT), "all are stored", 60)
            most = max(most, rig.daemon_memory_mb())
            case("memory that the daemon took more", most - before, "MB", below=20)
            case("answers of the API meanwhile", len(answers))
            case("of them other than 503 with Retry-After", sum(status != 503 for status in answers), equal=0)
            with psycopg.connect(rig.database) as c:
                times = "select recorded_at from sensor_readings where unit_id = %s"
                stored = {at for (at,) in c.execute(times, (unit,))}
            await until(lambda: not listener.missed(stored), "the client has heard of every reading of its unit")
            case("readings that a client missed", len(listener.missed(stored)), equal=0)
            case("readings that it saw twice", len(listener.seen) - len(set(listener.seen)), equal=0)
            case("sockets closed meanwhile", len(listener.closed))
            assert set(listener.closed) <= COME_BACK
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
        verdict = rig.verdict()
        assert verdict.faults == {}
        case("readings stored", verdict.stored, equal=COUNT)
