"""The binary COPY stream, against asyncpg's own encoder and against the bytes of the manual."""

import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostguard.config import DatabaseSettings
from frostguard.domain.reading import Reading
from frostguard.domain.run import pieces
from frostguard.store import packing, readings
from frostguard.store.connection import Connection, connect
from tests.factories import make_reading


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    opened = await connect(DatabaseSettings(url=database), "test")
    yield opened
    await opened.close()


numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
moments = st.integers(0, 4_260_000_000_000_000).map(
    lambda n: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=n)
)
rows = st.builds(
    Reading,
    unit_id=st.uuids(),
    recorded_at=moments,
    sensor_id=st.uuids(),
    seq=st.integers(0, 2**63 - 1),
    received_at=moments,
    temperature=st.none() | st.floats(allow_nan=False),
    humidity=st.none() | numbers,
    door_open=st.none() | st.booleans(),
    battery_volts=st.none() | numbers,
    battery_percent=st.none() | st.integers(-(2**15), 2**15 - 1),
    rssi=st.none() | st.integers(-(2**15), 2**15 - 1),
    snr=st.none() | numbers,
    fault=st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50),
)


def packed(given_rows: list[Reading]) -> bytes:
    """The whole stream."""
    return b"".join([packing.HEADER, *map(packing.pack, pieces(given_rows)), packing.TRAILER])


def unpacked(data: bytes) -> list[Reading]:
    """A slow reader of the format, written from the manual."""
    assert data[:11] == b"PGCOPY\n\xff\r\n\0"
    assert data[11:19] == bytes(8)
    at, found = 19, []
    while (columns := int.from_bytes(data[at : at + 2], "big", signed=True)) != -1:
        at += 2
        values: list[bytes | None] = []
        for _ in range(columns):
            size = int.from_bytes(data[at : at + 4], "big", signed=True)
            at += 4
            values.append(None if size == -1 else data[at : at + size])
            at += max(size, 0)
        found.append(Reading(*[_value(n, raw) for n, raw in enumerate(values)]))
    assert at + 2 == len(data)
    return found


KINDS = ["uuid", "time", "uuid", ">q", "time", ">d", ">f", ">?", ">f", ">h", ">h", ">f", "text"]


def _value(column: int, raw: bytes | None) -> object:
    kind = KINDS[column]
    if raw is None:
        return None
    if kind == "uuid":
        return UUID(bytes=raw)
    if kind == "time":
        return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=int.from_bytes(raw, "big", signed=True))
    return raw.decode() if kind == "text" else struct.unpack(kind, raw)[0]


@settings(max_examples=200, deadline=None)
@given(st.lists(rows, max_size=20))
def test_what_is_packed_can_be_read_again(given_rows: list[Reading]) -> None:
    found = unpacked(packed(given_rows))
    assert sorted(found, key=repr) == sorted(given_rows, key=repr)


def test_rows_that_are_null_in_the_same_columns_keep_their_order() -> None:
    many = [make_reading(n, float(n)) for n in range(1234)]
    assert unpacked(packed(many)) == many


@pytest.mark.parametrize("bad", [{"rssi": 2**15}, {"seq": 2**63}, {"battery_percent": -(2**15) - 1}, {"snr": 1e300}])
def test_a_number_that_does_not_fit_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises((struct.error, OverflowError)):
        packed([make_reading(), make_reading(1, **bad)])


async def test_the_server_reads_the_same_as_from_the_general_encoder(connection: Connection) -> None:
    edge = make_reading(
        2, -0.0, humidity=51.3, door_open=True, battery_volts=3.61, battery_percent=88, rssi=-97, snr=7.5,
        seq=2**63 - 1, fault="größer", recorded_at=datetime(2038, 1, 19, 3, 14, 8, 999_999, tzinfo=UTC),
    )  # fmt: skip
    some = [make_reading(0), make_reading(1, None), edge]
    await connection.execute(readings.CREATE_STAGING.replace("on commit delete rows", ""))
    source = packed(some)

    async def stream() -> AsyncIterator[bytes]:
        yield source

    await connection.copy_to_table("staging", source=stream(), columns=Reading._fields, format="binary")
    ours = await connection.fetch("select * from staging order by recorded_at")
    await connection.execute("truncate staging")
    await connection.copy_records_to_table("staging", records=some, columns=Reading._fields)
    assert ours == await connection.fetch("select * from staging order by recorded_at")
