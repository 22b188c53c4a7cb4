"""The OpenAPI 3.1 document, made from the route table and the shapes; nothing in it is written by hand."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from api import problems
from api.routing import Gate, Route, Shape
from api.shapes.common import OptionalBody, Problem
from frostguard.domain.access import MATRIX, Action

TEMPLATE = "#/components/schemas/{model}"
PUBLIC_HEADERS = {
    "ETag": {"description": "The version, for If-Match.", "schema": {"type": "string"}},
    "Link": {"description": 'The next page: `<...>; rel="next"`.', "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the document for these routes."""
    schemas, references = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FrostGuard",
            "version": "1",
            "description": "Cold-chain monitoring. Temperatures are °C, times RFC 3339 in UTC, names camelCase; "
            "tokens are named as in OAuth 2.0. What is absent and what belongs to others answer the same 404.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "gateway": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _models(routes: Iterable[Route]) -> list[tuple[type[BaseModel], Any]]:
    found: dict[tuple[type[BaseModel], str], None] = {(Problem, "serialization"): None}
    for route in routes:
        if route.body is not None:
            found[(route.body, "validation")] = None
        model = _element(route.answer)
        if model is not None:
            found[(model, "serialization")] = None
    return list(found)


def _schemas(routes: Sequence[Route]) -> tuple[dict[str, Any], dict[Any, Any]]:
    references, definitions = models_json_schema(
        _models(routes), by_alias=True, ref_template=TEMPLATE, schema_generator=GenerateJsonSchema
    )
    return dict(sorted(definitions["$defs"].items())), references


def _element(shape: Shape | None) -> type[BaseModel] | None:
    if shape is None:
        return None
    inner = get_args(shape)
    return inner[0] if inner else shape


def _operation(route: Route, references: dict[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *re.findall(r"\w+", route.path)]),
        "summary": route.summary,
        "description": _description(route),
        "tags": [route.handler.__module__.rpartition(".")[2]],
        "responses": _responses(route, references),
    }
    parameters = [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)]
    if parameters:
        found["parameters"] = parameters
    if route.body is not None:
        schema = references[(route.body, "validation")]
        needed = not issubclass(route.body, OptionalBody)
        found["requestBody"] = {"required": needed, "content": {"application/json": {"schema": schema}}}
    if route.gate is Gate.GATEWAY_KEY:
        found["security"] = [{"gateway": []}]
    elif route.gate is not Gate.PUBLIC:
        found["security"] = [{"session": []}]
    return found


def _description(route: Route) -> str:
    doc = " ".join((route.handler.__doc__ or "").split())
    who = f"Roles: {', '.join(r for r in MATRIX[route.gate])}." if isinstance(route.gate, Action) else ""
    if isinstance(route.gate, Action):
        ordered = [role for role in type(next(iter(MATRIX[route.gate]))) if role in MATRIX[route.gate]]
        who = f"Roles: {', '.join(ordered)}."
    return f"{doc} {who}".strip()


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    schema = {"type": "string"} if route.gate is Gate.PUBLIC else {"type": "string", "format": "uuid"}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in route.parameters]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema(by_alias=True)
    required = schema.get("required", [])
    definitions = schema.get("$defs", {})
    found = []
    for name, each in schema["properties"].items():
        plain = _without_null(each, definitions)
        found.append({"name": name, "in": "query", "required": name in required, "schema": plain})
    return found


def _without_null(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is there or not; it is never null."""
    choices = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    plain = dict(choices[0]) if choices else {k: v for k, v in schema.items() if k != "title"}
    reference = plain.pop("$ref", None)
    if reference is not None:
        plain |= definitions[reference.rpartition("/")[2]]
    if "default" in schema and schema["default"] is not None:
        plain["default"] = schema["default"]
    return plain


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    found = []
    if isinstance(route.gate, Action) and route.mutates and 412 in route.statuses:
        text = "The ETag of what was read; another version is refused with 412."
        found.append({"name": "If-Match", "in": "header", "description": text, "schema": {"type": "string"}})
    if route.takes_reason:
        text = "Why, for the audit log (percent-encoded UTF-8, at most 500 characters)."
        found.append({"name": "X-Change-Reason", "in": "header", "description": text, "schema": {"type": "string"}})
    return found


def _responses(route: Route, references: dict[Any, Any]) -> dict[str, Any]:
    model = _element(route.answer)
    schema: dict[str, Any] = {}
    if model is not None:
        schema = dict(references[(model, "serialization")])
        if get_args(route.answer):
            schema = {"type": "array", "items": schema}
    elif route.media.startswith("text/") or route.media.endswith("ndjson"):
        schema = {"type": "string"}
    headers = {}
    if model is not None and "updated_at" in model.model_fields and not get_args(route.answer):
        headers["ETag"] = PUBLIC_HEADERS["ETag"]
    if route.query is not None and "cursor" in route.query.model_fields:
        headers["Link"] = PUBLIC_HEADERS["Link"]
    success: dict[str, Any] = {
        "description": HTTPStatus(route.status).phrase,
        "content": {route.media: {"schema": schema}},
    }
    if headers:
        success["headers"] = headers
    return {str(route.status): success, **{str(status): _refusal(status, references) for status in route.statuses}}


def _refusal(status: int, references: dict[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {problems.CONTENT_TYPE: {"schema": references[(Problem, "serialization")]}},
    }
    if status in {429, 503}:
        found["headers"] = {"Retry-After": PUBLIC_HEADERS["Retry-After"]}
    return found
