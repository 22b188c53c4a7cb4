"""The OpenAPI document: made from the table, whole, and equal to the golden one."""

import json
import os
import re
from pathlib import Path

from api.openapi import document
from api.routes import ROUTES
from api.routing import Gate

GOLDEN = Path(__file__).parent.parent / "golden" / "openapi.json"


def test_the_document_is_the_golden_one() -> None:
    text = json.dumps(document(ROUTES), indent=1, ensure_ascii=False, default=str) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert GOLDEN.read_text() == text, "UPDATE_GOLDEN=1 pytest tests/api/test_openapi.py writes it anew"


def test_every_route_is_in_it_and_nothing_else() -> None:
    found = {(m.upper(), path) for path, item in document(ROUTES)["paths"].items() for m in item}
    assert found == {(route.method, route.path) for route in ROUTES}


def test_every_reference_leads_somewhere() -> None:
    made = document(ROUTES)
    wanted = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(made)))
    assert wanted <= made["components"]["schemas"].keys()
    assert len({op["operationId"] for item in made["paths"].values() for op in item.values()}) == len(ROUTES)


def test_every_guarded_route_says_so_and_every_refusal_is_a_problem() -> None:
    made = document(ROUTES)
    for route in ROUTES:
        operation = made["paths"][route.path][route.method.lower()]
        assert ("security" in operation) == (route.gate is not Gate.PUBLIC)
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
