"""The window: bounded, in order, and honest about what it has."""

from api.feed.window import DECODED, ROW_BYTES, Window
from frostguard.store.feed import Row
from frostguard.wire.feed import BEGIN, Batch
from tests.api.feed import rows


def row(first: int, last: int | None = None, size: int = 100) -> Row:
    return Row(first, last or first, BEGIN, b"x" * size)


def window(*held: Row, size: int = 1_000_000, position: int = 5) -> Window:
    made = Window(size)
    made.begin([], position)
    made.add(held)
    return made


def test_what_follows_a_position_is_what_has_greater_ids() -> None:
    made = window(row(10, 12), row(13), row(20, 22))
    assert [r.first for r in made.after(5, 100)] == [10, 13, 20]
    assert [r.first for r in made.after(11, 100)] == [10, 13, 20]  # from the middle of one: its rest
    assert [r.first for r in made.after(12, 100)] == [13, 20]
    assert made.after(22, 100) == []


def test_a_step_takes_one_row_at_least_and_then_so_many_pieces() -> None:
    made = window(row(10, 12), row(13), row(20, 22))
    assert [r.first for r in made.after(5, 1)] == [10]
    assert [r.first for r in made.after(5, 4)] == [10, 13]


def test_any_id_since_the_beginning_is_covered_and_none_of_the_future() -> None:
    made = window(row(10, 12))
    assert [made.covers(n) for n in (4, 5, 7, 10, 12, 13)] == [False, True, True, True, True, False]


def test_after_a_start_with_rows_it_covers_what_is_before_the_first() -> None:
    made = Window(1_000_000)
    made.begin([row(10, 12), row(15)], 15)
    assert [made.covers(n) for n in (8, 9, 12, 15, 16)] == [False, True, True, True, False]


def test_the_oldest_rows_go_when_there_are_too_many_bytes() -> None:
    made = window(*(row(n) for n in range(10, 20)), size=3 * (100 + ROW_BYTES))
    assert made.size == 3 * (100 + ROW_BYTES)
    assert (made.floor, made.newest) == (16, 19)
    assert [r.first for r in made.after(16, 100)] == [17, 18, 19]


def test_it_forgets_for_good() -> None:
    made = window(size=10 * (100 + ROW_BYTES))
    for n in range(10, 5000):
        made.add([row(n)])
    assert len(made._rows) < 2100
    assert [r.first for r in made.after(4995, 100)] == [4996, 4997, 4998, 4999]


def test_what_was_decoded_is_kept_up_to_a_bound() -> None:
    made = window()
    first = rows.readings(10, 4.0)
    assert isinstance(made.decoded(first), Batch)
    assert made.decoded(first) is made.decoded(first)
    for n in range(4):
        made.decoded(rows.readings(1_000_000 * (n + 1), *[4.0] * (DECODED // 3)))
    assert made._pieces <= DECODED
    assert first.first not in made._decoded


def test_one_row_that_is_larger_than_the_window_leaves_an_empty_one() -> None:
    made = window(row(10, size=2000), size=1000)
    assert (made.floor, made.newest, made.size) == (10, 10, 0)
