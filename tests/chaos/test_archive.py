"""`frostguard archive run` killed with SIGKILL at random moments: nothing lost, nothing twice, and it gets done."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from frostguard.store import archives
from tests.archive.conftest import MONDAY, WEEK, House, house, own  # noqa: F401 - fixtures

pytestmark = pytest.mark.chaos

KILLS, WEEKS, EACH = 25, 6, 2000
COMMAND = (sys.executable, "-m", "frostguard.cli", "archive", "run")


def run_for(seconds: float, environment: dict[str, str]) -> bool:
    """Start a run, and kill it after that time. Whether it had ended by itself."""
    run = subprocess.Popen(COMMAND, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return run.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGKILL)
        run.wait()
        return False


async def test_kills_at_random_moments(house: House) -> None:  # noqa: F811
    chance = random.Random(11)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    await house.connection.execute("update rollup_progress set since = $1, upto = $2", MONDAY, midnight)
    for n in range(WEEKS):
        await house.store(house.rows(house.unit, MONDAY + n * WEEK, EACH))
    environment = {**os.environ, "DATABASE_URL": house.url, "ARCHIVE_DIR": str(house.folder)}
    finished = 0
    for _ in range(KILLS):
        finished += await asyncio.to_thread(run_for, 0.5 + chance.random() * 2, environment)
        assert await house.read() == house.expected()
    assert await asyncio.to_thread(run_for, 300, environment)
    files = await archives.all_files(house.connection)
    print(f"\n{KILLS - finished} runs killed, {finished} finished, {len(house.stored)} readings: lost 0, twice 0")
    assert await house.in_table() == 0
    assert sum(row["readings"] for row in files) == len(house.stored)
    assert len(house.files()) == len(files)
    assert await house.read() == house.expected()
