"""The audit log at the terminal."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from frostguard.store import audit
from frostguard.store.audit import OPERATOR, Change


@pytest.fixture
def chain(psql, database: str) -> UUID:
    [(organization,)] = psql("insert into organizations (name, slug) values ('K', 'kitchen') returning id")

    async def fill() -> None:
        connection = await asyncpg.connect(database)
        for n in range(4):
            await audit.append(connection, organization, OPERATOR, Change("unit.updated", "unit", None, None, {"n": n}))
        await audit.append(connection, None, OPERATOR, Change("account.disabled", "user"))
        await connection.close()

    asyncio.run(fill())
    return organization


@pytest.mark.usefixtures("chain")
def test_intact_chains_are_said_to_be(command) -> None:
    said = command("audit", "verify")
    assert said.code == 0
    assert said.out.count("intact") == 2
    assert "accounts  intact  1 entries" in said.out
    assert command("audit", "verify", "--organization", "kitchen").out.startswith("kitchen  intact  4 entries")


@pytest.mark.usefixtures("chain")
def test_an_altered_entry_is_named_and_the_exit_code_tells(command, psql) -> None:
    psql("alter table audit_log disable trigger append_only")
    psql("update audit_log set new_values = '{}' where n = 2")
    said = command("audit", "verify", "--organization", "kitchen")
    assert said.code == 1
    assert "entry 2: was changed after it was written" in said.out
    assert "BROKEN" in said.out


@pytest.mark.usefixtures("chain")
def test_an_export_is_checked_without_a_database(command, tmp_path, monkeypatch) -> None:
    file = tmp_path / "kitchen.ndjson"
    said = command("audit", "export", "--organization", "kitchen", "--output", str(file))
    assert (said.code, said.out) == (0, "")
    assert "4 entries" in said.err
    monkeypatch.delenv("DATABASE_URL")
    assert command("audit", "verify", str(file)).code == 0
    file.write_text(file.read_text().replace('{\\"n\\":1}', '{\\"n\\":9}'))
    said = command("audit", "verify", str(file))
    assert (said.code, "entry 2" in said.out) == (1, True)
    file.write_text("nonsense\n")
    assert command("audit", "verify", str(file)).code == 2
    assert command("audit", "verify", str(tmp_path / "missing")).code == 2


def test_what_is_not_there_is_said(command) -> None:
    assert command("audit", "verify").code == 0
    assert command("audit", "verify", "--organization", "nobody").code == 2
