"""How much one client, one user, one organization may ask of the feeds."""

import time
from collections import Counter
from uuid import UUID

from api.principals import Principal

MESSAGES_PER_SECOND, MESSAGES_AT_ONCE = 10.0, 300.0


class Allowance:
    """Messages of one socket: so many at once, and so many a second in the long run."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        self._left = MESSAGES_AT_ONCE
        self._at = time.monotonic()

    def take(self) -> bool:
        """Use one up; False if there is none."""
        now = time.monotonic()
        self._left = min(MESSAGES_AT_ONCE, self._left + (now - self._at) * MESSAGES_PER_SECOND) - 1
        self._at = now
        return self._left >= 0


class Seats:
    """Sockets and streams by user and by organization, in this process."""

    def __init__(self, per_user: int, per_organization: int) -> None:
        self._per_user = per_user
        self._per_organization = per_organization
        self._taken: Counter[UUID] = Counter()

    def take(self, principal: Principal) -> tuple[UUID, ...] | None:
        """Take a seat: what to give back, or None if there is none left."""
        user, homes = principal.user_id, tuple(principal.roles)
        if self._taken[user] >= self._per_user or any(self._taken[h] >= self._per_organization for h in homes):
            return None
        seat = (user, *homes)
        self._taken.update(seat)
        return seat

    @property
    def taken(self) -> int:
        """How many keys have somebody seated."""
        return len(self._taken)

    def give_back(self, seat: tuple[UUID, ...]) -> None:
        """Free a seat."""
        self._taken.subtract(seat)
        for key in seat:
            if self._taken[key] <= 0:
                del self._taken[key]
