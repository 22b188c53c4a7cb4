"""Gateways are told how far their readings are committed: the newest number, once, when the session takes it."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

from ingest import telling
from ingest.telling import Telling
from ingest.watermarks import Progress
from tests.factories import GATEWAY, identity, make_fleet
from tests.fakes import until


class Ear:
    """Stands for a session."""

    def __init__(self) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unsent = 0
        self.said: list[tuple[str, dict[str, Any]]] = []

    def publish(self, topic: str, payload: bytes) -> None:
        self.said.append((topic, json.loads(payload)))


async def test_what_moved_is_told_once_and_waits_while_the_session_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "EVERY_SECONDS", 0.001)
    ear, one = Ear(), Telling(make_fleet())
    ear.unsent = telling.MOST_UNSENT + 1
    gateway = identity(GATEWAY)
    running = asyncio.create_task(one.run(lambda: ear))  # type: ignore[arg-type, return-value]
    one.note({(gateway, "boot"): Progress(3)})
    one.note({(gateway, "boot"): Progress(7), (identity("stranger"), "boot"): Progress(1)})
    await asyncio.sleep(0.01)
    assert ear.said == []
    ear.unsent = 0
    await until(lambda: len(ear.said) == 1, "it is told")
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert ear.said == [(f"frostguard/v1/acme/{GATEWAY}/committed", {"boot": "boot", "upto": 7})]
