"""Which constraint refused a row: what the API turns into a sentence about a field."""

from typing import NamedTuple

import asyncpg

from frostguard.errors import ConflictError, RowRefusedError


class Refusal(NamedTuple):
    """SQLSTATE and the constraint's name (empty where the error has none, a value out of range for example)."""

    sqlstate: str
    constraint: str


def refusal_of(error: RowRefusedError | ConflictError) -> Refusal:
    """Return what PostgreSQL said."""
    cause = error.__cause__
    if not isinstance(cause, asyncpg.PostgresError):
        return Refusal("", "")
    return Refusal(cause.sqlstate or "", getattr(cause, "constraint_name", None) or "")
