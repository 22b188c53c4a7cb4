"""The hub: who gets what, in which order, and who gets nothing any more."""

import pytest

from api.feed.subscriber import HIGH_BYTES, State
from api.feed.topics import Topic
from tests.api.feed.clients import ids_of
from tests.api.feed.rows import (
    ORG,
    OTHER_ORG,
    OTHER_SITE,
    OTHER_UNIT,
    SESSION,
    SITE,
    UNIT,
    USER,
    access,
    alert,
    fact,
    listener,
    make_hub,
    moved,
    readings,
)
from tests.factories import identity

UNITS, ALERTS = Topic("org", str(ORG), "units"), Topic("org", str(ORG), "alerts")
STATE, READINGS = Topic("unit", str(UNIT), "state"), Topic("unit", str(UNIT), "readings")
AT_SITE, OTHERS = Topic("site", str(SITE), "units"), Topic("org", str(OTHER_ORG), "alerts")


async def test_each_gets_its_own_and_nothing_else() -> None:
    hub = make_hub()
    one, other, idle = listener(hub, ALERTS), listener(hub, OTHERS, organizations=[OTHER_ORG]), listener(hub)
    hub.advance([alert(110, "ours"), alert(120, "theirs", organization=OTHER_ORG, unit=OTHER_UNIT)])
    assert [a["alert"]["id"] for f in one.frames for a in f["alerts"]] == ["ours"]
    assert [a["alert"]["id"] for f in other.frames for a in f["alerts"]] == ["theirs"]
    assert idle.frames == []


async def test_what_comes_at_once_becomes_one_frame_for_each_topic() -> None:
    hub = make_hub()
    one = listener(hub, UNITS, ALERTS)
    hub.advance([readings(110, 4.0, 5.0), alert(120, "a"), readings(130, 6.0), alert(140, "b")])
    units, alerts = sorted(one.frames, key=lambda frame: frame["type"], reverse=True)
    assert (units["id"], units["units"][0]["lastTemperature"]) == (130, 6.0)
    assert ids_of([alerts]) == [120, 140]


async def test_all_get_the_same_bytes() -> None:
    hub = make_hub()
    several = [listener(hub, UNITS) for _ in range(3)]
    hub.advance([readings(110, 4.0)])
    assert len({id(one.transport.written[0]) for one in several}) == 1


async def test_one_who_comes_back_gets_what_it_missed_and_then_what_is_new() -> None:
    hub = make_hub()
    hub.advance([alert(110, "a", "b", "c"), alert(120, "d")])
    one = listener(hub)
    hub.subscribe(one, ALERTS, ORG, 111)
    assert one.state is State.BEHIND
    hub.advance([alert(130, "e")])
    while one.state is State.BEHIND:
        hub.read_on(one)
    hub.advance([alert(140, "f")])
    assert ids_of(one.frames) == [112, 120, 130, 140]


async def test_a_second_topic_that_comes_back_repeats_nothing_of_the_first() -> None:
    hub = make_hub()
    one = listener(hub, ALERTS)
    hub.advance([alert(110, "a"), fact(120)])
    hub.subscribe(one, STATE, ORG, 100)
    hub.advance([alert(130, "b")])
    while one.state is State.BEHIND:
        hub.read_on(one)
    of = {topic.subject: ids_of([f for f in one.frames if f["topic"] == topic.name]) for topic in (ALERTS, STATE)}
    assert of == {"alerts": [110, 130], "state": [110, 120, 130]}


async def test_one_who_is_slow_gets_all_alerts_and_the_newest_values_later() -> None:
    hub = make_hub()
    slow, quick = listener(hub, ALERTS, UNITS), listener(hub, ALERTS, UNITS)
    slow.transport.waiting = HIGH_BYTES + 1
    hub.advance([alert(110, "a"), readings(120, 4.0)])
    assert slow.state is State.BEHIND
    for n in range(10):
        hub.advance([alert(130 + 10 * n, "b"), readings(135 + 10 * n, float(n))])
    assert not hub.read_on(slow)
    slow.transport.waiting = 0
    assert hub.read_on(slow)
    assert slow.state is State.LIVE
    assert ids_of(slow.frames) == ids_of(quick.frames)
    assert len([f for f in quick.frames if f["type"] == "units"]) == 11
    assert [f["units"][0]["lastTemperature"] for f in slow.frames if f["type"] == "units"] == [4.0, 9.0]


async def test_nothing_more_is_written_for_one_who_takes_nothing() -> None:
    hub = make_hub()
    deaf, reader = listener(hub, ALERTS, UNITS), listener(hub, ALERTS, UNITS)
    deaf.transport.waiting = HIGH_BYTES + 1
    hub.advance([alert(110, "a")])
    written = len(deaf.transport.written)
    for n in range(500):
        hub.advance([alert(130 + 10 * n, "b"), readings(135 + 10 * n, float(n))])
        hub.read_on(deaf)
    assert len(deaf.transport.written) == written
    assert len(reader.frames) == 1001


