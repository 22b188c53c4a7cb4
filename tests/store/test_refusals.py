"""What PostgreSQL refuses says which constraint it was."""

import pytest

from frostguard.errors import ConflictError, RowRefusedError
from frostguard.store.connection import Connection, translated
from frostguard.store.refusals import Refusal, refusal_of


async def test_a_refusal_names_its_constraint(direct: Connection) -> None:
    insert = "insert into organizations (name, slug) values ('x', $1)"
    with pytest.raises(RowRefusedError) as caught, translated():
        await direct.execute(insert, "!")
    assert refusal_of(caught.value) == Refusal("23514", "organizations_slug_check")
    await direct.execute(insert, "same")
    with pytest.raises(ConflictError) as taken, translated():
        await direct.execute(insert, "same")
    assert refusal_of(taken.value) == Refusal("23505", "organizations_slug")


async def test_an_argument_that_never_left_names_none(direct: Connection) -> None:
    with pytest.raises(RowRefusedError) as caught, translated():
        await direct.execute("insert into organizations (name, slug) values ('x', $1)", 5)
    assert refusal_of(caught.value).constraint == ""
