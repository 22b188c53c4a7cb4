"""Request bodies and queries: bounded, in time, strict JSON without duplicate keys, then the declared shape."""

import asyncio
import json
from typing import Any, TypeVar

from aiohttp import web
from multidict import MultiMapping
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from api import problems
from api.problems import FieldError, Problem
from api.shapes.common import OptionalBody

MAX_BYTES = 256 * 1024
READ_SECONDS = 10
MAX_ERRORS = 20

S = TypeVar("S", bound=BaseModel)


class _DuplicateKeyError(ValueError):
    pass


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _DuplicateKeyError


async def read_bytes(request: web.Request) -> bytes:
    """Return the body. Raises a 408, 413 or 415 Problem; the connection is closed after the first two."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "Send the body without Content-Encoding.")
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await request.read()
    except TimeoutError:
        raise Problem(408, "The body did not arrive in time.", headers={"Connection": "close"}) from None
    except web.HTTPRequestEntityTooLarge:
        detail = f"The body must have at most {MAX_BYTES // 1024} KiB."
        raise Problem(413, detail, headers={"Connection": "close"}) from None


async def read_shape(request: web.Request, shape: type[S]) -> S:
    """Return the body in its declared shape. Raises a 400, 408, 413, 415 or 422 Problem."""
    raw = await read_bytes(request)
    if not raw:
        if issubclass(shape, OptionalBody):
            return shape()
        raise problems.invalid(FieldError("body", "a JSON object is needed here"))
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Problem(415, "Send the body as application/json in UTF-8.")
    return parse(raw, shape)


def parse(raw: bytes, shape: type[S]) -> S:
    """Return JSON bytes in a shape. Raises a 400 Problem for what is no JSON, a 422 for what does not fit."""
    try:
        json.loads(raw, object_pairs_hook=_refuse_duplicates)
    except _DuplicateKeyError:
        raise Problem(400, "The body names a key twice.") from None
    except (ValueError, RecursionError):
        raise Problem(400, "The body is no JSON.") from None
    if b"\\u0000" in raw:
        raise problems.invalid(FieldError("body", "text must not hold the NUL character"))
    try:
        return shape.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        if any(each["type"] == "json_invalid" for each in found):
            raise Problem(400, "The body is no JSON in UTF-8.") from None
        raise problems.invalid(*map(_field_error, found[:MAX_ERRORS])) from None


def parse_query(query: MultiMapping[str], shape: type[S]) -> S:
    """Return the query parameters in a shape. Raises a 422 Problem, also for one that is given twice."""
    values: dict[str, str] = {}
    for key, value in query.items():
        if key in values:
            raise problems.invalid(FieldError(key[:100], "is given twice"))
        if "\0" in value or not value.isprintable():
            raise problems.invalid(FieldError(key[:100], "has characters that are not allowed"))
        values[key] = value
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise problems.invalid(*map(_field_error, found[:MAX_ERRORS])) from None


def _field_error(error: ErrorDetails) -> FieldError:
    path = ".".join(str(part)[:100] for part in error["loc"]) or "body"
    message = "is not known here" if error["type"] == "extra_forbidden" else error["msg"].removeprefix("Value error, ")
    return FieldError(path, message[:1].lower() + message[1:])
