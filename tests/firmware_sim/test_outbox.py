"""The gateway's buffer: order, release, resending, the bound, boots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.outbox import Outbox
from frostguard.wire.packets import Measurement

READING = Measurement("5f00000001000001")


def make(count: int, bound: int = 100, *, watermark: bool = True) -> Outbox:
    outbox = Outbox("a", bound, watermark=watermark)
    for _ in range(count):
        outbox.add(READING)
    return outbox


def take(outbox: Outbox, limit: int = 100) -> list[int]:
    batch = outbox.take(limit)
    return [r.seq for r in batch.readings] if batch else []


def test_readings_are_numbered_from_one():
    assert [make(0).add(READING)[0].seq for _ in range(2)] == [1, 1]
    outbox = make(2)
    assert outbox.add(READING)[0].seq == 3


def test_readings_go_out_in_order_and_once():
    outbox = make(5)
    assert [take(outbox, 2), take(outbox, 2), take(outbox, 2), take(outbox, 2)] == [[1, 2], [3, 4], [5], []]


def test_the_watermark_releases_what_it_covers_and_nothing_else():
    outbox = make(5)
    outbox.acknowledge(outbox.take(5))
    assert len(outbox) == 5, "a PUBACK is no promise"
    assert outbox.release("a", 3) == ("a", 1, 3)
    assert (len(outbox), outbox.unreleased) == (2, 2)
    assert outbox.release("a", 3) is None


@pytest.mark.parametrize(("boot", "upto"), [("another", 5), ("a", 0)])
def test_a_watermark_of_something_else_releases_nothing(boot, upto):
    outbox = make(5)
    outbox.take(5)
    assert outbox.release(boot, upto) is None
    assert len(outbox) == 5


def test_a_watermark_beyond_what_was_sent_releases_only_what_was_sent():
    outbox = make(5)
    outbox.take(2)
    assert outbox.release("a", 99) == ("a", 1, 2)
    assert take(outbox) == [3, 4, 5]


def test_after_a_reconnect_everything_unreleased_goes_out_again_in_order():
    outbox = make(6)
    outbox.acknowledge(outbox.take(4))
    outbox.release("a", 2)
    outbox.rewind()
    assert take(outbox) == [3, 4, 5, 6]


def test_without_a_watermark_a_reading_is_forgotten_at_its_puback():
    outbox = make(4, watermark=False)
    first, second = outbox.take(2), outbox.take(2)
    assert outbox.acknowledge(second) == 2
    assert len(outbox) == 2
    outbox.rewind()
    assert take(outbox) == [1, 2]
    assert outbox.acknowledge(first) == 2
    assert len(outbox) == 0


def test_what_the_broker_did_not_deliver_goes_out_again():
    outbox = make(4)
    batch = outbox.take(2)
    outbox.take(2)
    outbox.refuse(batch)
    assert take(outbox) == [1, 2, 3, 4]


def test_a_second_puback_for_the_same_reading_is_no_news():
    outbox = make(2)
    batch = outbox.take(2)
    assert [outbox.acknowledge(batch), outbox.acknowledge(batch)] == [2, 0]


def test_a_full_buffer_drops_the_oldest_counts_it_and_tells_the_oldest_left():
    outbox = make(3, bound=3)
    assert outbox.oldest == 1
    _, gap = outbox.add(READING)
    assert gap == ("a", 1, 1)
    assert (outbox.dropped, outbox.oldest, len(outbox)) == (1, 2, 3)
    assert take(outbox) == [2, 3, 4]


def test_the_oldest_of_an_empty_buffer_is_the_next_number():
    outbox = make(3)
    outbox.take(3)
    outbox.release("a", 3)
    assert outbox.oldest == 4


def test_a_restart_begins_a_new_boot_and_keeps_the_old_numbers():
    outbox = make(3)
    outbox.take(3)
    outbox.restart("b")
    outbox.add(READING)
    batches = [outbox.take(10), outbox.take(10)]
    assert [(b.boot, [r.seq for r in b.readings]) for b in batches] == [("a", [1, 2, 3]), ("b", [1])]
    assert outbox.oldest_by_boot() == [("a", 1), ("b", 1)]
    assert outbox.release("b", 1) == ("b", 1, 1)
    assert outbox.release("a", 3) == ("a", 1, 3)
    assert outbox.oldest_by_boot() == [("b", 2)]


def test_a_boot_that_numbered_nothing_leaves_no_trace():
    outbox = make(0)
    outbox.restart("b")
    assert outbox.boot == "b"
    assert outbox.oldest_by_boot() == [("b", 1)]


def test_a_look_at_the_oldest_does_not_move_the_cursor():
    outbox = make(3)
    outbox.take(2)
    assert [r.seq for r in outbox.peek(limit=1).readings] == [1]
    assert take(outbox) == [3]


ACTIONS = st.one_of(
    st.just(("add",)),
    st.tuples(st.just("take"), st.integers(1, 5)),
    st.tuples(st.just("release"), st.integers(0, 30)),
    st.just(("rewind",)),
    st.just(("restart",)),
)


@given(st.lists(ACTIONS, max_size=80), st.integers(2, 10))
def test_every_reading_is_kept_released_or_counted_as_dropped(actions, bound):
    outbox, added, released, boots = Outbox("0", bound), 0, 0, 0
    for name, *arguments in actions:
        match name:
            case "add":
                outbox.add(READING)
                added += 1
            case "take":
                batch = outbox.take(arguments[0])
                assert batch is None or [r.seq for r in batch.readings] == list(
                    range(batch.readings[0].seq, batch.readings[0].seq + len(batch.readings))
                )
            case "release":
                before = len(outbox)
                outbox.release(outbox.boot, arguments[0])
                released += before - len(outbox)
            case "rewind":
                outbox.rewind()
            case "restart":
                boots += 1
                outbox.restart(str(boots))
        assert len(outbox) <= bound
    assert added == len(outbox) + released + outbox.dropped
    outbox.rewind()
    sent = 0
    while batch := outbox.take(3):
        sent += len(batch.readings)
    assert sent == len(outbox)
