"""A page of a list: where it begins, in which order, how long it is."""

from typing import NamedTuple
from uuid import UUID


class Page(NamedTuple):
    """What list statements take as $2 to $6. `sort` names the column as the API does, `key` and `id` the last row seen.

    Every such statement computes the text `sort_key` of its rows, and orders by (sort_key, id): no row comes twice or
    is left out, however many share a key.
    """

    sort: str = "name"
    descending: bool = False
    key: str | None = None
    id: UUID | None = None
    limit: int = 500
