"""What waits to become frames of one topic: patches of units become one for each unit, all else stays as it came."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from api.feed.frames import Frame
from api.feed.topics import Topic

AT_ONCE = 200  # entries in a frame that are never merged

Members = dict[str, Any]


class Pending:
    """One topic's share of some rows. What has an id up to `since` is left out: the subscriber has it."""

    def __init__(self, topic: Topic, since: int = 0) -> None:
        self.topic = topic
        self.since = since
        self.last = since
        self._patches: dict[str, Members] = {}
        self._gone: dict[str, None] = {}
        self._entries: list[tuple[int, str, Members]] = []

    def patch(self, number: int, unit: str, members: Members) -> None:
        """Lay the newest values of a unit over those that wait."""
        if number <= self.since:
            return
        known = self._patches.get(unit)
        self._patches[unit] = {"id": unit, **members} if known is None else {**known, **members}
        self._gone.pop(unit, None)
        self.last = number

    def lose(self, number: int, unit: str) -> None:
        """Say that a unit is gone from here."""
        if number > self.since:
            self._patches.pop(unit, None)
            self._gone[unit] = None
            self.last = number

    def add(self, number: int, kind: str, members: Members) -> None:
        """Add what must not be merged; `kind` is the frame's type."""
        if number > self.since:
            self._entries.append((number, kind, members))
            self.last = number

    def frames(self) -> Iterator[Frame]:
        """Give the frames, with growing ids."""
        name = self.topic.name
        match self.topic.subject:
            case "units":
                if self._patches or self._gone:
                    gone = {"gone": list(self._gone)} if self._gone else {}
                    units = list(self._patches.values())
                    yield Frame("units", {"topic": name, "id": self.last, "units": units, **gone})
            case "state":
                if self._patches or self._entries:
                    yield Frame("state", {"topic": name, "id": self.last, **self._state()})
            case _:
                yield from self._listed(name)

    def _state(self) -> Members:
        found: Members = {}
        if self._patches:
            found["unit"] = self._patches[self.topic.id]
        if self._entries:
            found["events"] = [{"id": number, **members} for number, _, members in self._entries]
        return found

    def _listed(self, name: str) -> Iterator[Frame]:
        for kind, entries in groupby(self._entries, key=lambda entry: entry[1]):
            if kind == "backlog":
                for number, _, members in entries:
                    yield Frame(kind, {"topic": name, "id": number, **members})
                continue
            for some in _in_parts(list(entries)):
                listed = [{"id": n, **members} if kind == "alerts" else members for n, _, members in some]
                yield Frame(kind, {"topic": name, "id": some[-1][0], kind: listed})


def _in_parts(entries: list[tuple[int, str, Members]]) -> Iterator[list[tuple[int, str, Members]]]:
    for begin in range(0, len(entries), AT_ONCE):
        yield entries[begin : begin + AT_ONCE]
