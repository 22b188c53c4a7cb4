"""One file: what goes in comes out, and what was changed shows."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from frostguard.archive import files, rows
from frostguard.archive.files import Head, PartWriter
from frostguard.archive.rows import Cutter
from frostguard.errors import ArchiveDamagedError
from tests.archive.conftest import MONDAY, WEEK
from tests.archive.test_rows import FAULTS, sent
from tests.factories import identity, make_reading

HEAD = Head(identity("organization"), MONDAY, FAULTS)


def array(count: int) -> rows.Array:
    step = WEEK / count
    made = [
        make_reading(0, 4 + n % 7 / 10, recorded_at=MONDAY + n * step, fault=None if n % 9 else FAULTS[n % 3])
        for n in range(count)
    ]
    return Cutter().cut(sent(made))


def write(path: Path, *pieces: rows.Array) -> files.Part:
    writer = PartWriter(path, HEAD)
    for piece in pieces:
        writer.add(piece)
    part = writer.close()
    assert part is not None
    return part


def test_a_file_says_whose_it_is_and_what_is_in_it(tmp_path: Path) -> None:
    all_ = array(1000)
    path = tmp_path / "f.parquet"
    part = write(path, all_[:300], all_[:0], all_[300:])
    assert files.look(path, part.sha256) == (HEAD, part)
    assert (part.readings, part.size) == (1000, path.stat().st_size)
    assert part.first_at == MONDAY
    assert MONDAY < part.last_at < MONDAY + WEEK


def test_how_it_was_cut_does_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_ = array(1000)
    one = write(tmp_path / "one", all_)
    two = write(tmp_path / "two", *np.array_split(all_, 7))
    assert one == two
    monkeypatch.setattr(files, "ROW_GROUP", 100)
    three = write(tmp_path / "three", all_)
    assert pq.read_metadata(tmp_path / "three").num_row_groups == 10
    assert (three.content, three.readings) == (one.content, one.readings)


def test_without_rows_there_is_no_file(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path / "f", HEAD)
    writer.add(array(5)[:0])
    assert writer.close() is None
    assert list(tmp_path.iterdir()) == []


def test_anybody_can_read_it(tmp_path: Path) -> None:
    write(tmp_path / "f", array(10))
    table = pq.read_table(tmp_path / "f")
    assert table.schema.field("recorded_at").type == pa.timestamp("us", "UTC")
    assert table["temperature"][0].as_py() == 4.0
    assert {pq.read_metadata(tmp_path / "f").row_group(0).column(n).compression for n in range(13)} == {"ZSTD"}


@pytest.mark.parametrize("spoil", ["cut", "empty", "other", "version"])
def test_what_is_no_file_of_ours_is_refused(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "f"
    write(path, array(100))
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif spoil == "empty":
        path.write_bytes(b"")
    elif spoil == "other":
        pq.write_table(pa.table({"a": [1]}), path)
    else:
        schema = rows.SCHEMA.with_metadata({files.METADATA: b'{"version": 2}'})
        pq.write_table(schema.empty_table(), path)
    with pytest.raises(ArchiveDamagedError):
        files.look(path, files.digest_of(path))


def test_a_flipped_bit_never_passes(tmp_path: Path) -> None:
    path = tmp_path / "f"
    part = write(path, array(500))
    data = path.read_bytes()
    for at in range(0, len(data), 97):
        path.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        with pytest.raises(ArchiveDamagedError, match="not the bytes"):
            files.look(path, part.sha256)
