"""Bringing the schema up to date, and back."""

from frostguard import migrate


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
