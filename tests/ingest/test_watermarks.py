"""Watermarks against the plainest model there is: the set of numbers that are settled."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from frostguard.store.watermarks import KEPT_BOOTS, Watermark
from ingest import watermarks
from ingest.watermarks import MAX_RANGES, Progress, Watermarks

GATEWAY = UUID(int=1)
OTHER = UUID(int=2)
FIRST = (GATEWAY, "boot-1")

numbers = st.integers(1, 60)
settled = st.tuples(st.just("settle"), numbers)
skipped = st.tuples(st.just("skip_to"), numbers)


class Model:
    """What is settled, as a set; below `floor` nothing counts any more."""

    def __init__(self) -> None:
        self.settled: set[int] = set()

    @property
    def upto(self) -> int:
        at = 0
        while at + 1 in self.settled:
            at += 1
        return at

    def skip_to(self, oldest: int) -> int:
        gone = set(range(1, oldest)) - self.settled
        self.settled |= gone
        return len(gone)


def _numbers_of(progress: Progress) -> set[int]:
    pairs = zip(progress.firsts, progress.lasts, strict=True)
    return set(range(1, progress.upto + 1)).union(*(range(first, last + 1) for first, last in pairs))


def _assert_tidy(progress: Progress) -> None:
    """Ranges rise, never touch, and lie above the first gap."""
    edge = progress.upto
    for first, last in zip(progress.firsts, progress.lasts, strict=True):
        assert edge + 1 < first <= last
        edge = last


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(settled, settled, settled, skipped), max_size=80))
def test_any_order_with_duplicates_and_skips_equals_the_set(steps: list[tuple[str, int]]) -> None:
    progress, model = Progress(), Model()
    for what, number in steps:
        if what == "settle":
            progress.settle(number)
            model.settled.add(number)
        else:
            assert progress.skip_to(number) == model.skip_to(number)
        assert progress.upto == model.upto
        assert _numbers_of(progress) == model.settled
        _assert_tidy(progress)
        assert _numbers_of(Progress(progress.upto, progress.beyond())) == model.settled


@given(st.permutations(range(1, 40)))
def test_every_order_of_all_numbers_ends_without_a_gap(order: list[int]) -> None:
    progress = Progress()
    for number in order:
        progress.settle(number)
    assert (progress.upto, progress.beyond()) == (39, [])


def test_the_watermark_never_passes_a_gap() -> None:
    progress = Progress()
    for number in (1, 2, 4, 5, 7):
        progress.settle(number)
    assert (progress.upto, progress.beyond()) == (2, [4, 5, 7, 7])
    progress.settle(3)
    assert (progress.upto, progress.beyond()) == (5, [7, 7])
    progress.settle(6)
    assert (progress.upto, progress.beyond()) == (7, [])


def test_a_gateway_that_dropped_numbers_is_told_so_once() -> None:
    progress = Progress()
    for number in (1, 5, 6, 9):
        progress.settle(number)
    assert progress.skip_to(8) == 4  # 2, 3, 4 and 7
    assert (progress.upto, progress.beyond()) == (7, [9, 9])
    assert progress.skip_to(8) == 0
    assert progress.skip_to(9) == 1
    assert (progress.upto, progress.beyond()) == (9, [])


def test_beyond_the_bound_the_lowest_gap_stays_and_the_highest_numbers_are_forgotten() -> None:
    progress = Progress()
    for number in range(3, 3 + 2 * (MAX_RANGES + 50), 2):  # every one a range of its own
        progress.settle(number)
    assert len(progress.firsts) == MAX_RANGES
    assert progress.upto == 0
    last = progress.lasts[-1]
    progress.settle(last + 1)  # grows a range, needs no new one
    assert progress.lasts[-1] == last + 1
    for number in range(1, last):
        progress.settle(number)
    assert (progress.upto, progress.beyond()) == (last + 1, [])
    # What was forgotten comes again, as the gateway still holds it.
    progress.settle(last + 2)
    assert progress.upto == last + 2


@settings(max_examples=100, deadline=None)
@given(st.lists(numbers, max_size=60))
def test_with_a_small_bound_nothing_is_ever_claimed_that_was_not_settled(order: list[int]) -> None:
    kept, watermarks.MAX_RANGES = watermarks.MAX_RANGES, 3
    try:
        progress = Progress()
        for number in order:
            progress.settle(number)
            assert len(progress.firsts) <= 3
        assert _numbers_of(progress) <= set(order)
        _assert_tidy(progress)
        for number in range(1, 61):  # the gateway sends everything again, in order
            progress.settle(number)
        assert progress.upto == 60
    finally:
        watermarks.MAX_RANGES = kept


def test_a_working_copy_changes_nothing_until_it_is_committed() -> None:
    marks = Watermarks([Watermark(GATEWAY, "boot-1", 5, [8, 9])])
    copy = marks.working_copy(FIRST)
    for number in (6, 7, 11):
        copy.settle(number)
    copy.skip_to(11)
    assert (copy.upto, copy.beyond()) == (11, [])
    untouched = marks.working_copy(FIRST)
    assert (untouched.upto, untouched.beyond()) == (5, [8, 9])
    marks.commit({FIRST: copy})
    assert marks.working_copy(FIRST).upto == 11


def test_a_new_boot_begins_at_nought() -> None:
    marks = Watermarks([Watermark(GATEWAY, "boot-1", 5, [])])
    assert not marks.is_new(FIRST)
    assert marks.is_new((GATEWAY, "boot-2"))
    assert marks.is_new((OTHER, "boot-1"))
    assert marks.working_copy((GATEWAY, "boot-2")).upto == 0


def test_only_the_newest_boots_of_a_gateway_are_remembered() -> None:
    marks = Watermarks([Watermark(OTHER, "old", 3, [])])
    for n in range(1, 1001):
        marks.commit({(GATEWAY, f"boot-{n}"): Progress(n)})
    assert not marks.is_new((OTHER, "old"))
    kept = [n for n in range(1, 1001) if not marks.is_new((GATEWAY, f"boot-{n}"))]
    assert kept == list(range(1001 - KEPT_BOOTS, 1001))


def test_after_a_restart_the_boot_that_was_used_last_is_forgotten_last() -> None:
    """The table gives them oldest first; a new boot costs the oldest, as it does in the table."""
    saved = [Watermark(GATEWAY, f"boot-{n}", n, []) for n in range(1, KEPT_BOOTS + 1)]
    marks = Watermarks(saved)
    marks.commit({(GATEWAY, "new"): Progress(1)})
    assert [marks.is_new((GATEWAY, w.boot)) for w in saved] == [True] + [False] * (KEPT_BOOTS - 1)


def test_a_boot_that_is_heard_again_is_not_the_oldest_any_more() -> None:
    marks = Watermarks([Watermark(GATEWAY, f"boot-{n}", n, []) for n in range(1, KEPT_BOOTS + 1)])
    marks.commit({FIRST: Progress(9)})
    marks.commit({(GATEWAY, "new"): Progress(1)})
    assert marks.working_copy(FIRST).upto == 9
    assert marks.is_new((GATEWAY, "boot-2"))
