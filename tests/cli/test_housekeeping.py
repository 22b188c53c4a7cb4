"""The command of the timer: does every chore, says what it removed, and does the others where one fails."""

from pathlib import Path

import pytest

from frostguard.cli import archive, housekeeping
from frostguard.errors import StoreUnavailableError, UsageError

ADD = "insert into dead_letters (received_at, topic, payload, reason) values (now() - interval '40 days', 't', '', 'x')"


def test_it_says_what_it_removed(command, psql) -> None:
    psql(ADD)
    said = command("housekeeping")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [f"{name}: 0 removed" for name, _ in housekeeping.CHORES]
    assert psql("select count(*) from dead_letters") == [(1,)]


def test_the_ages_are_settings(command, psql, monkeypatch: pytest.MonkeyPatch) -> None:
    psql(ADD)
    monkeypatch.setenv("DEAD_LETTER_DAYS", "30")
    assert "dead letters: 1 removed" in command("housekeeping").out
    assert psql("select count(*) from dead_letters") == [(0,)]


def test_old_weeks_are_archived_where_there_is_an_archive(
    command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARCHIVE_DIR", str(tmp_path))
    said = command("housekeeping")
    assert (said.code, said.out.splitlines()[-1]) == (0, "nothing to do")
    monkeypatch.setattr(archive, "run_run", _refuse)
    said = command("housekeeping")
    assert (said.code, said.err) == (1, "frostguard: archive: no such bucket\n")


def _refuse(_: object) -> int:
    raise UsageError("no such bucket")


def test_a_chore_that_fails_is_told_and_the_others_are_done(command, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> int:
        raise StoreUnavailableError("no space left")

    chores = (("first", fail), *housekeeping.CHORES[-1:])
    monkeypatch.setattr(housekeeping, "CHORES", chores)
    said = command("housekeeping")
    assert (said.code, said.err) == (1, "frostguard: first: no space left\n")
    assert said.out == "links and invitations: 0 removed\n"
