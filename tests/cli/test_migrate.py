"""Bringing the schema up to date, and back."""

import pytest

from frostguard import migrate
from frostguard.errors import StoreUnavailableError
from frostguard.local.ports import free_port


def test_a_schema_that_is_up_to_date_says_so(command) -> None:
    assert command("migrate").out == "the schema is up to date\n"
    said = command("migrate", "--status")
    assert (said.code, said.out) == (0, "the schema is up to date\n")


def test_what_is_missing_is_listed_and_then_applied(command, database: str) -> None:
    newest = migrate.roll_back(database)[0]
    said = command("migrate", "--status")
    assert (said.code, said.out) == (1, f"missing  {newest}\n")
    assert command("migrate").out == f"applied  {newest}\n"
    assert command("migrate", "--rollback", "1").out == f"undone  {newest}\n"
    assert command("migrate").out == f"applied  {newest}\n"


def test_status_and_rollback_exclude_each_other(command) -> None:
    assert command("migrate", "--status", "--rollback", "1").code == 2


def test_it_waits_for_a_database_that_is_starting(command, monkeypatch: pytest.MonkeyPatch) -> None:
    apply, tries = migrate.apply, iter([StoreUnavailableError("starting up"), None])

    def start(url: str) -> list[str]:
        if error := next(tries):
            raise error
        return apply(url)

    monkeypatch.setattr(migrate, "apply", start)
    said = command("migrate", "--wait", "30")
    assert (said.code, said.out) == (0, "the schema is up to date\n")
    assert said.err == "frostguard: waiting for the database: starting up\n"


def test_it_does_not_wait_unless_it_is_told_to(command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    said = command("migrate")
    assert said.code == 1
    assert "waiting" not in said.err
