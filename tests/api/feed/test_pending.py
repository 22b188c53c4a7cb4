"""What waits for a topic: patches become one, nothing else does."""

import orjson

from api.feed.pending import AT_ONCE, Pending
from api.feed.topics import Topic
from tests.api.feed.rows import ORG, UNIT

UNITS, ALERTS = Topic("org", str(ORG), "units"), Topic("org", str(ORG), "alerts")
STATE, READINGS = Topic("unit", str(UNIT), "state"), Topic("unit", str(UNIT), "readings")


def frames(pending: Pending) -> list[dict]:
    return [orjson.loads(frame.data) for frame in pending.frames()]


def test_nothing_makes_no_frame() -> None:
    assert [frames(Pending(topic)) for topic in (UNITS, ALERTS, STATE, READINGS)] == [[], [], [], []]


def test_patches_of_a_unit_become_one_with_the_newest_values() -> None:
    pending = Pending(UNITS)
    pending.patch(1, "a", {"lastTemperature": 4, "status": "ok"})
    pending.patch(2, "b", {"lastTemperature": 5})
    pending.patch(3, "a", {"lastTemperature": 6})
    (frame,) = frames(pending)
    assert frame["id"] == 3
    assert frame["units"] == [{"id": "a", "lastTemperature": 6, "status": "ok"}, {"id": "b", "lastTemperature": 5}]
    assert "gone" not in frame


def test_a_unit_that_is_gone_is_no_patch_and_one_that_came_back_is_not_gone() -> None:
    pending = Pending(UNITS)
    pending.patch(1, "a", {"name": "x"})
    pending.lose(2, "a")
    pending.lose(3, "b")
    pending.patch(4, "b", {"name": "y"})
    (frame,) = frames(pending)
    assert (frame["units"], frame["gone"], frame["id"]) == ([{"id": "b", "name": "y"}], ["a"], 4)


def test_alerts_are_never_merged_and_come_in_parts_with_growing_ids() -> None:
    pending = Pending(ALERTS)
    for n in range(1, 2 * AT_ONCE + 2):
        pending.add(n, "alerts", {"alert": {"id": "same"}})
    found = frames(pending)
    assert [frame["id"] for frame in found] == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1]
    assert [a["id"] for frame in found for a in frame["alerts"]] == list(range(1, 2 * AT_ONCE + 2))


def test_a_backlog_stands_between_the_readings_around_it() -> None:
    pending = Pending(READINGS)
    pending.add(1, "readings", {"temperature": 1})
    pending.add(2, "backlog", {"from": "a", "to": "b"})
    pending.add(3, "readings", {"temperature": 2})
    name = READINGS.name
    assert frames(pending) == [
        {"type": "readings", "topic": name, "id": 1, "readings": [{"temperature": 1}]},
        {"type": "backlog", "topic": name, "id": 2, "from": "a", "to": "b"},
        {"type": "readings", "topic": name, "id": 3, "readings": [{"temperature": 2}]},
    ]


def test_a_state_has_what_there_is() -> None:
    only_unit, only_events = Pending(STATE), Pending(STATE)
    only_unit.patch(1, str(UNIT), {"status": "ok"})
    only_events.add(2, "state", {"kind": "door_opened"})
    assert frames(only_unit)[0].keys() == {"type", "topic", "id", "unit"}
    assert frames(only_events)[0]["events"] == [{"id": 2, "kind": "door_opened"}]


def test_what_the_subscriber_has_is_left_out() -> None:
    pending = Pending(ALERTS, since=5)
    for n in (4, 5, 6):
        pending.add(n, "alerts", {})
    assert [a["id"] for frame in frames(pending) for a in frame["alerts"]] == [6]
    patched = Pending(UNITS, since=5)
    patched.patch(5, "a", {"x": 1})
    patched.lose(4, "b")
    assert frames(patched) == []
