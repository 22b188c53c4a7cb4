"""Accounts' shapes: tokens as OAuth names them, passwords as they are."""

import pytest
from pydantic import ValidationError

from api.shapes.accounts import Login, ProfileChange, Tokens


def test_tokens_are_named_as_oauth_does() -> None:
    assert set(Tokens.model_json_schema(by_alias=True)["properties"]) == {
        "access_token", "refresh_token", "token_type", "expires_in",
    }  # fmt: skip


def test_a_password_keeps_its_spaces() -> None:
    given = Login.model_validate_json('{"email": "a@x.io", "password": " x "}')
    assert given.password == " x "
    assert Login.model_json_schema()["properties"]["password"]["format"] == "password"


def test_a_picture_is_fetched_safely_or_not_at_all() -> None:
    for url in ("http://x.io", "javascript:alert(1)", "https://x.io/a b", "//x.io"):
        with pytest.raises(ValidationError):
            ProfileChange.model_validate_json(f'{{"avatarUrl": "{url}"}}')
