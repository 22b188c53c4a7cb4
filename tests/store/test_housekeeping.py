"""What is kept no longer goes, oldest first and all of it; what is young, asked for or on legal hold stays."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from frostguard.store import housekeeping
from frostguard.store.connection import Connection
from frostguard.store.housekeeping import days_before
from tests.store.tenants import Tenant

NOW = datetime.now(UTC)
LONG_AGO, BEFORE, YESTERDAY = (days_before(NOW, days) for days in (100, 90, 1))

ADD_LETTER = """
insert into dead_letters (received_at, organization_id, topic, payload, reason, replay_requested_at, replayed_at)
values ($1, $2, 't', '', 'x', $3, $4)
"""
ADD_EVENT = "insert into events (written_at, organization_id, kind, at) values ($1, $2, 'x', $1)"
HOLD = "update organizations set legal_hold_since = now(), legal_hold_reason = 'court' where id = $1"


async def count(connection: Connection, table: str) -> int:
    found: int = await connection.fetchval(f"select count(*) from {table}")
    return found


async def letter(
    connection: Connection, at: datetime, organization: UUID | None = None, *, asked: bool = False, done: bool = False
) -> None:
    await connection.execute(ADD_LETTER, at, organization, at if asked else None, at if done else None)


async def test_old_dead_letters_go_and_those_that_are_to_be_taken_again_stay(direct: Connection, own: Tenant) -> None:
    await letter(direct, LONG_AGO)
    await letter(direct, LONG_AGO, own.id)
    await letter(direct, LONG_AGO, own.id, asked=True, done=True)
    await letter(direct, LONG_AGO, own.id, asked=True)
    await letter(direct, YESTERDAY, own.id)
    assert await housekeeping.remove_dead_letters(direct, BEFORE) == 3
    left = await direct.fetch("select received_at from dead_letters order by id")
    assert [row["received_at"] for row in left] == [LONG_AGO, YESTERDAY]


async def test_nothing_of_an_organization_on_legal_hold_goes(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    for tenant in (own, foreign):
        await letter(direct, LONG_AGO, tenant.id)
        await direct.execute(ADD_EVENT, LONG_AGO, tenant.id)
        await direct.execute(
            """insert into invitations (organization_id, email, role, token_hash, expires_at)
               values ($1, 'a@example.com', 'staff', decode(md5(($1::uuid)::text) || md5(''), 'hex'), $2)""",
            tenant.id, LONG_AGO,
        )  # fmt: skip
    await direct.execute(HOLD, own.id)
    assert await housekeeping.remove_dead_letters(direct, BEFORE) == 1
    assert await housekeeping.remove_events(direct, BEFORE) == 1
    assert await housekeeping.remove_small(direct, BEFORE, BEFORE) == 1
    for table in ("dead_letters", "events", "invitations"):
        assert await direct.fetchval(f"select organization_id from {table}") == own.id


async def test_it_goes_on_past_rows_that_stay_however_many(
    direct: Connection, own: Tenant, foreign: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "STEP", 3)
    await direct.execute(HOLD, own.id)
    for n in range(20):
        await direct.execute(ADD_EVENT, LONG_AGO + timedelta(minutes=n), own.id if n < 10 else foreign.id)
    await direct.execute(ADD_EVENT, YESTERDAY, foreign.id)
    assert await housekeeping.remove_events(direct, BEFORE) == 10
    assert await count(direct, "events") == 11
    assert await housekeeping.remove_events(direct, BEFORE) == 0


async def test_old_notifications_go(direct: Connection, own: Tenant) -> None:
    await direct.execute(
        """insert into alerts (id, organization_id, subject_id, alert_type, severity, status, title, opened_at)
           values (gen_random_uuid(), $1, $1, 'ingest_degraded', 'warning', 'active', 't', now())""",
        own.id,
    )
    await direct.execute(
        """insert into notification_outbox (organization_id, alert_id, severity, occasion, created_at)
           select organization_id, id, severity, n.at::text, n.at
             from alerts, unnest($1::timestamptz[]) n (at)""",
        [LONG_AGO, YESTERDAY],
    )
    assert await housekeeping.remove_notifications(direct, BEFORE) == 1
    assert await direct.fetchval("select created_at from notification_outbox") == YESTERDAY


async def test_held_readings_go_only_when_no_reading_is_kept_so_long_and_nobody_has_the_sensor(
    direct: Connection, own: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "STEP", 1)
    pending, assigned = [
        await direct.fetchval(
            """insert into sensors (organization_id, serial, unit_id, assigned_at)
               values ($1, $2, $3, case when $3::uuid is not null then now() end) returning id""",
            own.id,
            name,
            unit,
        )
        for name, unit in (("pending-1", None), ("assigned-1", own.unit))
    ]
    add = "insert into held_readings (sensor_id, recorded_at, received_at, seq) values ($1, $2, $3, $4)"
    await direct.execute(add, pending, LONG_AGO, LONG_AGO, 1)
    await direct.execute(add, pending, LONG_AGO, LONG_AGO, 2)
    await direct.execute(add, pending, LONG_AGO, YESTERDAY, 3)  # came late: somebody may be about to look
    await direct.execute(add, pending, YESTERDAY, YESTERDAY, 4)
    await direct.execute(add, assigned, LONG_AGO, LONG_AGO, 5)  # the daemon is about to move it in
    assert await housekeeping.remove_held_readings(direct, BEFORE) == 2
    left = await direct.fetch("select seq from held_readings order by seq")
    assert [row["seq"] for row in left] == [3, 4, 5]


async def test_mailed_links_and_counts_go_after_their_time(direct: Connection) -> None:
    user = await direct.fetchval("insert into users (email) values ('a@example.com') returning id")
    for number, at in enumerate((LONG_AGO, YESTERDAY)):
        await direct.execute(
            """insert into email_tokens (hash, user_id, purpose, expires_at)
               values (sha256($1::text::bytea), $2, 'reset', $3)""",
            str(number), user, at,
        )  # fmt: skip
        await direct.execute("insert into dead_letter_overflows values ('gw', $1, 'x', 1)", at)
    assert await housekeeping.remove_small(direct, BEFORE, BEFORE) == 2
    assert (await count(direct, "email_tokens"), await count(direct, "dead_letter_overflows")) == (1, 1)
