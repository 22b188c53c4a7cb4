"""Bodies: strict JSON, strict types, small, in time."""

import asyncio

import pytest

from api import body
from api.body import parse
from api.problems import Problem
from api.shapes.accounts import Login
from api.shapes.hierarchy import SiteRequest
from tests.api.conftest import Running
from tests.api.world import Api

GOOD = b'{"name": "x", "latitude": 1}'

NO_JSON = [
    b"", b"{", b"nul", b"'x'", b'{"name": "x",}', b'{"name": "x"} x', b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}",
    b'{"name": "\xff"}', b'{"name": "\\ud800"}', b"[" * 1100 + b"]" * 1100, b"[" * 100_000, b'{"name": "a\nb"}',
]  # fmt: skip

NO_SITE = [
    b"null", b"[]", b"1", b'"x"', b"{}", b'{"name": "x", "latitude": NaN}', b'{"name": "x", "latitude": Infinity}',
    b'{"name": "x", "latitude": 1e999}', b'{"name": "x", "latitude": true}', b'{"name": "x", "latitude": "1"}',
    b'{"name": "x", "latitude": 1' + b"0" * 400 + b"}", b'{"name": "x", "latitude": {}}', b'{"name": "x", "extra": 1}',
    b'{"name": "a\\u0000b"}', b'{"name": ["x"]}', b'{"name": 1}', b'{"Name": "x"}',
    b'{"name": "x", "postal_code": "1"}',
]  # fmt: skip


def test_good_bodies_are_understood() -> None:
    assert parse(GOOD, SiteRequest).latitude == 1.0
    assert parse(b'  {"name": "  \xc3\xa4  "}\n', SiteRequest).name == "ä"


def test_what_is_no_json_is_a_400() -> None:
    for raw in NO_JSON:
        with pytest.raises(Problem) as caught:
            parse(raw, SiteRequest)
        assert caught.value.status == 400, raw[:40]


def test_what_does_not_fit_is_a_422_that_names_the_member() -> None:
    for raw in NO_SITE:
        with pytest.raises(Problem) as caught:
            parse(raw, SiteRequest)
        assert caught.value.status == 422, raw[:60]
        assert caught.value.errors


@pytest.mark.parametrize("raw", [b'{"name": "x", "name": "y"}', b'{"name": "x", "timezone": {"a": 1, "a": 2}}'])
def test_a_key_that_comes_twice_is_refused_at_any_depth(raw: bytes) -> None:
    with pytest.raises(Problem, match="twice"):
        parse(raw, SiteRequest)


def test_passwords_are_taken_as_they_are() -> None:
    assert parse(b'{"email": "A@x.io", "password": "  two spaces  "}', Login).password == "  two spaces  "


def test_many_errors_are_cut() -> None:
    raw = b"{" + b",".join(b'"k%d": 1' % n for n in range(100)) + b"}"
    with pytest.raises(Problem) as caught:
        parse(raw, SiteRequest)
    assert len(caught.value.errors) == body.MAX_ERRORS


async def test_other_types_of_content_are_a_415(api: Api) -> None:
    for kind in (
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "",
    ):
        reply = await api.post("/auth/login", raw=b'{"email": "a@x.io"}', headers={"Content-Type": kind})
        assert reply.status == 415, kind


async def test_a_body_that_is_needed_and_missing_is_a_422(api: Api) -> None:
    assert (await api.post("/auth/login", raw=b"")).status == 422


async def test_a_body_that_does_not_come_is_not_waited_for(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "READ_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection(running.listening.host, running.listening.port)
    writer.write(
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    )
    async with asyncio.timeout(10):
        answer = await reader.read()  # to the end: the connection is closed
    assert answer.startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()


async def test_a_body_beyond_the_limit_is_a_413(api: Api) -> None:
    for size, status in ((body.MAX_BYTES - 100, 422), (body.MAX_BYTES + 1, 413), (900_000, 413)):
        reply = await api.post("/auth/login", raw=b'{"email": "' + b"x" * size + b'"}')
        assert reply.status == status, size
