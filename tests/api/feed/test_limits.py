"""How much one may ask."""

from uuid import UUID, uuid4

import pytest

from api.feed import limits
from api.feed.limits import MESSAGES_AT_ONCE, MESSAGES_PER_SECOND, Allowance, Seats
from api.principals import Principal
from frostguard.domain.access import Role


def test_messages_are_so_many_at_once_and_then_so_many_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    allowance = Allowance()
    assert [allowance.take() for _ in range(int(MESSAGES_AT_ONCE))] == [True] * int(MESSAGES_AT_ONCE)
    assert not allowance.take()
    now[0] += 2 / MESSAGES_PER_SECOND + 0.01
    assert [allowance.take(), allowance.take()] == [True, False]


def user(*organizations: UUID) -> Principal:
    return Principal(uuid4(), uuid4(), "a@example.com", 0.0, None, dict.fromkeys(organizations, Role.VIEWER))


def test_a_user_has_so_many_seats() -> None:
    seats, one = Seats(2, 100), user()
    first, second = seats.take(one), seats.take(one)
    assert first is not None
    assert second is not None
    assert seats.take(one) is None
    assert seats.take(user()) is not None
    seats.give_back(first)
    assert seats.take(one) is not None


def test_an_organization_has_so_many_seats() -> None:
    seats, organization = Seats(100, 2), uuid4()
    taken = [seats.take(user(organization)) for _ in range(3)]
    assert [each is None for each in taken] == [False, False, True]
    assert seats.take(user(uuid4())) is not None


def test_no_seat_is_remembered_when_all_are_free() -> None:
    seats = Seats(2, 2)
    seat = seats.take(user(uuid4()))
    assert seat is not None
    assert seats.taken == 2
    seats.give_back(seat)
    assert seats.taken == 0
