"""The command, run in this process against a real database."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from frostguard.cli.main import main


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run one command with the test's database in DATABASE_URL."""
    monkeypatch.setenv("DATABASE_URL", database)

    def run(*arguments: str) -> Said:
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run
