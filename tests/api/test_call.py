"""What a handler is told of a request."""

from types import SimpleNamespace
from uuid import UUID

import pytest
from aiohttp.test_utils import make_mocked_request

from api.answers import version_of
from api.call import Call
from api.problems import Problem
from frostguard.store.audit import By
from tests.api.test_answers import AT


def call(**headers: str) -> Call:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(make_mocked_request("GET", "/", headers=named), None, None, "id-1")  # type: ignore[arg-type]


def test_who_does_it_is_said_to_the_audit_log() -> None:
    made = call(X_Change_Reason="because%20of%20%C3%A4")
    assert made.by == By(None, "anonymous", "because of ä", "id-1")
    made.who = SimpleNamespace(user_id=UUID(int=1))  # type: ignore[assignment]
    assert made.by == By(UUID(int=1), "user", "because of ä", "id-1")


@pytest.mark.parametrize("reason", ["x" * 501, "a%0Ab", "%00"])
def test_a_reason_that_cannot_be_kept_is_refused(reason: str) -> None:
    with pytest.raises(Problem):
        _ = call(X_Change_Reason=reason).reason


TAG = version_of(AT)
COMPARED = [
    ("*", True), (TAG, True), (f'"x", {TAG}', True), ("W/" + TAG, True), ('"x"', False), ("", False),
    (TAG.strip('"'), False),
]  # fmt: skip


@pytest.mark.parametrize(("tags", "fits"), COMPARED)
def test_versions_are_compared_as_http_says(tags: str, fits: bool) -> None:
    if fits:
        call(If_Match=tags).check_version(AT)
    else:
        with pytest.raises(Problem) as caught:
            call(If_Match=tags).check_version(AT)
        assert caught.value.status == 412
    call().check_version(AT)


def test_a_client_is_named_without_anything_that_could_bend_a_log() -> None:
    assert call(User_Agent="a\tb" + "x" * 400).user_agent == "ab" + "x" * 297
    assert call().user_agent is None
