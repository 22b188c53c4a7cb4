"""Rows out of PostgreSQL, into Arrow and back, whatever is in them."""

import asyncio
import struct
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostguard.archive import rows
from frostguard.archive.rows import Cutter, from_table, keys, keys_of, to_readings, to_table
from frostguard.domain.reading import Reading
from frostguard.errors import ArchiveDamagedError
from frostguard.store import archives
from tests.archive.conftest import MONDAY, House

FAULTS = ("a fault", "no_probe", "ünïcode")


def single(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, width=32)


FIRST, LAST = datetime(1999, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
READINGS = st.lists(
    st.builds(
        Reading, unit_id=st.uuids(), sensor_id=st.uuids(), seq=st.integers(0, 2**63 - 1),
        recorded_at=MOMENTS, received_at=MOMENTS, temperature=st.none() | st.floats(-100, 150),
        humidity=st.none() | single(0, 100), door_open=st.none() | st.booleans(),
        battery_volts=st.none() | single(0, 10), battery_percent=st.none() | st.integers(0, 100),
        rssi=st.none() | st.integers(-150, 0), snr=st.none() | single(-50, 50),
        fault=st.none() | st.sampled_from(FAULTS),
    ),
    max_size=20,
)  # fmt: skip


def sent(readings: list[Reading]) -> bytes:
    """What the database would send for archives.COPY_WEEK."""
    pieces = [b"PGCOPY\n\xff\r\n\0" + bytes(8)]
    for r in readings:
        values: list[tuple[str, Any]] = [
            ("16s", r.unit_id.bytes), ("q", _microseconds(r.recorded_at)), ("16s", r.sensor_id.bytes), ("q", r.seq),
            ("q", _microseconds(r.received_at)), ("d", _nan(r.temperature)), ("f", _nan(r.humidity)),
            ("h", -1 if r.door_open is None else int(r.door_open)), ("f", _nan(r.battery_volts)),
            ("h", -1 if r.battery_percent is None else r.battery_percent), ("h", 1 if r.rssi is None else r.rssi),
            ("f", _nan(r.snr)), ("i", 0 if r.fault is None else FAULTS.index(r.fault) + 1),
        ]  # fmt: skip
        pieces.append(struct.pack(">h", len(values)))
        pieces += [struct.pack(f">i{code}", struct.calcsize(f">{code}"), value) for code, value in values]
    return b"".join([*pieces, rows.TRAILER])


def _microseconds(at: datetime) -> int:
    return (at - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value


@settings(deadline=None)
@given(READINGS, st.integers(1, 400))
def test_what_was_sent_comes_back_byte_for_byte_and_means_the_same(readings: list[Reading], size: int) -> None:
    data, cutter = sent(readings), Cutter()
    cut = np.concatenate([cutter.cut(data[n : n + size]) for n in range(0, len(data), size)])
    cutter.end()
    assert len(cut) == len(readings)
    table = to_table(cut, FAULTS)
    assert from_table(table, FAULTS).tobytes() == data[rows.HEADER_BYTES : -2]
    assert (keys(cut) == keys_of(table)).all()
    for made, given_ in zip(to_readings(table), readings, strict=True):
        assert made[:6] == given_[:6]
        assert made[7] == given_[7]
        assert made[9:11] == given_[9:11]
        assert made.fault == given_.fault
        for number in (6, 8, 11):
            singles = [None if v is None else np.float32(v) for v in (made[number], given_[number])]
            assert singles[0] == singles[1]


@pytest.mark.parametrize("at", [20, 24])
def test_rows_of_another_form_are_refused(at: int) -> None:
    data = bytearray(sent([Reading(UUID(int=1), MONDAY, UUID(int=2), 0, MONDAY)]))
    data[at] ^= 1
    with pytest.raises(ArchiveDamagedError, match="another form"):
        Cutter().cut(bytes(data))


def test_a_stream_that_ends_early_is_refused() -> None:
    cutter = Cutter()
    cutter.cut(sent([Reading(UUID(int=1), MONDAY, UUID(int=2), 0, MONDAY)])[:-10])
    with pytest.raises(ArchiveDamagedError, match="not complete"):
        cutter.end()


def test_a_slice_of_a_table_is_read_from_its_own_begin() -> None:
    column = pa.chunked_array([pa.array([UUID(int=n).bytes for n in range(9)], pa.binary(16))]).slice(3, 4)
    assert [bytes(value) for value in rows.ids(column)] == [UUID(int=n).bytes for n in range(3, 7)]


async def test_the_database_sends_what_is_expected(house: House) -> None:
    stored = house.rows(house.unit, MONDAY, 120)
    await house.store(stored)
    pieces: list[bytes] = []

    async def take(piece: bytes) -> None:
        await asyncio.sleep(0)
        pieces.append(piece)

    name = "sensor_readings_2026w23"
    await archives.copy_out(house.connection, name, [house.unit], ["no_probe"], take)
    cutter = Cutter()
    cut = cutter.cut(b"".join(pieces))
    cutter.end()
    assert to_readings(to_table(cut, ["no_probe"])) == stored
    # And takes it back.
    await house.connection.execute("delete from sensor_readings")
    assert await archives.copy_in(house.connection, b"".join(pieces), ["no_probe"]) == 120
    assert await archives.copy_in(house.connection, b"".join(pieces), ["no_probe"]) == 0
    assert await house.read() == stored
