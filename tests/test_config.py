"""Where settings come from: the environment, a file per secret, or the folder of systemd's credentials."""

from pathlib import Path

import pytest

from frostguard.config import AuthSettings, DatabaseSettings, MailSettings, is_given, load
from frostguard.errors import UsageError

URL = "postgresql://of@a.credential/x"


@pytest.fixture(autouse=True)
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as systemd lays it out, and no settings besides."""
    for name in ("DATABASE_URL", "SMTP_URL", "JWT_SECRET"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


@pytest.mark.parametrize("name", ["DATABASE_URL", "database_url"])
def test_a_credential_is_a_setting(credentials: Path, name: str) -> None:
    assert not is_given("DATABASE_URL")
    (credentials / name).write_text(URL + "\n")
    assert load(DatabaseSettings).url.get_secret_value() == URL
    assert is_given("DATABASE_URL")


def test_a_named_file_wins_over_a_credential_and_the_environment_over_both(
    credentials: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (credentials / "DATABASE_URL").write_text(URL)
    (tmp_path / "named").write_text("postgresql://named/x")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "named"))
    assert load(DatabaseSettings).url.get_secret_value() == "postgresql://named/x"
    monkeypatch.setenv("DATABASE_URL", "postgresql://given/x")
    assert load(DatabaseSettings).url.get_secret_value() == "postgresql://given/x"


def test_an_empty_credential_says_nothing(credentials: Path) -> None:
    for name in ("SMTP_URL", "JWT_SECRET"):
        (credentials / name).write_text("\n")
    assert load(MailSettings).smtp_url is None
    with pytest.raises(UsageError, match="JWT_SECRET is missing"):
        load(AuthSettings)


def test_a_named_file_that_is_not_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "missing"))
    with pytest.raises(UsageError, match=r"DATABASE_URL_FILE: cannot read .*missing: No such file"):
        load(DatabaseSettings)
