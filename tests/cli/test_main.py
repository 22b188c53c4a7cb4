"""Exit codes and the one line of an error."""

import subprocess
import sys

import pytest

from frostguard.cli import main as commands


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        ((), 2, "the following arguments are required: COMMAND"),
        (("dance",), 2, "invalid choice: 'dance'"),
        (("migrate", "--rollback", "0"), 2, "'0' is not a whole number above 0"),
        (("up", "--port", "70000"), 2, "'70000' is not a port"),
        (("dead-letters", "replay"), 2, "name ids, or --reason, or --all"),
        (("dead-letters", "replay", "1", "--all"), 2, "name ids, or --reason, or --all"),
        (("dead-letters", "show", "7"), 1, "there is no dead letter 7"),
        (("tail", "--unit", "Nowhere"), 2, "no unit is named 'Nowhere'"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(command, arguments: tuple[str, ...], code: int, line: str) -> None:
    said = command(*arguments)
    assert said.code == code
    assert said.err.startswith("frostguard: ")
    assert said.err.count("\n") == 1
    assert line in said.err
    assert said.out == ""


def test_a_missing_setting_is_named(command, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.delenv("DATABASE_URL")
    said = command("status", "--data-dir", str(tmp_path))
    assert said.code == 78
    assert said.err == "frostguard: settings: DATABASE_URL is missing (or DATABASE_URL_FILE, a file that holds it)\n"


@pytest.mark.parametrize("arguments", [("status",), ("migrate",), ("dead-letters", "list")])
def test_a_database_that_does_not_answer_is_one_line(command, monkeypatch: pytest.MonkeyPatch, arguments) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/x")
    said = command(*arguments)
    assert said.code == 1
    assert said.err.startswith("frostguard: ")
    assert said.err.count("\n") == 1
    assert "secret" not in said.err


def test_ctrl_c_is_no_traceback(command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("frostguard.cli.status.run", interrupted)
    assert command("status").code == 130


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    pipeline = f"{sys.executable} -m frostguard.cli check-config --example | head -n 1; echo ${{PIPESTATUS[0]}} >&2"
    done = subprocess.run(["bash", "-c", pipeline], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("# Every setting")
    assert done.stderr.strip() in {"0", "141"}


def test_every_command_says_what_it_does(command) -> None:
    listed = command("--help").out
    for name in commands.parser()._subparsers._group_actions[0].choices:
        assert name in listed
        said = command(name, "--help")
        assert said.code == 0
        assert said.out.startswith("usage: frostguard")
