"""The documentation as one page: the route table in words, without a script or anything from elsewhere."""

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Any

from api.openapi import document
from api.routing import Gate, Route

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
details{border:1px solid #d5d9de;border-radius:6px;margin:.4rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:#f5f6f8;padding:.8rem;overflow:auto;border-radius:6px}
.m{display:inline-block;width:4.2rem;font-weight:600}.w{color:#666}h2{margin-top:2rem;text-transform:capitalize}
table{border-collapse:collapse}td,th{border:1px solid #d5d9de;padding:.2rem .5rem;text-align:left;vertical-align:top}
@media (prefers-color-scheme:dark){body{color:#e6e8eb;background:#15181c}pre{background:#20242a}
details,td,th{border-color:#3a4048}.w{color:#9aa2ac}}
"""


def page(routes: Sequence[Route]) -> bytes:
    """Return the page for these routes."""
    described = document(routes)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>FrostGuard API</title>",
        "<meta name=viewport content='width=device-width'>",
        f"<style>{STYLE}</style><h1>FrostGuard API</h1><p>{escape(described['info']['description'])}</p>",
        "<p>For machines: <a href='/openapi.json'>/openapi.json</a> (OpenAPI 3.1).</p>",
    ]
    for name, family in groupby(routes, key=_family):
        parts.append(f"<h2>{escape(name)}</h2>")
        parts += [_section(route, described["paths"][route.path][route.method.lower()]) for route in family]
    parts.append("<h2>shapes</h2>")
    parts += [_shape(name, schema) for name, schema in described["components"]["schemas"].items()]
    return "".join(parts).encode()


def _family(route: Route) -> str:
    return route.handler.__module__.rpartition(".")[2]


def _section(route: Route, operation: dict[str, Any]) -> str:
    who = route.gate.value
    lines = [
        f"<details><summary><span class=m>{route.method}</span><code>{escape(route.path)}</code> ",
        f"<span class=w>{escape(route.summary)}</span></summary><p>{escape(operation['description'])}</p>",
        f"<p>Who: {escape(who if isinstance(route.gate, Gate) else f'permission {who}')}.</p>",
    ]
    lines += [
        f"<div><code>{escape(each['name'])}</code> <span class=w>{each['in']} {escape(_type(each['schema']))}</span> "
        f"{escape(each.get('description', ''))}</div>"
        for each in operation.get("parameters", [])
    ]
    body = operation.get("requestBody")
    if body:
        lines.append(f"<p>Body: {_type_link(body['content']['application/json']['schema'])}</p>")
    for status, answer in operation["responses"].items():
        content = next(iter(answer["content"].values()))["schema"]
        lines.append(f"<div>{status} <span class=w>{escape(answer['description'])}</span> {_type_link(content)}</div>")
    return "".join(lines) + "</details>"


def _shape(name: str, schema: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(member)}</code><td>{_type_link(each)}<td>{escape(each.get('description', ''))}"
        for member, each in schema.get("properties", {}).items()
    )
    values = escape(", ".join(map(str, schema.get("enum", []))))
    text = escape(schema.get("description", ""))
    return f"<details id='{escape(name)}'><summary><code>{escape(name)}</code> <span class=w>{text}</span></summary>{values}<table>{rows}</table></details>"  # noqa: E501


def _type_link(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#{name}'><code>{name}</code></a>"
    if schema.get("type") == "array":
        return f"list of {_type_link(schema.get('items', {}))}"
    choices = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if choices:
        return " or ".join(_type_link(each) for each in choices) + " or null"
    return escape(_type(schema))


def _type(schema: dict[str, Any]) -> str:
    words = [str(schema.get("type", "")), str(schema.get("format", "")), schema.get("pattern", "")]
    bounds = [f"{name} {schema[name]}" for name in ("minimum", "maximum", "minLength", "maxLength") if name in schema]
    return " ".join(word for word in (*words, *bounds, *map(str, schema.get("enum", []))) if word)
