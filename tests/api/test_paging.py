"""Cursors that only we make."""

from types import SimpleNamespace
from uuid import UUID

import pytest
from aiohttp.test_utils import make_mocked_request

from api.call import Call
from api.paging import next_link, page_of, positions
from api.problems import Problem
from frostguard.store.paging import Page

LAST = UUID(int=9)


def call(path: str, **query: object) -> Call:
    made = Call(make_mocked_request("GET", path), None, None, "x")  # type: ignore[arg-type]
    made.query = SimpleNamespace(**{"limit": 2, "cursor": None, "sort": "name", **query})
    return made


def test_a_cursor_leads_back_to_where_the_page_ended() -> None:
    link = next_link(call("/x?sort=-name&q=a%20b"), ["ä key", str(LAST)])["Link"]
    assert link.startswith("</x?sort=-name&q=a")
    cursor = link.partition("cursor=")[2].partition(">")[0]
    assert page_of(call("/x", cursor=cursor, sort="-name")) == Page("name", True, "ä key", LAST, 2)
    again = next_link(call(f"/x?cursor={cursor}"), ["b", str(LAST)])["Link"]
    assert again.count("cursor=") == 1


@pytest.mark.parametrize(
    "cursor", ["", "x", "W10", "WzFd", "eyJhIjoxfQ", "WyJhIiwiYiJd", "WyJhXHUwMDAwIiwiMDAwIl0", "é"]
)
def test_other_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(Problem):
        page_of(call("/x", cursor=cursor))


def test_positions_are_lists() -> None:
    with pytest.raises(Problem):
        positions("MQ")
