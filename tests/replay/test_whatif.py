"""What other settings would have made of the same readings."""

import pytest

from frostguard.replay.changes import ChangeRefusedError
from frostguard.replay.story import Span
from frostguard.replay.whatif import Replayed, replay_units
from frostguard.store import replay as table
from frostguard.store.connection import Connection
from tests.factories import Planted
from tests.replay.life import BEGIN, MINUTE

END = BEGIN + 120 * MINUTE


async def replayed(connection: Connection, span: Span, **changes: float | None) -> dict[str, Replayed]:
    async with table.snapshot(connection):
        scope = await table.scope(connection)
        return {one.unit["unit"]: one async for one in replay_units(connection, scope, span, changes)}


@pytest.mark.usefixtures("lived")
async def test_without_a_change_there_is_one_outcome_and_it_is_that_of_the_record(connection: Connection) -> None:
    units = await replayed(connection, Span(table.EARLIEST, END))
    assert {one.after for one in units.values()} == {None}
    recorded = await connection.fetch("select id from alerts where alert_type = 'alarm_active' and not backfilled")
    told = {a.id for one in units.values() for a in one.before.alerts if a.type == "alarm_active" and not a.backfilled}
    assert told == {row["id"] for row in recorded}
    assert sum(one.readings for one in units.values()) == await connection.fetchval(
        "select count(*) from sensor_readings"
    )


@pytest.mark.usefixtures("lived")
async def test_higher_limits_make_fewer_episodes_and_lower_ones_more_minutes(connection: Connection) -> None:
    units = (await replayed(connection, Span(table.EARLIEST, END), high=20, critical_high=None)).values()
    assert any(one.before.episodes for one in units)
    assert all(one.after is not None and not one.after.episodes and not one.after.seconds_out for one in units)
    units = (await replayed(connection, Span(table.EARLIEST, END), high=3)).values()
    assert all(one.after is not None and one.after.seconds_out > one.before.seconds_out for one in units)


@pytest.mark.usefixtures("lived")
async def test_a_later_begin_finds_the_units_as_they_were(connection: Connection) -> None:
    """Folding begins long before the span, so a span within an alarm still tells when that began."""
    whole = await replayed(connection, Span(table.EARLIEST, END))
    for name, one in whole.items():
        for episode in one.before.episodes:
            if episode.alarm_at is None:
                continue
            part = (await replayed(connection, Span(episode.alarm_at + MINUTE, END)))[name]
            assert episode in part.before.episodes
            assert part.readings < one.readings


async def test_what_contradicts_another_setting_of_a_unit_is_refused(connection: Connection, lived: Planted) -> None:
    name = await connection.fetchval("select name from units where id = $1", lived.units["strict"])
    with pytest.raises(ChangeRefusedError, match=f"critical_high must not be below high .*{name}"):
        await replayed(connection, Span(table.EARLIEST, END), high=12)


@pytest.mark.usefixtures("lived")
async def test_a_deadline_that_passed_while_a_reading_was_held_up_counts_as_it_did(connection: Connection) -> None:
    """Silence is told by the clock of the arrivals, so the interruptions are those on record."""
    units = await replayed(connection, Span(table.EARLIEST, END))
    recorded = await connection.fetch("select id from alerts where alert_type = 'monitoring_interrupted'")
    told = {a.id for one in units.values() for a in one.before.alerts if a.type == "monitoring_interrupted"}
    assert told == {row["id"] for row in recorded}
