"""A week comes back as it was, or not at all."""

from datetime import timedelta
from pathlib import Path

import pytest

from frostguard.archive import files
from frostguard.archive.restore import restore, verify
from frostguard.errors import ArchiveDamagedError
from tests.archive.conftest import MONDAY, NOW, House


@pytest.fixture
async def archived(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A week with several row groups."""
    monkeypatch.setattr(files, "ROW_GROUP", 64)
    for planted in (house.own, house.foreign):
        await house.store(house.rows(next(iter(planted.units.values())), MONDAY, 200))
    await house.archive()
    return house


async def test_a_week_comes_back_and_stays_for_its_time(archived: House, tmp_path: Path) -> None:
    house, until = archived, NOW + timedelta(days=30)
    assert await restore(house.connection, house.blobs, MONDAY, until, tmp_path) == 400
    assert await restore(house.connection, house.blobs, MONDAY, until, tmp_path) == 0
    assert await house.in_table() == 400
    assert await house.read() == house.expected(), "none is met twice"
    assert await house.archive() == []
    assert [(o.readings, o.size) for o in await house.archive(now=until)] == [(400, 0)], "nothing is written again"
    assert await house.in_table() == 0
    assert await house.read() == house.expected()


async def test_rows_are_those_that_left(archived: House, tmp_path: Path) -> None:
    house = archived
    await restore(house.connection, house.blobs, MONDAY, NOW, tmp_path)
    await house.connection.execute("delete from archive_files")
    for planted in (house.own, house.foreign):
        assert await house.read(planted) == house.expected(planted)


async def test_of_a_damaged_file_no_row_is_taken(archived: House, tmp_path: Path) -> None:
    house = archived
    for path in house.files():
        path.write_bytes(path.read_bytes()[:-9] + b"?" + path.read_bytes()[-8:])
    with pytest.raises(ArchiveDamagedError):
        await restore(house.connection, house.blobs, MONDAY, NOW, tmp_path)
    assert await house.in_table() == 0


async def test_a_list_that_says_otherwise_is_found(archived: House, tmp_path: Path) -> None:
    house = archived
    found = [each.problem async for each in verify(house.connection, house.blobs, None, tmp_path)]
    assert found == [None, None]
    await house.connection.execute("update archive_files set readings = readings + 1")
    found = [each.problem or "" async for each in verify(house.connection, house.blobs, MONDAY, tmp_path)]
    assert [text.endswith("holds other readings than the list says") for text in found] == [True, True]
