"""How long readings are kept: a week leaves when all of it is old enough for its organization and nothing holds it."""

from datetime import datetime, timedelta
from typing import NamedTuple

WEEK = timedelta(days=7)
MINIMUM_DAYS = 366
"""No organization keeps less: records of frozen food must be kept a year (Regulation (EC) 37/2005, article 2)."""


class Retention(NamedTuple):
    """What an organization asks for: days (None: the default of the installation), and whether it is on legal hold."""

    days: int | None = None
    held: bool = False

    def effective_days(self, default: int) -> int:
        """Return for how many days its readings are kept at least."""
        return max(MINIMUM_DAYS, default if self.days is None else self.days)

    def expired(self, week: datetime, now: datetime, default: int) -> bool:
        """Tell whether the week that begins with this Monday is to be removed. Never while there is a legal hold."""
        return not self.held and week + WEEK + timedelta(days=self.effective_days(default)) <= now
