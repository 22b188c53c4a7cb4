"""Shards: which of several daemons an organization belongs to. The hash is that of `shard_of` in sql/0015.shards.sql.

A layout is the number of shards that there are. An organization is of exactly one shard in each layout.
"""

from collections.abc import Iterable
from math import gcd, lcm
from typing import NamedTuple
from uuid import UUID

from frostguard.domain.outages import Outage, Outages

LOW = 0xFFFF_FFFF
MOST = 1024
"""Shards of a layout, at most. 1024 daemons hold more connections than one PostgreSQL has."""


class Shard(NamedTuple):
    """Number `number` (from 0) of `of` shards."""

    number: int = 0
    of: int = 1

    def __str__(self) -> str:
        """As settings and people write it: 0/4."""
        return f"{self.number}/{self.of}"

    @property
    def suffix(self) -> str:
        """What tells its names from those of its siblings; empty for the only one."""
        return "" if self.of == 1 else f"-{self.number}-of-{self.of}"

    def has(self, organization: UUID) -> bool:
        """Whether an organization is of this shard."""
        return shard_of(organization, self.of) == self.number

    def meets(self, other: "Shard") -> bool:
        """Whether some organization can be of this shard and of another one in another layout."""
        return (self.number - other.number) % gcd(self.of, other.of) == 0


WHOLE = Shard()


def shard_of(organization: UUID, shards: int) -> int:
    """Return the number of an organization's shard: the last 32 bits of its id, modulo the number of shards."""
    return (organization.int & LOW) % shards


def parse_shard(text: str) -> Shard:
    """Return the shard of `0/4` or `0-of-4`; `0` alone is the only one of one. Raises ValueError for anything else."""
    number, mark, of = text.replace("-of-", "/").partition("/")
    if not number.isdecimal() or (mark and not of.isdecimal()):
        raise ValueError("must be a shard such as 0/4: number (from 0) and how many there are")
    shard = Shard(int(number), int(of) if mark else 1)
    if not 1 <= shard.of <= MOST or shard.number >= shard.of:
        raise ValueError(f"there is no shard {shard}: numbers go from 0 to one less than how many there are")
    return shard


class Silences:
    """Our own outages, organization by organization: those of its shard, in every layout that there was."""

    def __init__(self, shard: Shard = WHOLE, spans: Iterable[tuple[Shard, Outage]] = (), kept: int = 1000) -> None:
        self._shard = shard
        self._kept = kept
        self._spans = list(spans)
        self._differ = any(shard.of % other.of for other, _ in self._spans)
        self._classes = lcm(shard.of, *(other.of for other, _ in self._spans))
        self._found: dict[int, Outages] = {}

    @property
    def same(self) -> Outages | None:
        """The outages of all organizations of the shard, if they are the same for all."""
        return None if self._differ else self._of(self._shard.number)

    def of(self, organization: UUID) -> Outages:
        """Return the outages that count for an organization of the shard, ascending."""
        return self._of(shard_of(organization, self._classes) if self._differ else self._shard.number)

    def _of(self, residue: int) -> Outages:
        found = self._found.get(residue)
        if found is None:
            found = tuple([outage for other, outage in self._spans if residue % other.of == other.number])
            self._found[residue] = found
        return found

    def add(self, outage: Outage) -> None:
        """An outage of all organizations of the shard is over."""
        self._spans = [*self._spans[-self._kept :], (self._shard, outage)]
        self._found.clear()
