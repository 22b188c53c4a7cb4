"""Two organizations with readings of old weeks, and a folder to put them into."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from frostguard.archive import run
from frostguard.archive.reader import Reader
from frostguard.archive.run import Archiver, Outcome
from frostguard.archive.slices import Slices
from frostguard.blobs import Blobs, FolderBlobs
from frostguard.config import ArchiveSettings, DatabaseSettings
from frostguard.domain.reading import Reading
from frostguard.store import partitions, readings
from frostguard.store.archives import Asked
from frostguard.store.connection import Connection, connect
from tests.factories import Planted, identity, make_reading, plant

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
FOREVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@dataclass
class House:
    """What the tests work in."""

    url: str
    connection: Connection
    folder: Path
    own: Planted
    foreign: Planted
    settings: ArchiveSettings
    blobs: Blobs
    stored: list[Reading] = field(default_factory=list)

    @property
    def unit(self) -> UUID:
        return next(iter(self.own.units.values()))

    def rows(self, unit: UUID, monday: datetime, count: int, **changes: object) -> list[Reading]:
        """So many readings, evenly over a week, with everything that a reading can have and lack."""
        step = WEEK / count
        return [
            make_reading(
                0, round(4 + n % 40 / 7, 2),
                **({
                    "unit_id": unit, "recorded_at": monday + n * step, "received_at": monday + n * step + WEEK / 10**6,
                    "sensor_id": identity(f"sensor {unit}"), "seq": n, "humidity": None if n % 3 else 51.5 + n % 7,
                    "door_open": (None, True, False)[n % 3], "battery_volts": 3.61, "battery_percent": n % 101,
                    "rssi": -97 + n % 5, "snr": None if n % 5 == 0 else 7.5,
                } | ({"temperature": None, "fault": "no_probe"} if n % 50 == 49 else {}) | changes),
            )
            for n in range(count)
        ]  # fmt: skip

    async def store(self, rows: Sequence[Reading]) -> None:
        """Into the table, and into what must be there for ever."""
        await partitions.ensure(self.connection, {row.recorded_at for row in rows})
        await readings.copy(self.connection, rows)
        self.stored += rows

    async def archive(self, reached: Callable[[str], None] = lambda _: None, now: datetime = NOW) -> list[Outcome]:
        scratch = self.folder.parent / "scratch"
        scratch.mkdir(exist_ok=True)
        return await Archiver(self.connection, self.blobs, self.settings, scratch, reached).run(now)

    def slices(self, cap: int = 20_000) -> Slices:
        @asynccontextmanager
        async def lend() -> AsyncIterator[Connection]:
            yield self.connection

        return Slices(lend, Reader(self.blobs), cap)

    async def read(self, planted: Planted | None = None, cap: int = 20_000, **more: object) -> list[Reading]:
        """Everything of one organization's first unit."""
        planted = planted or self.own
        asked = Asked(planted.organization, next(iter(planted.units.values())), *FOREVER)
        found = []
        async for some in self.slices(cap).of(asked, **more):
            found += some
        return found

    def expected(self, planted: Planted | None = None) -> list[Reading]:
        unit = next(iter((planted or self.own).units.values()))
        return sorted((r for r in self.stored if r.unit_id == unit), key=lambda r: (r.recorded_at, r.sensor_id, r.seq))

    async def in_table(self) -> int:
        return await self.connection.fetchval("select count(*) from sensor_readings")

    def files(self) -> list[Path]:
        return sorted(self.folder.rglob("*.parquet"))


@pytest.fixture(autouse=True)
def _nobody_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "REMEMBERED_SECONDS", 0.0)


@pytest.fixture
def own(database: str) -> Planted:
    return plant(database)


@pytest.fixture
async def house(database: str, own: Planted, tmp_path: Path) -> AsyncIterator[House]:
    connection = await connect(DatabaseSettings(url=database), "test")
    foreign = plant(database, "other", ["gw-2"], ["a84041000181c062"])
    folder = tmp_path / "archive"
    settings = ArchiveSettings(folder=folder)
    made = House(database, connection, folder, own, foreign, settings, FolderBlobs(folder))
    # The daemon has summed until now.
    await connection.execute("insert into rollup_progress values (0, '2026-11-23', '2026-11-23')")
    yield made
    await connection.close()