async def test_one_who_is_further_behind_than_the_window_is_cut() -> None:
    hub = make_hub(size=3000)
    one, other = listener(hub, ALERTS), listener(hub, ALERTS)
    one.transport.waiting = HIGH_BYTES + 1
    for n in range(20):
        hub.advance([alert(110 + n, "a")])
    hub.read_on(one)
    assert one.state is State.CLOSED
    assert one.transport.written[-1].endswith(b"\x03\xf5too slow")
    assert len(other.frames) == 20
    assert one not in hub.subscribers


async def test_one_whose_connection_is_gone_is_behind_no_more() -> None:
    hub = make_hub()
    one = listener(hub, ALERTS)
    hub.subscribe(one, ALERTS, ORG, 50)
    one.transport.closed = True
    assert not hub.read_on(one)
    assert one not in hub.behind


# --- access


@pytest.mark.parametrize(
    ("what", "held"),
    [
        (f"session:{SESSION}", True),
        (f"session:{identity('somebody')}", False),
        (f"user:{USER}", True),
        (f"user:{identity('somebody')}", False),
        (f"organization:{ORG}", True),
        (f"organization:{OTHER_ORG}", False),
        ("all:", True),
    ],
)
async def test_nothing_after_a_change_of_access_is_sent_before_it_was_looked_at(what: str, held: bool) -> None:
    hub = make_hub()
    one = listener(hub, ALERTS)
    hub.advance([alert(110, "before")])
    hub.advance([access(120, what), alert(130, "after")])
    assert (one.state is State.HELD) is held
    assert ids_of(one.frames) == ([110] if held else [110, 130])


async def test_who_still_may_goes_on_without_a_gap() -> None:
    hub = make_hub()
    one = listener(hub, ALERTS)
    hub.advance([alert(110, "a"), access(120, f"user:{USER}"), alert(130, "b")])
    hub.hold("user", str(USER))
    hub.advance([alert(140, "c")])
    assert one.frames == []
    hub.let_go(one)
    hub.read_on(one)
    assert ids_of(one.frames) == [110, 130, 140]
    assert one.state is State.LIVE


async def test_who_may_no_longer_gets_neither_that_topic_nor_what_it_missed() -> None:
    hub = make_hub()
    one = listener(hub, ALERTS, OTHERS, organizations=[ORG, OTHER_ORG])
    hub.advance([access(110, f"user:{USER}"), alert(120, "ours"), alert(130, "x", organization=OTHER_ORG, unit=None)])
    one.principal = one.principal._replace(roles={ORG: one.principal.roles[ORG]})
    hub.let_go(one)
    hub.read_on(one)
    hub.advance([alert(140, "y", organization=OTHER_ORG, unit=None)])
    assert one.frames[0] == {"type": "unsubscribed", "topic": OTHERS.name}
    assert ids_of(one.frames) == [120]


async def test_one_who_is_behind_and_held_stays_where_it_was() -> None:
    hub = make_hub()
    one = listener(hub, ALERTS)
    hub.advance([alert(110, "a")])
    one.transport.waiting = HIGH_BYTES + 1
    hub.advance([alert(120, "b")])
    hub.advance([alert(130, "c")])
    hub.hold("user", str(USER))
    one.transport.waiting = 0
    hub.advance([alert(140, "d")])
    hub.let_go(one)
    hub.read_on(one)
    assert ids_of(one.frames) == [110, 120, 130, 140]


# --- units that move


async def test_a_unit_that_moved_to_another_site_is_followed_there_at_once() -> None:
    hub = make_hub()
    there = Topic("site", str(identity("new site")), "units")
    old, new = listener(hub, AT_SITE), listener(hub, there)
    hub.advance([readings(110, 1.0), moved(120, (ORG, identity("new site")), (ORG, SITE)), readings(130, 2.0)])
    hub.advance([readings(140, 3.0)])
    assert [f["gone"] for f in old.frames] == [[str(UNIT)]]
    assert [f["units"][0]["lastTemperature"] for f in new.frames] == [2.0, 3.0]


@pytest.mark.parametrize("now", [None, (OTHER_ORG, OTHER_SITE)], ids=["deleted", "given away"])
async def test_topics_of_a_unit_end_when_it_is_no_longer_theirs(now) -> None:
    hub = make_hub()
    one = listener(hub, STATE, READINGS)
    hub.advance([moved(110, now, (ORG, SITE)), readings(120, 9.0), fact(130, organization=OTHER_ORG)])
    assert [f["type"] for f in one.frames] == ["unsubscribed", "unsubscribed"]
    assert one.subscriptions == {}
    assert hub.home_of(str(UNIT)) == (None if now is None else OTHER_ORG)


async def test_who_leaves_leaves_nothing_behind() -> None:
    hub = make_hub()
    one = listener(hub, ALERTS, UNITS, STATE)
    hub.hold("all", "")
    hub.leave(one)
    hub.leave(one)
    assert (hub.subscribers, hub.held, hub.behind, hub._topics) == (set(), set(), set(), {})
