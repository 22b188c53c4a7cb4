"""Of a file only the pieces that are asked for are fetched."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from frostguard.archive import files, reader
from frostguard.archive.reader import Reader, Span, span_of
from frostguard.archive.rows import Cutter, to_readings
from frostguard.blobs import FolderBlobs
from frostguard.errors import ArchiveDamagedError
from frostguard.store.archives import ArchiveFile
from tests.archive.conftest import MONDAY, NOW, WEEK
from tests.archive.test_files import HEAD
from tests.archive.test_rows import sent
from tests.factories import identity, make_reading

PER_UNIT = 2500
SENSORS = (identity("0"), identity("1"))
UNITS = sorted((identity(f"unit {n}") for n in range(10)), key=lambda unit: unit.bytes)


def at(n: int) -> datetime:
    return MONDAY + n * WEEK / PER_UNIT


class Counting(FolderBlobs):
    """Counts the bytes that are fetched."""

    fetched = 0

    async def read(self, key: str, first: int, end: int) -> bytes:
        self.fetched += end - first
        return await super().read(key, first, end)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Counting, ArchiveFile]:
    """A file with a row group for each unit, several times as large as its footer."""
    monkeypatch.setattr(files, "ROW_GROUP", PER_UNIT)
    chance = random.Random(1)
    made = [
        make_reading(
            0, chance.uniform(-30, 30), unit_id=unit, recorded_at=at(n), sensor_id=SENSORS[n % 2], received_at=NOW
        )
        for unit in UNITS
        for n in range(PER_UNIT)
    ]
    writer = files.PartWriter(tmp_path / "f", HEAD)
    writer.add(Cutter().cut(sent(made)))
    part = writer.close()
    assert part is not None
    return Counting(tmp_path), ArchiveFile(1, HEAD.organization, HEAD.week, "f", *part)


async def test_one_unit_and_time_come_alone(stored: tuple[Counting, ArchiveFile]) -> None:
    blobs, file = stored
    begin, end = MONDAY + timedelta(days=2), MONDAY + timedelta(days=3)
    read = Reader(blobs)
    found = to_readings(await read.rows(file, span_of(UNITS[3], begin, end)))
    assert {r.unit_id for r in found} == {UNITS[3]}
    assert [r.recorded_at for r in found] == [at(n) for n in range(PER_UNIT) if begin <= at(n) < end]
    assert blobs.fetched < file.size
    after = blobs.fetched
    only = await read.rows(file, span_of(UNITS[3], begin, end), SENSORS[1])
    assert 0 < len(only) < len(found)
    assert blobs.fetched - after < file.size / 5, "the footer is remembered"


async def test_what_is_not_there_costs_nothing_but_the_footer(stored: tuple[Counting, ArchiveFile]) -> None:
    blobs, file = stored
    read = Reader(blobs)
    await read.keys(file, Span(MONDAY, MONDAY + WEEK, UNITS[0].bytes, UNITS[0].bytes))
    before = blobs.fetched
    for span in (
        span_of(identity("nobody"), MONDAY, MONDAY + WEEK)._replace(first=b"\xff" * 16, last=b"\xff" * 16),
        span_of(UNITS[0], MONDAY - WEEK, MONDAY),
    ):
        assert len(await read.rows(file, span)) == 0
    assert blobs.fetched == before


async def test_a_range_of_units(stored: tuple[Counting, ArchiveFile]) -> None:
    blobs, file = stored
    found = await Reader(blobs).keys(file, Span(MONDAY, MONDAY + WEEK, UNITS[2].bytes, UNITS[5].bytes))
    assert len(found) == 4 * PER_UNIT


async def test_footers_that_are_forgotten_are_read_again(
    stored: tuple[Counting, ArchiveFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs, file = stored
    monkeypatch.setattr(reader, "FOOTERS", 0)
    read = Reader(blobs)
    for _ in range(2):
        assert len(await read.rows(file, span_of(UNITS[0], MONDAY, MONDAY + WEEK))) == PER_UNIT


@pytest.mark.parametrize("spoil", ["gone", "footer", "body"])
async def test_a_broken_file_says_so(stored: tuple[Counting, ArchiveFile], tmp_path: Path, spoil: str) -> None:
    blobs, file = stored
    path = tmp_path / "f"
    data = path.read_bytes()
    if spoil == "gone":
        path.unlink()
    elif spoil == "footer":
        path.write_bytes(data[:-300] + bytes(292) + data[-8:])
    else:
        path.write_bytes(data[:4] + bytes(len(data) // 2) + data[len(data) // 2 + 4 :])
    with pytest.raises(ArchiveDamagedError):
        await Reader(blobs).rows(file, span_of(UNITS[0], MONDAY, MONDAY + WEEK))
