"""Nothing leaves early, everything leaves in the end, and a run that is killed in between is finished by the next."""

from datetime import timedelta

import pytest

from frostguard.archive.expire import Removed, expire
from frostguard.store import retention
from frostguard.store.audit import OPERATOR
from tests.archive.conftest import MONDAY, NOW, WEEK, House

DEFAULT = 731


async def fill(house: House) -> None:
    for n in range(2):
        for planted in (house.own, house.foreign):
            await house.store(house.rows(next(iter(planted.units.values())), MONDAY + n * WEEK, 50))
    await house.archive()


async def set_days(house: House, days: int) -> None:
    row = await retention.get(house.connection, house.own.organization)
    assert row is not None
    await retention.set_days(house.connection, row, OPERATOR, days)


async def test_each_organization_keeps_its_own_time(house: House) -> None:
    await fill(house)
    await set_days(house, 366)
    due = MONDAY + WEEK + timedelta(days=366)
    assert await expire(house.connection, house.blobs, due - timedelta(microseconds=1), DEFAULT) == []
    assert await expire(house.connection, house.blobs, due, DEFAULT) == [
        Removed(house.own.organization, MONDAY, 50)
    ]  # fmt: skip
    assert await house.read() == [r for r in house.expected() if r.recorded_at >= MONDAY + WEEK]
    assert await house.read(house.foreign) == house.expected(house.foreign)
    assert len(house.files()) == 3
    later = MONDAY + 2 * WEEK + timedelta(days=DEFAULT)
    assert len(await expire(house.connection, house.blobs, later, DEFAULT)) == 3
    assert house.files() == []
    assert list(house.folder.rglob("*")) == []


async def test_on_legal_hold_nothing_leaves(house: House) -> None:
    await fill(house)
    row = await retention.get(house.connection, house.own.organization)
    assert row is not None
    await retention.set_hold(house.connection, row, OPERATOR, "a matter in court")
    removed = await expire(house.connection, house.blobs, NOW + timedelta(days=5000), DEFAULT)
    assert {gone.organization for gone in removed} == {house.foreign.organization}
    assert await house.read() == house.expected()


async def test_a_setting_below_the_minimum_removes_nothing_early(house: House) -> None:
    await fill(house)
    assert await expire(house.connection, house.blobs, MONDAY + WEEK + timedelta(days=365), 30) == []


async def test_killed_between_list_and_store_the_next_run_removes_the_file(house: House) -> None:
    await fill(house)

    def killed(_: str) -> None:
        raise RuntimeError

    later = MONDAY + 2 * WEEK + timedelta(days=DEFAULT)
    with pytest.raises(RuntimeError):
        await expire(house.connection, house.blobs, later, DEFAULT, killed)
    assert await house.read() == []
    assert len(house.files()) == 4
    assert await expire(house.connection, house.blobs, later, DEFAULT) == []
    assert house.files() == []
