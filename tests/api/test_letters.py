"""What mails say and where their links lead."""

import pytest

from api.letters import Letters

LETTERS = Letters("https://app.example/")


WITH_TOKEN = [
    LETTERS.verify("a@x.io", "token-1"),
    LETTERS.reset("a@x.io", "token-1"),
    LETTERS.invitation("a@x.io", "O", "token-1"),
]


@pytest.mark.parametrize("letter", WITH_TOKEN)
def test_a_token_stands_behind_the_hash_where_no_server_sees_it(letter) -> None:
    assert "https://app.example/" in letter.text
    assert "#token=token-1" in letter.text
    assert "?" not in letter.text.partition("#token")[0].rpartition("https")[2]


def test_names_of_organizations_stay_on_one_line() -> None:
    assert "\n" not in LETTERS.invitation("a@x.io", "Evil\r\nBcc: x", "t").subject


def test_the_others_carry_no_token() -> None:
    for letter in (
        LETTERS.account_exists("a@x.io"),
        LETTERS.password_changed("a@x.io"),
        LETTERS.session_ended("a@x.io"),
    ):
        assert "token=" not in letter.text
