"""What handlers return: bytes with a status; and how rows become JSON."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

import orjson
from pydantic.alias_generators import to_camel

JSON = "application/json; charset=utf-8"


class Row(Protocol):
    """A row of the store."""

    def keys(self) -> Iterable[str]:
        """Return the column names."""

    def values(self) -> Iterable[Any]:
        """Return the values in the same order."""


class Answer:
    """A successful answer. `headers` are those beside the ones that every answer has."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = JSON
    ) -> None:
        self.body = body
        self.status = status
        self.headers = headers
        self.content_type = content_type


def encode(value: object) -> bytes:
    """Return JSON. Times end in Z; UUIDs and what else has no form of its own become text."""
    return orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z)


def shown(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with a value as JSON."""
    return Answer(encode(value), status, headers)


@lru_cache(maxsize=512)
def _camel(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(to_camel(name) for name in names)


def members_of(row: Row) -> dict[str, Any]:
    """Return a row with its column names in camelCase."""
    return dict(zip(_camel(tuple(row.keys())), row.values(), strict=True))


def as_fragment(text: str | None) -> orjson.Fragment | None:
    """Return JSON text to be copied into the answer as it is."""
    return None if text is None else orjson.Fragment(text)


def version_of(updated_at: datetime) -> str:
    """Return the ETag of a row: it changes with every change that people make."""
    return f'"{int(updated_at.timestamp() * 1_000_000):x}"'


def versioned(value: Mapping[str, Any], status: int = 200) -> Answer:
    """Answer with one object that people edit, and its ETag (from its updatedAt)."""
    return Answer(encode(value), status, {"ETag": version_of(value["updatedAt"])})
