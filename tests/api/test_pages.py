"""The documentation page."""

from html.parser import HTMLParser

from api.pages import page
from api.routes import ROUTES


class Reader(HTMLParser):
    """Collects what a page points to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"href", "src"}:
                self.links.append(value or "")
            if name == "id":
                self.ids.add(value or "")


def test_the_page_has_every_route_and_needs_nothing_from_elsewhere() -> None:
    reader, text = Reader(), page(ROUTES).decode()
    reader.feed(text)
    for route in ROUTES:
        assert route.path in text
    assert {link for link in reader.links if not link.startswith("#")} == {"/openapi.json"}
    assert {link[1:] for link in reader.links if link.startswith("#")} <= reader.ids
    assert not reader.tags & {"script", "img", "iframe", "link"}
