"""`frostguard shards`: what it shows, refuses and prints. tests/chaos/test_shards.py does all of it under load."""

import json

import pytest

from frostguard.cli.main import main
from frostguard.cli.shards import ACL, DAEMON, with_accounts
from frostguard.domain.shards import Shard
from tests.factories import plant


def rules_of(text: str) -> dict[str, list[str]]:
    """The rules of each account of an ACL file."""
    found: dict[str, list[str]] = {}
    user = ""
    for line in text.splitlines():
        if line.startswith("user "):
            user = line.removeprefix("user ")
            found[user] = []
        elif line.startswith("topic"):
            found[user].append(line)
    return found


def test_every_daemon_may_what_the_only_one_may() -> None:
    before, after = rules_of(ACL.read_text()), rules_of(with_accounts(ACL.read_text(), 3))
    assert after == before | {DAEMON + Shard(n, 3).suffix: before[DAEMON] for n in range(3)}
    assert with_accounts(ACL.read_text(), 1) == ACL.read_text()


def test_the_acl_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shards", "acl", "--shards", "2"]) == 0
    assert "user frostguard-ingest-1-of-2\n" in capsys.readouterr().out


@pytest.fixture
def known(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("MQTT_URL", "mqtt://nobody@127.0.0.1:1")
    plant(database)
    return database


@pytest.mark.usefixtures("known")
def test_the_shards_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shards", "show"]) == 0
    assert "0/1" in capsys.readouterr().out
    assert main(["shards", "show", "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert (seen["shards"], seen["following"]) == (1, None)
    assert [(each["organizations"], each["units"], each["held"]) for each in seen["each"]] == [(1, 1, False)]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["prepare", "--shards", "1"], 2, "there are 1 shards already"),
        (["prepare", "--shards", "0"], 2, "not a whole number"),
        (["prepare", "--shards", "1025"], 2, "at most 1024"),
        (["forget", "--shards", "1"], 2, "are those in use"),
        (["prepare", "--shards", "2", "--wait", "1"], 1, "onnect"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        found = main(["shards", *words])
    except SystemExit as error:
        found = int(error.code or 0)
    assert found == code
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("known")
def test_what_was_intended_and_did_not_come_about_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shards", "prepare", "--shards", "2", "--wait", "1"]) == 1
    assert main(["shards", "show"]) == 0
    assert "next: 2 shards, not prepared yet" in capsys.readouterr().out
