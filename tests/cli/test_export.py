"""Readings as files, from table and archive as one."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Said
from tests.cli.test_archive import ANCIENT, OLD, archive  # noqa: F401 - a fixture

Command = Callable[..., Said]
ALL = ("export", "--organization", "acme")


@pytest.fixture(autouse=True)
def _summed(database: str) -> None:
    """So that a run need not sum a year and a half."""
    with psycopg.connect(database) as c:
        c.execute("insert into rollup_progress values (0, %s, date_trunc('day', now()))", (ANCIENT,))


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_file_is_the_same_before_and_after_weeks_have_left(command: Command, tmp_path: Path, kind: str) -> None:
    files = [tmp_path / "before", tmp_path / "after"]
    for path in files:
        said = command(*ALL, "--format", kind, "--output", str(path))
        assert (said.code, said.err) == (0, "200 readings\n")
        assert command("archive", "run").code == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(files[1].read_text())))
    elif kind == "jsonl":
        rows = [json.loads(line) for line in files[1].read_text().splitlines()]
    else:
        rows = pq.read_table(files[1]).to_pylist()
    assert len(rows) == 200
    assert (rows[0]["organization"], rows[0]["sensor"], float(rows[0]["temperature"])) == ("acme", "", 4.0)
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".partial")] == []


@pytest.mark.usefixtures("archive")
def test_some_of_it_to_standard_output(command: Command) -> None:
    said = command(
        *ALL, "--from", f"{OLD:%Y-%m-%d}", "--format", "jsonl", "--site", "site", "--unit", "unit of a84041000181c061"
    )
    assert (said.code, said.err) == (0, "100 readings\n")
    assert said.out.count("\n") == 100
    assert ANCIENT < OLD


@pytest.mark.usefixtures("archive")
def test_an_archive_that_is_not_configured_is_told(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command("archive", "run")
    monkeypatch.delenv("ARCHIVE_DIR")
    said = command(*ALL)
    assert said.code == 1
    assert "ARCHIVE_DIR" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--organization", "nobody"), "no such organization"),
        (("--organization", "acme", "--unit", "x"), "no such organization, site or unit"),
        (("--organization", "acme", "--from", "2026-01-02", "--to", "2026-01-02"), "--from must lie before"),
        (("--organization", "acme", "--output", "/proc/nothing/file"), "/proc/nothing/file"),
    ],
)
def test_what_makes_no_sense_is_one_line(command: Command, arguments: tuple[str, ...], says: str) -> None:
    said = command("export", *arguments)
    assert said.code == 2
    assert says in said.err
    assert said.err.count("\n") == 1
