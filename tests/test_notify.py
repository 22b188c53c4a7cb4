"""What systemd hears from a program, by a socket that plays systemd."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from frostguard.notify import Notifier, Turns
from tests.supervising import Supervisor


@pytest.fixture(params=["file", "abstract"])
def supervisor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Supervisor]:
    address = str(tmp_path / "notify") if request.param == "file" else f"@frostguard-test-{os.getpid()}"
    made = Supervisor(address)
    yield made
    made.close()


def test_it_says_once_that_it_is_ready_and_a_status_only_when_it_is_new(supervisor: Supervisor) -> None:
    notifier = Notifier.from_environment(supervisor.environment())
    notifier.status("PostgreSQL: starting\nbroker: starting")
    notifier.status("PostgreSQL: starting broker: starting")
    notifier.ready("well")
    notifier.ready("well")
    notifier.status("broker: no connection")
    notifier.ready("well")
    supervisor.drain()
    assert supervisor.heard == [
        "STATUS=PostgreSQL: starting broker: starting", "READY=1", "STATUS=well", "STATUS=broker: no connection",
        "STATUS=well",
    ]  # fmt: skip


def test_it_says_once_that_it_stops_and_nothing_after_it(supervisor: Supervisor) -> None:
    notifier = Notifier.from_environment(supervisor.environment())
    notifier.stopping()
    notifier.stopping()
    notifier.status("broker: not connected")
    supervisor.drain()
    assert supervisor.heard == ["STOPPING=1", "STATUS=stopping"]


async def test_it_asks_for_time_until_it_is_ready_and_feeds_the_watchdog_afterwards(supervisor: Supervisor) -> None:
    notifier = Notifier.from_environment(supervisor.environment(watchdog_seconds=0.03))
    beating = asyncio.create_task(notifier.beat(lambda: True))
    await asyncio.to_thread(supervisor.hears, "EXTEND_TIMEOUT_USEC=60000000")
    assert "WATCHDOG=1" not in supervisor.heard
    notifier.ready("well")
    await asyncio.to_thread(supervisor.hears, "WATCHDOG=1")
    beating.cancel()


async def test_without_progress_there_is_no_beat(supervisor: Supervisor) -> None:
    notifier = Notifier.from_environment(supervisor.environment(watchdog_seconds=0.003))
    notifier.ready("well")
    asked: list[int] = []

    def progressing() -> bool:
        asked.append(1)
        return False

    beating = asyncio.create_task(notifier.beat(progressing))
    while len(asked) < 5:  # noqa: ASYNC110 - the question itself is what we wait for
        await asyncio.sleep(0.001)
    beating.cancel()
    supervisor.drain()
    assert supervisor.heard == ["READY=1", "STATUS=well"]


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:9"}, {"WATCHDOG_USEC": "1000000"}],
    ids=["nothing", "empty", "another-kind", "no-socket"],
)
def test_without_a_socket_of_ours_it_says_nothing(environment: dict[str, str]) -> None:
    notifier = Notifier.from_environment(environment)
    notifier.ready("well")
    notifier.stopping()
    assert notifier.watchdog_seconds is None


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"WATCHDOG_USEC": "15000000"}, 15.0),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_ours_only_if_it_means_us(given: dict[str, str], seconds: float | None) -> None:
    assert Notifier.from_environment({"NOTIFY_SOCKET": "/run/x"} | given).watchdog_seconds == seconds


def test_a_supervisor_that_is_gone_is_no_reason_to_fail(tmp_path: Path) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    notifier.ready("well")
    notifier.stopping()


def test_a_round_that_never_ends_is_no_progress_and_resting_is_no_fault() -> None:
    turns = Turns(longest_seconds=0.0)
    assert turns.go_on()
    turns.turn()
    assert not turns.go_on()
    turns.rest()
    assert turns.go_on()
    patient = Turns(longest_seconds=3600.0)
    patient.turn()
    assert patient.go_on()
