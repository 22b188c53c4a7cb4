"""The probes: alive at once, ready only while readings can come in and be stored."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from frostguard.config import IngestSettings
from frostguard.errors import UsageError
from ingest.health import Health


@pytest.fixture
async def health(tmp_path: Path) -> AsyncIterator[Health]:
    made = Health(IngestSettings(port=0, ready_file=tmp_path / "ready"))
    await made.start()
    yield made
    await made.stop()


async def get(health: Health, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as client, client.get(health.address + path) as answer:
        return answer.status, await answer.text()


async def test_it_is_alive_before_it_is_ready(health: Health) -> None:
    assert (await get(health, "/livez"))[0] == 200
    status, body = await get(health, "/readyz")
    assert status == 503
    assert '"database": "starting"' in body


async def test_it_is_ready_with_both_and_not_ready_without_either(health: Health) -> None:
    health.database(ready=True)
    health.broker(ready=True)
    assert (await get(health, "/readyz"))[0] == 200
    health.broker(ready=False, detail="no connection: refused")
    status, body = await get(health, "/readyz")
    assert (status, "no connection: refused" in body) == (503, True)
    health.broker(ready=True)
    health.database(ready=False)
    assert (await get(health, "/readyz"))[0] == 503


async def test_the_ready_file_names_the_address_once_it_is_ready(health: Health, tmp_path: Path) -> None:
    assert not (tmp_path / "ready").exists()
    health.broker(ready=True)
    assert (tmp_path / "ready").read_text().strip() == health.address


async def test_metrics_are_there(health: Health) -> None:
    status, body = await get(health, "/metrics")
    assert (status, "frostguard_readings_stored_total" in body) == (200, True)


async def test_a_taken_port_is_one_clear_line(health: Health) -> None:
    other = Health(IngestSettings(port=int(health.address.rpartition(":")[2])))
    with pytest.raises(UsageError, match="INGEST_PORT: cannot listen on"):
        await other.start()
