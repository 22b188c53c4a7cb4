"""Nasty values in every place of every route: always a declared answer, never a 500, never a text that bends SQL."""

import json
import random
from uuid import uuid4

import pytest

from api.routes import ROUTES
from tests.api.conftest import Running
from tests.api.deeds import DEEDS

TEXTS = [
    "", " ", "x" * 300, "'; drop table units; --", "\\", "%", "_", "\u202e", "🦭" * 30, "a\nb", "null", "$1", "{}",
    "' or '1'='1", "${jndi:x}", "../../etc/passwd", "\x7f", "Ω", "<script>alert(1)</script>", "=1+1",
]  # fmt: skip
VALUES = [
    *TEXTS, None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 1.5, 1e308, -1e308, 1e-320, [], {}, [1],
    {"a": 1}, ["x"] * 100, {"x": {"y": {"z": []}}}, "2026-11-22T10:00:00Z", "2026-13-45", str(uuid4()), "0000", "1e5",
    "NaN",
]  # fmt: skip
PARAMETERS = [
    "0", "-1", "x", "%00", "%ff", "'", "1'--", "[]", "9" * 40, "%F0%9F%A6%AD", "a" * 3000, "null", "%0d%0aX:1",
    "+",
]  # fmt: skip
PER_MEMBER = 12
FAMILIES = sorted({route.handler.__module__.rpartition(".")[2] for route in ROUTES})


@pytest.mark.parametrize("family", FAMILIES)
async def test_spoilt_bodies_are_answered_as_declared(running: Running, family: str) -> None:
    chosen = random.Random(family)
    for route in ROUTES:
        if route.body is None or not route.handler.__module__.endswith(f".{family}") or route.limit is not None:
            continue
        org = await running.world.organization()
        request = await DEEDS[route.name](running.world, org)
        members = [field.alias or name for name, field in route.body.model_fields.items()]
        for member in members:
            for value in chosen.sample(VALUES, PER_MEMBER):
                body = {**(request.body or {}), member: value}
                reply = await running.api.call(request.method, request.path, body, request.token, check=False)
                assert reply.status != 500, (route.name, body)
                if reply.status != route.status:
                    assert reply.status in route.statuses, (route.name, body, reply)


async def test_spoilt_queries_and_ids_are_answered_as_declared(running: Running) -> None:
    org = await running.world.organization()
    chosen = random.Random(7)
    for route in ROUTES:
        if route.method != "GET" or route.media != "application/json" or route.goes_on:
            continue
        request = await DEEDS[route.name](running.world, org)
        path = request.path.partition("?")[0]
        names = [f.alias or n for n, f in route.query.model_fields.items()] if route.query else ["unknown"]
        for name in names:
            for value in chosen.sample(PARAMETERS, 6):
                reply = await running.api.get(f"{path}?{name}={value}", request.token)
                assert reply.status in {200, 400, 404, 422}, (route.name, name, value, reply)
        for parameter in route.parameters[:1]:
            for value in chosen.sample(PARAMETERS, 6):
                spoilt = route.path.replace("{" + parameter + "}", value).replace("{", "").replace("}", "")
                reply = await running.api.get(spoilt, request.token, check=False)
                assert reply.status in {400, 404, 405}, (route.name, value, reply)


async def test_texts_are_stored_and_found_as_they_are(running: Running) -> None:
    api, org = running.api, await running.world.organization()
    path = f"/organizations/{org.id}/sites"
    for text in TEXTS:
        wanted = text.strip()
        reply = await api.post(path, {"name": text, "address": text}, org.owner)
        if not 1 <= len(wanted) <= 100:
            assert reply.status == 422
            continue
        assert reply.status == 201, text
        assert reply.json["name"] == wanted
        again = await api.get(f"/sites/{reply.json['id']}", org.owner)
        assert (again.json["name"], again.json["address"]) == (wanted, wanted)
        entry = json.loads((await running.world.last_entry())["new_values"])
        assert entry["name"] == wanted
    stored = {text.strip() for text in TEXTS if 1 <= len(text.strip()) <= 100}
    assert {each["name"] for each in (await api.get(path, org.owner)).json} >= stored
    check = (await api.get(f"/organizations/{org.id}/audit/verify", org.owner)).json
    assert check["intact"]
