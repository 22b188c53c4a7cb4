"""Snapshots: one reading for all who ask at the same time, and the id that belongs to what was read."""

import asyncio

import pytest

from api.feed import snapshots
from api.feed.topics import Topic
from frostguard.errors import StoreUnavailableError
from tests.api.conftest import Running
from tests.api.feed.source import commit_readings
from tests.fakes import until


async def test_many_who_ask_at_once_get_the_same_one(running: Running) -> None:
    org = await running.world.organization(people=False)
    topic = Topic("org", str(org.id), "units")
    asked = running.program.live._snapshots
    found = await asyncio.gather(*(asked.get(topic, org.id) for _ in range(20)))
    assert len({id(each) for each in found}) == 1


async def test_an_old_one_is_read_again(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "FRESH_SECONDS", 0.0)
    org = await running.world.organization(people=False)
    topic = Topic("org", str(org.id), "units")
    first = await running.program.live._snapshots.get(topic, org.id)
    last = await commit_readings(running.world, org.unit, 4.0)
    second = await running.program.live._snapshots.get(topic, org.id)
    assert first.position < last == second.position


async def test_a_failure_is_not_kept(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    org = await running.world.organization(people=False)
    topic = Topic("org", str(org.id), "alerts")
    asked = running.program.live._snapshots

    async def fail(*_: object) -> None:
        raise StoreUnavailableError("away")

    with monkeypatch.context() as patched:
        patched.setattr(snapshots, "_members", fail)
        with pytest.raises(StoreUnavailableError):
            await asked.get(topic, org.id)
    assert (await asked.get(topic, org.id)).frame.kind == "snapshot"


async def test_old_ones_are_forgotten(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(snapshots, "MAX_KEPT", 2)
    org = await running.world.organization(people=False)
    asked = running.program.live._snapshots
    for subject in ("units", "alerts"):
        await asked.get(Topic("org", str(org.id), subject), org.id)
    await asked.get(Topic("site", str(org.site), "units"), org.id)
    await until(lambda: len(asked._reading) == 1, "only the last is kept")


async def test_none_is_kept_when_nobody_asks_any_more(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "FRESH_SECONDS", 0.0)
    org = await running.world.organization(people=False)
    asked = running.program.live._snapshots
    await asked.get(Topic("org", str(org.id), "units"), org.id)
    await until(lambda: not asked._reading, "the beat lets it go")
