"""What several commands share."""

import argparse

import pytest

from frostguard.cli import arguments
from frostguard.cli.arguments import again_and_again, database_settings, port, positive
from frostguard.errors import StoreUnavailableError, UsageError
from frostguard.local.folder import DataFolder


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("65535", 65535)])
def test_numbers(text: str, number: int) -> None:
    assert positive(text) == port(text) == number


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1.5", "²"])
def test_what_is_no_positive_number(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        positive(text)


@pytest.mark.parametrize("text", ["-1", "65536", "x", "", "²"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        port(text)


def test_the_environment_wins_over_the_data_folder(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = DataFolder.open(tmp_path)
    folder.remember(database_url="postgresql://folder")
    folder.close()
    given = argparse.Namespace(data_dir=tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://environment")
    assert database_settings(given).url.get_secret_value() == "postgresql://environment"
    monkeypatch.delenv("DATABASE_URL")
    assert database_settings(given).url.get_secret_value() == "postgresql://folder"
    with pytest.raises(UsageError, match="DATABASE_URL is missing"):
        database_settings(argparse.Namespace(data_dir=tmp_path / "other"))


def test_a_turn_that_fails_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    def fail(_: object) -> int:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(arguments.time, "sleep", pause)
    with pytest.raises(KeyboardInterrupt):
        again_and_again(argparse.Namespace(every=5), fail)
    assert pauses == [5, 5, 5]
    assert capsys.readouterr().err == "frostguard: away\n" * 3


def test_without_every_a_command_is_done_once() -> None:
    assert again_and_again(argparse.Namespace(every=0), lambda _: 7) == 7
