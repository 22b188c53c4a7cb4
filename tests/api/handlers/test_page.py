"""The page over HTTP: where it is, how long it is kept, how it is compressed."""

from html.parser import HTMLParser

import pytest

from api.assets import ASK_AGAIN, FOREVER, POLICY
from tests.api.conftest import Running

PLAIN, GZIP = {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip"}


class Reader(HTMLParser):
    """Collects what a document points to, and what it has inside that the policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [value for name, value in attrs if name in {"href", "src"} and value]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


@pytest.mark.parametrize("path", ["/", "/wall"])
async def test_the_document_points_to_what_is_there_and_to_nothing_elsewhere(running: Running, path: str) -> None:
    reply = await running.api.get(path)
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Content-Security-Policy"] == POLICY
    assert reply.headers["Cache-Control"] == ASK_AGAIN
    reader = Reader()
    reader.feed(reply.body.decode())
    assert reader.inline == []
    assert reader.links
    assert [link for link in reader.links if not link.startswith("/")] == []
    for link in reader.links:
        assert (await running.api.get(link)).status == 200, link


async def test_what_is_known_is_not_sent_again(running: Running) -> None:
    api, version = running.api, running.program.assets.version
    for path in ("/", f"/page/{version}/app.mjs"):
        first = await api.get(path)
        again = await api.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        other = await api.get(path, headers={"If-None-Match": '"0123"'})
        assert (other.status, other.body) == (200, first.body)


async def test_files_are_kept_for_ever_below_their_version_and_are_not_found_elsewhere(running: Running) -> None:
    api, assets = running.api, running.program.assets
    for name in assets.names:
        reply = await api.get(f"/page/{assets.version}/{name}")
        assert reply.headers["Cache-Control"] == FOREVER
        assert reply.headers["Content-Security-Policy"] == POLICY
    for path in (
        "/page/0123456789abcdef/app.mjs", f"/page/{assets.version}/app.py", f"/page/{assets.version}/index.html",
        f"/page/{assets.version}/..%2Fassets.py", f"/page/{assets.version}/%00",
    ):  # fmt: skip
        reply = await api.get(path)
        assert (reply.status, reply.headers["Cache-Control"]) == (404, "no-store"), path


async def test_it_is_compressed_for_who_takes_it(running: Running) -> None:
    path = f"{running.api.base}/page/{running.program.assets.version}/app.mjs"
    async with running.api.http.get(path, headers=GZIP) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in reply.headers.getall("Vary")
        packed, unpacked = int(reply.headers["Content-Length"]), len(await reply.read())
    assert packed < unpacked
    async with running.api.http.get(path, headers=PLAIN) as reply:
        assert "Content-Encoding" not in reply.headers
        assert int(reply.headers["Content-Length"]) == unpacked
