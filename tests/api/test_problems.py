"""Errors in one form, and what each of ours becomes."""

import json
from pathlib import Path

import frostguard
from api import problems
from api.problems import BY_CONSTRAINT, FieldError, Problem, body_of, of_error
from frostguard.errors import ConflictError, RowRefusedError, StoreUnavailableError


def test_a_problem_says_the_same_sentence_to_old_and_new_clients() -> None:
    found = json.loads(body_of(problems.invalid(FieldError("name", "is missing"), FieldError("x", "y")), "id-1"))
    assert found == {
        "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "requestId": "id-1",
        "detail": "name: is missing (and 1 more)", "error": "name: is missing (and 1 more)",
        "errors": [{"field": "name", "message": "is missing"}, {"field": "x", "message": "y"}],
    }  # fmt: skip


def test_what_raises_becomes_what_the_client_can_do_next() -> None:
    for error, status in (
        (Problem(418, "x"), 418), (StoreUnavailableError("inside"), 503), (RowRefusedError("inside"), 422),
        (ConflictError("inside"), 409), (ZeroDivisionError("inside"), 500),
    ):  # fmt: skip
        problem = of_error(error)
        assert problem.status == status
        assert "inside" not in problem.detail


def test_waiting_is_told_in_whole_seconds() -> None:
    assert problems.too_many(0.2).headers == {"Retry-After": "1"}
    assert problems.busy("x", 2.6).headers == {"Retry-After": "3"}


def test_the_table_names_constraints_that_exist() -> None:
    folder = Path(frostguard.__file__).parent.parent / "sql"
    text = "".join(path.read_text() for path in folder.glob("*.sql"))
    implied = {name for name in BY_CONSTRAINT if name.endswith("_check")}
    assert {name for name in BY_CONSTRAINT if name not in text} == implied
