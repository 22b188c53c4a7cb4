"""Edits of units of one organization that come at the same moment are made in one transaction.

Every change waits for its organization's audit chain, and costs a commit, a row of the feed and a notification. Whoever
comes while others are being written is taken together with those who come then: more people at once make a larger
transaction instead of a longer queue. Each change still has its own judgement, version and entry of the audit log.

Only what goes smoothly goes together. A unit that was changed meanwhile, is held by somebody else or makes the
statement fail goes alone after that, by `editing.edit`, and none of the others notices.
"""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import Any
from uuid import UUID

from api import editing, problems
from api.call import Call
from frostguard.errors import ConflictError, RowRefusedError, StoreUnavailableError
from frostguard.store import units
from frostguard.store.connection import Connection, Record
from frostguard.store.lanes import Lanes
from frostguard.store.organizations import Edit
from frostguard.store.units import Edited

MOST = 64  # edits in one transaction: they hold the chain together

Judge = Callable[[Record], dict[str, Any]]
Made = tuple[Record, dict[str, Any]]


class _Waiting:
    """One request that waits. `made` is what `editing.edit` returns, or None where it has to go alone."""

    __slots__ = ("before", "call", "changes", "context", "judge", "made", "unit")

    def __init__(self, call: Call, unit: UUID, judge: Judge) -> None:
        self.call = call
        self.unit = unit
        self.judge = judge
        self.context = copy_context()
        self.made: asyncio.Future[Made | None] = asyncio.get_running_loop().create_future()
        self.before: Record | None = None
        self.changes: dict[str, Any] = {}

    def judged(self, before: Record | None) -> Edited | None:
        """Return the edit to make; None where that is refused, which the request is told."""
        if before is None:
            self.fail(problems.not_found())
            return None
        try:
            self.call.check_version(before["updated_at"])
            self.before, self.changes = before, self.judge(before)
            old = editing.as_text({name: before[name] for name in self.changes})
            edit = Edit(before["updated_at"], editing.as_text(self.changes), old)
            return Edited(self.call.by, self.unit, edit)
        except Exception as error:  # noqa: BLE001 - handed to the request, where it belongs
            self.fail(error)
            return None

    def fail(self, error: BaseException) -> None:
        """Tell the request, if it still waits."""
        if not self.made.done():
            self.made.set_exception(error)

    def finish(self, made: Made | None) -> None:
        """Answer the request, if it still waits."""
        if not self.made.done():
            self.made.set_result(made)


class Gathering:
    """Takes edits of units, and makes those of an organization together that wait at the same moment."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._waiting: dict[UUID, list[_Waiting]] = {}  # by organization, while edits of it are being made
        self._rounds: set[asyncio.Task[None]] = set()

    async def edit(self, call: Call, unit: UUID, judge: Judge) -> Made | None:
        """Change a unit as `editing.edit` does and return what it returns; None: nothing was done, try it alone."""
        waiting = _Waiting(call, unit, judge)
        organization = call.organization_id
        queue = self._waiting.get(organization)
        if queue is None:
            self._waiting[organization] = [waiting]
            self._begin(organization)
        else:
            queue.append(waiting)
        return await waiting.made

    def waiting(self, organization: UUID) -> int:
        """Return how many edits wait for the round that is being made."""
        return len(self._waiting.get(organization, ()))

    def _begin(self, organization: UUID) -> None:
        """Begin a round of what waits, as the first of them: with its fence and its trace."""
        some = _take(self._waiting[organization])
        if not some:
            del self._waiting[organization]
            return
        task = asyncio.get_running_loop().create_task(
            self._round(organization, some), name="edits", context=some[0].context
        )
        self._rounds.add(task)
        task.add_done_callback(self._rounds.discard)

    async def _round(self, organization: UUID, some: list[_Waiting]) -> None:
        try:
            await self._make(organization, some)
        except Exception as error:  # noqa: BLE001 - handed to the requests, where it belongs
            for each in some:
                each.fail(error)
        finally:
            for each in some:
                each.fail(StoreUnavailableError("the edit was broken off"))  # no request waits for ever
            self._begin(organization)

    async def _make(self, organization: UUID, some: list[_Waiting]) -> None:
        async with self._lanes.lane() as connection:
            rows = await units.get_all(connection, organization, [each.unit for each in some])
            before = {row["id"]: row for row in rows}
            edits = [edit for each in some if (edit := each.judged(before.get(each.unit)))]
            made = await _write(connection, organization, edits) if edits else {}
        for each in some:
            at = made.get(each.unit)
            done = None if at is None or each.before is None else (each.before, {**each.changes, "updated_at": at})
            each.finish(done)


async def _write(connection: Connection, organization: UUID, edits: list[Edited]) -> dict[UUID, Any]:
    try:
        return await units.update_all(connection, organization, edits)
    except (ConflictError, RowRefusedError):  # of one of them, and nothing was written of any
        return {}


def _take(queue: list[_Waiting]) -> list[_Waiting]:
    """Take the first of each unit off the queue: one transaction gives a unit one version."""
    taken: dict[UUID, _Waiting] = {}
    left = []
    for each in queue:
        if each.made.done():  # whoever asked has gone
            continue
        if each.unit in taken or len(taken) >= MOST:
            left.append(each)
        else:
            taken[each.unit] = each
    queue[:] = left
    return list(taken.values())
