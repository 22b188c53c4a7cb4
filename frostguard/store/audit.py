"""The audit log: one entry for each change, chained by hash within each organization, never changed afterwards.

The hash of an entry is SHA-256 over the previous entry's hash and the entry's text: its fields in the order of `Entry`
as a JSON array, written as `json.dumps(fields, ensure_ascii=False)` does, times in microseconds since 1970. Checking
needs nothing but the rows, so an export can be checked by anybody, without us. What a chain cannot show is that its
newest entries were cut off: keep the last number and hash elsewhere (`ChainCheck.n`, `.head`).
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson

from frostguard.store.connection import Connection, Record, translated

ACCOUNTS = UUID(int=0)
"""The chain of what belongs to no organization."""

APPEND = "select audit_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

LIST_ENTRIES = """
select a.n, a.at, a.actor, a.actor_id, p.full_name as actor_name, p.email as actor_email, a.action, a.object_type,
       a.object_id, a.old_values, a.new_values, a.reason, a.request_id
  from audit_log a left join profiles p on p.user_id = a.actor_id
 where a.chain = $1
   and ($2::bigint is null or a.n < $2)
   and ($3::uuid is null or a.object_id = $3)
   and ($4::text is null or a.action = $4 or a.action like $4 || '.%')
   and ($5::uuid is null or a.actor_id = $5)
   and ($6::timestamptz is null or a.at >= $6)
   and ($7::timestamptz is null or a.at < $7)
 order by a.n desc
 limit $8
"""

EXPORT_ENTRIES = """
select chain, n, at, actor_id, actor, action, object_type, object_id, old_values, new_values, reason, request_id,
       prev_hash, hash
  from audit_log
 where chain = $1 and n > $2
 order by n
 limit $3
"""

LIST_CHAINS = """
select chain, max(n) as n from audit_log group by chain order by chain
"""

PAGE = 2000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class By(NamedTuple):
    """Who changes something, as the log wants it: the user (if any), what kind of actor, why, and in which request."""

    actor_id: UUID | None
    actor: str = "user"
    reason: str | None = None
    request_id: str | None = None


OPERATOR = By(None, "operator")


class Entry(NamedTuple):
    """One entry as it is stored and exported; `text_of` depends on this order."""

    chain: UUID
    n: int
    at: datetime
    actor_id: UUID | None
    actor: str
    action: str
    object_type: str
    object_id: UUID | None
    old_values: str | None
    new_values: str | None
    reason: str | None
    request_id: str | None
    prev_hash: bytes
    hash: bytes


class Fault(NamedTuple):
    """Where a chain is broken (the entry's number) and how."""

    n: int
    message: str


def as_json(values: Mapping[str, object] | None) -> str | None:
    """Return the text to log for these values; None stays None."""
    return None if values is None else orjson.dumps(values, default=str, option=orjson.OPT_UTC_Z).decode()


class Change(NamedTuple):
    """What is logged: the action (`unit.updated`), its object, and the values before and after."""

    action: str
    object_type: str
    object_id: UUID | None = None
    old: Mapping[str, object] | None = None
    new: Mapping[str, object] | None = None


async def append(connection: Connection, organization: UUID | None, by: By, change: Change) -> int:
    """Log one change in the caller's transaction. Returns the entry's number in its chain."""
    with translated():
        number: int = await connection.fetchval(
            APPEND, organization, by.actor_id, by.actor, change.action, change.object_type, change.object_id,
            as_json(change.old), as_json(change.new), by.reason, by.request_id,
        )  # fmt: skip
    return number


class Wanted(NamedTuple):
    """Which entries to list: all filters are optional; `action` also takes a prefix such as `unit`."""

    before: int | None = None
    object_id: UUID | None = None
    action: str | None = None
    actor_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def entries(connection: Connection, organization: UUID, wanted: Wanted, limit: int) -> list[Record]:
    """Return an organization's entries, newest first, with the name of who did it."""
    with translated():
        return list(await connection.fetch(LIST_ENTRIES, organization, *wanted, limit))


async def export(connection: Connection, chain: UUID) -> AsyncIterator[Entry]:
    """Yield the whole chain, oldest first, page by page."""
    after = 0
    while True:
        with translated():
            rows = await connection.fetch(EXPORT_ENTRIES, chain, after, PAGE)
        for row in rows:
            yield Entry(*row)
        if len(rows) < PAGE:
            return
        after = rows[-1]["n"]


async def chains(connection: Connection) -> list[Record]:
    """Return every chain and the number of its newest entry."""
    with translated():
        return list(await connection.fetch(LIST_CHAINS))


def text_of(entry: Entry) -> bytes:
    """Return what is hashed of an entry, apart from the previous hash."""
    fields: list[object] = list(entry[:-2])
    for index, value in enumerate(fields):
        if isinstance(value, datetime):
            fields[index] = (value - EPOCH) // MICROSECOND
        elif isinstance(value, UUID):
            fields[index] = str(value)
    return json.dumps(fields, ensure_ascii=False).encode()


def hash_of(previous: bytes, entry: Entry) -> bytes:
    """Return the hash that the entry must have after one with the hash `previous` (empty before the first)."""
    return hashlib.sha256(previous + text_of(entry)).digest()


class ChainCheck:
    """Takes the entries of one chain, oldest first and whole, and collects in `faults` where it is broken."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.head = b""
        self.n = 0

    def take(self, entry: Entry) -> None:
        """Compare one entry with its own hash and with the one before it."""
        if entry.n != self.n + 1:
            self.faults.append(Fault(entry.n, f"entry {self.n + 1} is missing"))
        if entry.prev_hash != self.head:
            self.faults.append(Fault(entry.n, "does not continue the entry before it"))
        if entry.hash != hash_of(entry.prev_hash, entry):
            self.faults.append(Fault(entry.n, "was changed after it was written"))
        self.head, self.n = entry.hash, entry.n


async def verify(connection: Connection, chain: UUID) -> ChainCheck:
    """Read one chain whole and return what was found: its faults (none: nothing was altered) and its head."""
    check = ChainCheck()
    async for entry in export(connection, chain):
        check.take(entry)
    return check


def to_line(entry: Entry) -> bytes:
    """Return the entry as one line of an export (JSON, hashes in hex)."""
    fields = entry._asdict() | {
        "at": entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "prev_hash": entry.prev_hash.hex(),
        "hash": entry.hash.hex(),
    }
    return orjson.dumps(fields, default=str) + b"\n"


def from_line(line: bytes) -> Entry:
    """Return the entry of an exported line. Raises ValueError for a line that is none."""
    fields = orjson.loads(line)
    if not isinstance(fields, dict) or set(fields) != set(Entry._fields):
        raise ValueError("not an audit entry")
    ids = {name: None if fields[name] is None else UUID(fields[name]) for name in ("actor_id", "object_id")}
    return Entry(
        **{
            **fields,
            **ids,
            "chain": UUID(fields["chain"]),
            "at": datetime.fromisoformat(fields["at"]),
            "prev_hash": bytes.fromhex(fields["prev_hash"]),
            "hash": bytes.fromhex(fields["hash"]),
        }
    )
