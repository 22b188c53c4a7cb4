"""`frostguard export`: readings as CSV, JSON lines or Parquet, from the table and the archive as one, however many."""

import argparse
import csv
import io
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import orjson

from frostguard import blobs
from frostguard.cli.arguments import ArgumentsError, add_command, add_database, with_connection
from frostguard.cli.moments import moment
from frostguard.config import ArchiveSettings, load
from frostguard.domain.reading import Reading
from frostguard.errors import ArchiveUnavailableError
from frostguard.store import archives, exports
from frostguard.store.archives import Asked
from frostguard.store.connection import Connection, Record

# frostguard.archive is imported where it is needed: other commands need not carry its 50 MB.
if TYPE_CHECKING:
    from frostguard.archive.slices import Slices

LONG_SECONDS = 600
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
PLACES = ("organization", "site", "area", "unit", "sensor")
# As text: a unit's id stands beside its name, because names change.
COLUMNS = (*PLACES, *Reading._fields)


class Sink(Protocol):
    """What a format does with rows."""

    def rows(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write rows, of COLUMNS."""

    def close(self) -> None:
        """Write what belongs to the end."""


class CsvSink:
    """One line a reading, after a line of names; times in UTC; nothing for what was not measured."""

    def __init__(self, file: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def rows(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write lines."""
        self._writer.writerows([[_plain(value) for value in row] for row in rows])

    def close(self) -> None:
        """Let go of the file, which belongs to somebody else."""
        self._text.detach()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else value


class JsonSink:
    """One JSON object a line; what was not measured is null."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def rows(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write lines."""
        for row in rows:
            line = dict(zip(COLUMNS, row, strict=True))
            self._file.write(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))

    def close(self) -> None:
        """There is no end."""


class ParquetSink:
    """One file with row groups as the slices come; ids as text."""

    def __init__(self, file: IO[bytes]) -> None:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        from frostguard.archive.rows import SCHEMA  # noqa: PLC0415

        kinds = {field.name: field.type for field in SCHEMA} | {"unit_id": pa.string(), "sensor_id": pa.string()}
        self._arrow = pa
        self._schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")

    def rows(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write a row group."""
        columns = zip(*rows, strict=True)
        made = [
            self._arrow.array([str(v) for v in column] if name in ("unit_id", "sensor_id") else column, field.type)
            for name, field, column in zip(COLUMNS, self._schema, columns, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(made, schema=self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


FORMATS: dict[str, type[CsvSink | JsonSink | ParquetSink]] = {
    "csv": CsvSink, "jsonl": JsonSink, "parquet": ParquetSink,
}  # fmt: skip


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "export", run, "readings as a file, from the database and the archive as one")
    parser.add_argument("--organization", metavar="SLUG", required=True)
    parser.add_argument("--site", metavar="NAME", help="only this one, by name or id")
    parser.add_argument("--unit", metavar="NAME", help="only this one, by name or id")
    parser.add_argument("--from", dest="begin", type=moment, default=FIRST, metavar="TIME", help="default: all")
    parser.add_argument("--to", dest="end", type=moment, metavar="TIME", help="up to, and without; default: now")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="default: %(default)s")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Write all readings, unit by unit, each oldest first; say on standard error how many."""
    end = given.end or datetime.now(UTC)
    if given.begin >= end:
        raise ArgumentsError("export: --from must lie before --to")
    if given.output is None:
        count = _into(sys.stdout.buffer, given, end)
        sys.stdout.flush()
    else:
        partial = given.output.with_name(f".{given.output.name}.partial")
        try:
            with partial.open("wb") as file:
                count = _into(file, given, end)
            partial.replace(given.output)  # whole or not at all
        except OSError as error:
            raise ArgumentsError(f"export: {given.output}: {error.strerror}") from None
        finally:
            partial.unlink(missing_ok=True)
    print(f"{count} readings", file=sys.stderr)
    return 0


def _into(file: IO[bytes], given: argparse.Namespace, end: datetime) -> int:
    settings = load(ArchiveSettings)

    async def work(connection: Connection) -> int:
        units = await exports.units(connection, given.organization, given.site, given.unit)
        if not units:
            raise ArgumentsError("export: there is no such organization, site or unit")
        sink, count = FORMATS[given.format](file), 0
        async with AsyncExitStack() as stack:
            slices = await _slices(connection, settings, stack)
            for unit in units:
                async for rows in _of_unit(connection, slices, unit, (given.begin, end)):
                    sink.rows(rows)
                    count += len(rows)
        sink.close()
        file.flush()
        return count

    return with_connection(given, work, LONG_SECONDS)


async def _slices(connection: Connection, settings: ArchiveSettings, stack: AsyncExitStack) -> "Slices":
    from frostguard.archive.reader import Reader  # noqa: PLC0415
    from frostguard.archive.slices import Slices  # noqa: PLC0415

    @asynccontextmanager
    async def lend() -> AsyncIterator[Connection]:
        yield connection

    reader = Reader(await stack.enter_async_context(blobs.opened(settings))) if settings.configured else None
    return Slices(lend, reader)


async def _of_unit(
    connection: Connection, slices: "Slices", unit: Record, times: tuple[datetime, datetime]
) -> AsyncIterator[list[tuple[Any, ...]]]:
    sensors: dict[Any, str] = {}
    place = tuple(unit[name] for name in PLACES[:-1])
    try:
        async for rows in slices.of(Asked(unit["organization_id"], unit["id"], *times)):
            unknown = {row.sensor_id for row in rows} - sensors.keys()
            if unknown:
                found = await archives.sensors(connection, unit["organization_id"], unknown)
                sensors |= {each: found[each]["serial"] if each in found else "" for each in unknown}
            yield [(*place, sensors[row.sensor_id], *row) for row in rows]
    except ArchiveUnavailableError as error:
        raise ArchiveUnavailableError(f"export: {error} (see ARCHIVE_DIR, S3_BUCKET)") from None
