"""Pauses grow, keep a floor, and begin anew only behind something that lasted."""

from ingest.backoff import FIRST_SECONDS, STEADY_SECONDS, Backoff


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def shortest(longest: float, clock: Hand | None = None) -> Backoff:
    """The pauses of who is always unlucky: the half of each bound."""
    return Backoff(longest, clock or Hand(), lambda: 0.0)


def test_the_first_attempts_follow_quickly_and_the_later_ones_seldom() -> None:
    retry = shortest(30)
    assert [retry.pause() for _ in range(10)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0]


def test_a_pause_is_between_the_half_and_the_whole_of_its_bound() -> None:
    retry = Backoff(1)
    pauses = [retry.pause() for _ in range(200)]
    assert FIRST_SECONDS / 2 <= pauses[0] <= FIRST_SECONDS
    assert all(0.5 <= pause <= 1 for pause in pauses[3:])
    assert len(set(pauses)) > 100


def test_no_bound_is_above_the_longest() -> None:
    assert Backoff(0.1, Hand(), lambda: 1.0).pause() == 0.1


def test_at_most_six_attempts_a_minute_once_backed_off() -> None:
    clock = Hand()
    retry = shortest(30, clock)
    attempts = []
    while clock.seconds < 3600:
        attempts.append(clock.seconds)
        retry.began()  # accepted, and dropped at once
        clock.seconds += retry.pause()
    late = [at for at in attempts if at > 60]
    assert max(sum(begin <= at < begin + 60 for at in late) for begin in late) <= 4


def test_what_lasted_is_found_again_quickly_and_what_did_not_is_not() -> None:
    clock = Hand()
    retry = shortest(30, clock)
    for _ in range(5):
        retry.began()
        clock.seconds += STEADY_SECONDS / 2
        last = retry.pause()
    assert last == 1.6
    retry.began()
    clock.seconds += STEADY_SECONDS
    assert retry.pause() == 0.1


def test_an_attempt_that_takes_long_and_fails_is_no_success() -> None:
    clock = Hand()
    retry = shortest(30, clock)
    retry.pause()
    clock.seconds += 10 * STEADY_SECONDS
    assert retry.pause() == 0.2
