"""What all shapes share."""

import pytest
from pydantic import TypeAdapter, ValidationError

from api.shapes.common import Email, PageQuery, Shape


class Example(Shape):
    some_number: float
    some_text: str = ""


def test_names_are_camel_case_and_types_are_not_guessed() -> None:
    assert Example.model_validate_json('{"someNumber": 1, "someText": " x "}').some_text == "x"
    for text in (
        '{"some_number": 1}',
        '{"someNumber": "1"}',
        '{"someNumber": true}',
        '{"someNumber": 1, "x": 1}',
        "[]",
    ):
        with pytest.raises(ValidationError):
            Example.model_validate_json(text)


def test_addresses_are_lower_case_and_look_like_some() -> None:
    email = TypeAdapter(Email)
    assert email.validate_python("Ada@Example.COM") == "ada@example.com"
    for text in ("", "a@", "@b", "ab", "a b@c", "a@b.", "a\n@b.c", "a@b\u200b.c", "x" * 251 + "@b.c"):
        with pytest.raises(ValidationError):
            email.validate_python(text)


def test_queries_are_read_from_text() -> None:
    assert PageQuery.model_validate({"limit": "5"}).limit == 5
    for text in ("0", "1001", "1.5", "x", "", "1e3", "NaN", "-1"):
        with pytest.raises(ValidationError):
            PageQuery.model_validate({"limit": text})
