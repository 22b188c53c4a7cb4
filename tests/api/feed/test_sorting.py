"""Pieces and the topics that they belong to."""

from typing import Any

import orjson
import pytest

from api.feed.pending import Pending
from api.feed.sorting import Sorter
from api.feed.topics import Topic
from api.feed.window import Window
from frostguard.store.feed import Row
from tests.api.feed.rows import (
    ORG,
    OTHER_ORG,
    OTHER_SITE,
    OTHER_UNIT,
    PLACES,
    SITE,
    UNIT,
    alert,
    backlog,
    fact,
    moved,
    readings,
    standing,
)
from tests.factories import identity


def sorted_out(*rows: Row) -> dict[str, list[dict[str, Any]]]:
    """`scope subject` -> frames, of all topics that anything belongs to; those of others are marked."""
    sorter, window, found = Sorter(), Window(1_000_000), dict[Topic, Pending]()
    sorter.begin(PLACES)
    for row in rows:
        sorter.sort(row, window.decoded(row), lambda topic: found.setdefault(topic, Pending(topic)))
    foreign = {str(OTHER_ORG), str(OTHER_SITE), str(OTHER_UNIT)}
    return {
        f"{'other ' if topic.id in foreign else ''}{topic.scope} {topic.subject}": [
            orjson.loads(frame.data) for frame in pending.frames()
        ]
        for topic, pending in found.items()
        if list(pending.frames())
    }


def test_a_reading_goes_to_its_unit_its_site_and_its_organization() -> None:
    found = sorted_out(readings(10, 4.5))
    assert found.keys() == {"unit readings", "site units", "org units"}
    assert found["unit readings"][0]["readings"] == [
        {"recordedAt": "2026-11-22T12:00:00Z", "sensorId": str(identity("sensor")), "temperature": 4.5}
    ]
    patch = {"id": str(UNIT), "lastReadingAt": "2026-11-22T12:00:00Z", "lastTemperature": 4.5}
    assert found["org units"][0]["units"] == found["site units"][0]["units"] == [patch]


def test_a_late_reading_is_a_reading_and_moves_no_tile() -> None:
    assert sorted_out(readings(10, 4.5, newest=False)).keys() == {"unit readings"}


def test_a_reading_of_a_unit_without_a_place_goes_nowhere() -> None:
    assert sorted_out(readings(10, 4.5, unit=identity("nobody"))) == {}


def test_a_standing_goes_to_the_unit_too() -> None:
    found = sorted_out(standing(10))
    assert found.keys() == {"unit state", "site units", "org units"}
    assert found["unit state"][0]["unit"]["status"] == "excursion"


def test_a_backlog_is_a_stretch_for_the_unit_and_a_value_for_the_tiles() -> None:
    found = sorted_out(backlog(10))
    assert found["unit readings"][0]["type"] == "backlog"
    assert found["org units"][0]["units"][0]["lastTemperature"] == 4.0


def test_an_alert_goes_to_its_organization_and_its_unit() -> None:
    found = sorted_out(alert(10, "a", "b"))
    assert found.keys() == {"unit state", "org alerts"}
    assert [each["alert"]["id"] for each in found["org alerts"][0]["alerts"]] == ["a", "b"]
    assert [each["kind"] for each in found["unit state"][0]["events"]] == ["alert", "alert"]


def test_an_alert_about_no_unit_goes_to_its_organization() -> None:
    assert sorted_out(alert(10, "a", unit=None)).keys() == {"org alerts"}


def test_a_fact_goes_to_its_unit_with_all_that_it_says() -> None:
    found = sorted_out(fact(10))
    event = {"id": 10, "at": "2026-11-22T12:00:00Z", "celsius": 4.0, "kind": "door_opened"}
    assert found == {"unit state": [{"type": "state", "topic": f"unit:{UNIT}:state", "id": 10, "events": [event]}]}


NEW_SITE = identity("new site")


@pytest.mark.parametrize(
    ("now", "before", "patched", "gone"),
    [
        ((ORG, SITE), None, {"org", "site"}, set()),
        ((ORG, SITE), (ORG, SITE), {"org", "site"}, set()),
        ((ORG, NEW_SITE), (ORG, SITE), {"org", "site"}, {"site"}),
        (None, (ORG, SITE), set(), {"org", "site"}),
        ((OTHER_ORG, OTHER_SITE), (ORG, SITE), {"other org", "other site"}, {"org", "site"}),
        (None, None, set(), set()),
    ],
    ids=["new", "renamed", "moved", "deleted", "given away", "unknown"],
)
def test_who_may_see_a_unit_now_gets_it_and_who_saw_it_loses_it(now, before, patched, gone) -> None:
    sorter, window, found = Sorter(), Window(1_000_000), dict[Topic, Pending]()
    row = moved(10, now, before)
    sorter.sort(row, window.decoded(row), lambda topic: found.setdefault(topic, Pending(topic)))
    foreign = {str(OTHER_ORG), str(OTHER_SITE)}
    names = {t: f"{'other ' if t.id in foreign else ''}{t.scope}" for t in found if t.subject == "units"}
    shown = {t: orjson.loads(next(found[t].frames()).data) for t in names if list(found[t].frames())}
    assert {names[t] for t, frame in shown.items() if frame["units"]} == patched
    assert {names[t] for t, frame in shown.items() if frame.get("gone")} == gone


def test_where_a_unit_is_follows_the_feed() -> None:
    sorter, window = Sorter(), Window(1_000_000)
    sorter.begin(PLACES)
    for now, left in [((ORG, NEW_SITE), []), ((OTHER_ORG, OTHER_SITE), [str(UNIT)]), (None, [str(UNIT)]), (None, [])]:
        assert sorter.move(window.decoded(moved(id(now), now, None))) == left  # type: ignore[arg-type]
    assert str(UNIT) not in sorter.places
