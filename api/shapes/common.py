"""What all shapes share: strictness, camelCase, the types of texts and numbers."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel


class Shape(BaseModel):
    """JSON in or out: unknown members, numbers as text, text as numbers, NaN are all refused."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        allow_inf_nan=False,
        str_strip_whitespace=True,
    )


def _partial(schema: dict[str, Any]) -> None:
    schema["minProperties"] = 1
    for each in schema["properties"].values():
        each.pop("default", None)  # what is left out stays, whatever the model puts in its place


# Of a body that changes what it names, and must name something; and of one that inherits from it, and does not.
NAMES_SOMETHING = ConfigDict(json_schema_extra=_partial)
NAMES_ALL = ConfigDict(json_schema_extra=None)


class OptionalBody(Shape):
    """A body that may be left out: none is the same as an empty object."""


class Query(BaseModel):
    """Query parameters: text that is read as what it should be; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, allow_inf_nan=False)


def _lower(value: str) -> str:
    lowered = value.lower()
    if not is_address(lowered) or not lowered.isprintable():
        raise ValueError("must be an e-mail address")
    return lowered


ADDRESS = r"^\S+@[^\s@]*[^\s@.]$"
is_address = re.compile(ADDRESS).fullmatch


NOT_BLANK = Field(json_schema_extra={"pattern": r"\S"})  # white space at both ends is taken away, then it is measured
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), NOT_BLANK]
Email = Annotated[
    str,
    StringConstraints(min_length=3, max_length=254),
    AfterValidator(_lower),
    Field(json_schema_extra={"pattern": ADDRESS}),
]
Password = Annotated[
    str, StringConstraints(strip_whitespace=False, max_length=1024), Field(json_schema_extra={"format": "password"})
]
Cursor = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[A-Za-z0-9_-]+$")]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,49}$")]
Celsius = Annotated[float, Field(ge=-100, le=150)]
Id = UUID
Instant = datetime


def text(limit: int) -> object:
    """Return the type of a text of at most so many characters."""
    return Annotated[str, StringConstraints(max_length=limit)]


class PageQuery(Query):
    """One page of a list that is sorted by name or by age; `-` in front turns the order around."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 500
    cursor: Cursor | None = None
    sort: Literal["name", "-name", "createdAt", "-createdAt"] = "name"


class DeviceQuery(PageQuery):
    """The same for what has a serial too."""

    sort: Literal["name", "-name", "serial", "-serial", "createdAt", "-createdAt"] = "name"  # type: ignore[assignment]


class Done(Shape):
    """It is done, and there is nothing else to say."""

    status: Literal["ok"]


class Deleted(Shape):
    """What was deleted, and when. It can be restored."""

    id: Id
    deleted_at: Instant


class Problem(BaseModel):
    """RFC 9457, with the request's id and, for clients of the earlier system, the sentence again as `error`."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    class FieldError(BaseModel):
        """What is wrong with one member or parameter."""

        model_config = ConfigDict(extra="forbid")

        field: str
        message: str

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    error: str
    errors: list[FieldError] | None = None
