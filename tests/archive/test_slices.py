"""Table and archive as one: in order, each reading once, in pieces that fit into memory."""

import pytest

from frostguard.archive.slices import Slices
from frostguard.errors import ArchiveDamagedError, ArchiveUnavailableError
from frostguard.store import archives
from frostguard.store.archives import Asked
from tests.archive.conftest import FOREVER, MONDAY, NOW, WEEK, House
from tests.factories import identity


async def fill(house: House) -> None:
    """A week in the archive, one in both places, one in the table."""
    for n in range(3):
        await house.store(house.rows(house.unit, MONDAY + n * WEEK, 60))
        if n < 2:
            await house.archive()
    again = [r for r in house.stored if r.recorded_at >= MONDAY + WEEK][:30]
    await house.connection.execute("create temporary table again as select * from sensor_readings limit 0")
    for part in (again,):
        stored = list(house.stored)
        await house.store([r._replace(received_at=NOW) for r in part if r.recorded_at < MONDAY + 2 * WEEK])
        house.stored = stored


@pytest.mark.parametrize("cap", [1, 7, 59, 60, 61, 20_000])
async def test_both_orders_in_slices_of_any_size(house: House, cap: int) -> None:
    await fill(house)
    assert await house.read(cap=cap) == house.expected()
    assert await house.read(cap=cap, newest_first=True) == house.expected()[::-1]


async def test_more_at_one_moment_than_fits_stays_together(house: House) -> None:
    at = MONDAY + WEEK / 2
    rows = [r._replace(recorded_at=at) for r in house.rows(house.unit, MONDAY, 9)]
    await house.store([*rows, rows[0]._replace(recorded_at=at + WEEK / 10), rows[0]._replace(recorded_at=MONDAY)])
    for _ in range(2):
        for newest_first in (False, True):
            found = await house.read(cap=4, newest_first=newest_first)
            assert found == (house.expected()[::-1] if newest_first else house.expected())
        await house.archive()


async def test_one_sensor_and_a_time(house: House) -> None:
    await fill(house)
    begin, end, sensor = MONDAY + WEEK / 3, MONDAY + WEEK * 2.5, identity(f"sensor {house.unit}")
    found = []
    async for some in house.slices().of(Asked(house.own.organization, house.unit, begin, end, sensor)):
        found += some
    assert found == [r for r in house.expected() if begin <= r.recorded_at < end]
    async for some in house.slices().of(Asked(house.own.organization, house.unit, begin, end, identity("other"))):
        assert some == []


async def test_nobody_reads_another_organizations_files(house: House) -> None:
    await fill(house)
    asked = Asked(house.foreign.organization, house.unit, *FOREVER)
    assert [some async for some in house.slices().of(asked)] == []


async def test_a_missing_file_is_damage_while_it_is_listed_and_nothing_afterwards(house: House) -> None:
    await fill(house)
    house.files()[0].unlink()
    with pytest.raises(ArchiveDamagedError):
        await house.read()
    # Retention takes it from the list while somebody reads: he has the list of before.
    before = await archives.files(house.connection, house.own.organization, *FOREVER)
    await house.connection.execute("update archive_files set deleted_at = now() where id = $1", before[0].id)
    slices = house.slices()
    asked = Asked(house.own.organization, house.unit, MONDAY, MONDAY + WEEK)
    assert len(await slices._archived(asked, before[:1])) == 0


async def test_without_an_archive_old_readings_are_refused_and_new_ones_shown(house: House) -> None:
    await fill(house)
    bare = Slices(house.slices()._lend, None)
    asked = Asked(house.own.organization, house.unit, MONDAY + 2 * WEEK, MONDAY + 3 * WEEK)
    assert len([r async for some in bare.of(asked) for r in some]) == 60
    with pytest.raises(ArchiveUnavailableError, match="not configured"):
        [some async for some in bare.of(asked._replace(begin=MONDAY))]
