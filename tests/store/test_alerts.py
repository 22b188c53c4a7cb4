"""Alerts on record: one open of a type, every step a line and an event, locked while somebody decides."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from frostguard.config import DatabaseSettings
from frostguard.domain.alert import (
    Alert,
    AlertType,
    Change,
    ResolveReason,
    Severity,
    acknowledge,
    alert_id,
    correct,
    go_on,
    open_alert,
    reopen,
    resolve,
    resolve_by_person,
    rise,
    tell,
)
from frostguard.domain.limits import Limits
from frostguard.errors import ConflictError
from frostguard.store import alerts
from frostguard.store.alerts import TITLES, Notification, Subject
from frostguard.store.connection import Connection, connect
from tests.fakes import NOON, until
from tests.store.tenants import Tenant

MINUTE = timedelta(minutes=1)


def subject_of(own: Tenant) -> Subject:
    return Subject(own.id, own.unit, own.unit, own.site, own.area)


def make(subject: UUID, kind: AlertType = AlertType.ALARM_ACTIVE, minute: float = 0, **changes: object) -> Alert:
    at = NOON + minute * MINUTE
    values = {"severity": Severity.WARNING, "opened_at": at, "celsius": 9.0, "extreme": 9.0, "limits": Limits(high=4)}
    return Alert(id=alert_id(subject, kind, at), subject_id=subject, type=kind, **(values | changes))  # type: ignore[arg-type]


async def save(connection: Connection, own: Tenant, *changes: Change, told: tuple[Notification, ...] = ()) -> Alert:
    async with connection.transaction():
        await alerts.save(connection, changes, {own.unit: subject_of(own)}, told)
    return changes[-1].alert


async def person(connection: Connection) -> UUID:
    one = uuid4()
    await connection.execute(
        "insert into users (id, email, password_hash) values ($1, $2, 'x')", one, f"{one}@example.org"
    )
    return one


async def stored(connection: Connection, own: Tenant, alert: Alert) -> Alert:
    async with connection.transaction():
        found = await alerts.lock(connection, own.id, alert.id)
    assert found is not None
    assert found[1] == subject_of(own)
    return found[0]


async def test_every_step_of_a_life_is_read_back_as_it_was(direct: Connection, own: Tenant) -> None:
    by = await person(direct)
    alert = make(own.unit, began_at=NOON - MINUTE, sensor_id=own.sensor)
    steps = [
        lambda a: tell(a, NOON),
        lambda a: rise(replace(a, extreme=12.5), Severity.CRITICAL, NOON + MINUTE),
        lambda a: acknowledge(a, by, NOON + 2 * MINUTE, "on my way"),
        lambda a: go_on(a, NOON + 3 * MINUTE, "restoring_started"),
        lambda a: resolve(a, NOON + 4 * MINUTE),
        lambda a: reopen(a, Severity.WARNING, NOON + 5 * MINUTE),
        lambda a: resolve_by_person(a, by, NOON + 6 * MINUTE, holds=True, reason=ResolveReason.OUT_OF_SERVICE),
    ]
    alert = await save(direct, own, open_alert(alert))
    for step in steps:
        alert = await save(direct, own, step(alert))
        assert await stored(direct, own, alert) == alert
    lines = await direct.fetch("select action, actor_id from alert_timeline where alert_id = $1 order by id", alert.id)
    assert [tuple(line) for line in lines] == [
        ("opened", None), ("notification_sent", None), ("severity_escalated", None), ("acknowledged", by),
        ("continued", None), ("resolved_auto", None), ("reopened", None), ("resolved_manual", by),
    ]  # fmt: skip
    events = await direct.fetch("select data->>'action' from events where kind = 'alert' order by id")
    assert len(events) == len(lines)
    assert await direct.fetchval("select version from alerts") == len(lines)


async def test_one_alert_of_a_type_may_be_open_and_the_index_says_so(direct: Connection, own: Tenant) -> None:
    await save(direct, own, open_alert(make(own.unit)))
    with pytest.raises(ConflictError):
        await save(direct, own, open_alert(make(own.unit, minute=1)))
    await save(direct, own, open_alert(make(own.unit, AlertType.DOOR_OPEN)))
    assert await direct.fetchval("select count(*) from alerts") == 2


async def test_one_that_is_resolved_makes_room_within_the_same_batch(direct: Connection, own: Tenant) -> None:
    first = await save(direct, own, open_alert(make(own.unit)))
    await save(direct, own, resolve(first, NOON + MINUTE), open_alert(make(own.unit, minute=2)))
    rows = await direct.fetch("select status::text from alerts order by opened_at")
    assert [row[0] for row in rows] == ["resolved", "active"]


async def test_the_same_alert_again_is_no_second_one(direct: Connection, own: Tenant) -> None:
    alert = await save(direct, own, open_alert(make(own.unit)))
    await save(direct, own, open_alert(replace(alert, extreme=20.0)))
    assert await direct.fetchval("select count(*) from alerts") == 1


async def test_a_notification_is_written_once_for_its_occasion(direct: Connection, own: Tenant) -> None:
    alert = make(own.unit)
    said = Notification(own.id, alert.id, Severity.WARNING, "warning@noon", 3)
    opened = await save(direct, own, open_alert(alert), told=(said,))
    await save(direct, own, tell(opened, NOON), told=(said, said._replace(occasion="warning@one")))
    rows = await direct.fetch("select occasion, together from notification_outbox order by id")
    assert [tuple(row) for row in rows] == [("warning@noon", 3), ("warning@one", 3)]


async def test_what_is_owed_is_open_and_worse_than_what_was_told(direct: Connection, own: Tenant) -> None:
    told = tell(open_alert(make(own.unit)).alert, NOON)
    cases = {
        AlertType.ALARM_ACTIVE: open_alert(make(own.unit)),
        AlertType.DOOR_OPEN: Change(replace(told.alert, id=uuid4(), type=AlertType.DOOR_OPEN), told.entry),
        AlertType.LOW_BATTERY: open_alert(make(own.unit, AlertType.LOW_BATTERY, 1, told=Severity.INFO)),
        AlertType.SENSOR_FAULT: resolve(make(own.unit, AlertType.SENSOR_FAULT), NOON),
        AlertType.TEMP_EXCURSION: open_alert(make(own.unit, AlertType.TEMP_EXCURSION, backfilled=True)),
    }
    await save(direct, own, *(c._replace(entry=c.entry._replace(alert_id=c.alert.id)) for c in cases.values()))
    owed = await alerts.lock_owed(direct, 10)
    assert [alert.type for alert, _ in owed] == [AlertType.ALARM_ACTIVE, AlertType.LOW_BATTERY]


async def test_paging_through_what_is_owed_visits_each_once(direct: Connection, own: Tenant) -> None:
    """Many of the same second, too: the id decides then."""
    made = [open_alert(make(own.unit, kind, minute)) for minute, kind in enumerate(AlertType) if minute < 7]
    made += [open_alert(make(own.unit, kind, 3)) for minute, kind in enumerate(AlertType) if minute >= 7]
    await save(direct, own, *made)
    seen: list[UUID] = []
    last = None
    while page := await alerts.lock_owed(direct, 2, last):
        seen += [alert.id for alert, _ in page]
        last = page[-1][0]
    assert sorted(seen) == sorted(change.alert.id for change in made)


async def test_the_newest_of_each_type_is_found_open_or_lately_resolved(direct: Connection, own: Tenant) -> None:
    old = await save(direct, own, open_alert(make(own.unit, minute=-60)))
    await save(direct, own, resolve(old, NOON - 50 * MINUTE))
    lately = await save(direct, own, open_alert(make(own.unit, minute=-20)))
    await save(direct, own, resolve(lately, NOON - 10 * MINUTE))
    door = await save(direct, own, open_alert(make(own.unit, AlertType.DOOR_OPEN, -500)))
    await save(direct, own, resolve(make(own.unit, minute=-5, backfilled=True), NOON))
    async with direct.transaction():
        found = await alerts.lock_newest(direct, [own.unit, uuid4()], NOON - 30 * MINUTE)
        assert {kind: alert.id for kind, alert in found[own.unit].items()} == {
            AlertType.ALARM_ACTIVE: lately.id, AlertType.DOOR_OPEN: door.id,
        }  # fmt: skip
        assert AlertType.ALARM_ACTIVE not in (await alerts.lock_newest(direct, [own.unit], NOON))[own.unit]


async def test_whoever_comes_second_waits_and_decides_by_what_the_first_left(
    database: str, direct: Connection, own: Tenant
) -> None:
    """The daemon resolves while a person acknowledges: one after the other, and neither is lost."""
    by = await person(direct)
    alert = await save(direct, own, open_alert(make(own.unit)))
    other = await connect(DatabaseSettings(url=database), "daemon")
    try:
        transaction = direct.transaction()
        await transaction.start()
        await alerts.lock(direct, own.id, alert.id)

        async def daemon() -> Alert:
            async with other.transaction():
                newest = (await alerts.lock_newest(other, [own.unit], NOON))[own.unit][alert.type]
                change = resolve(newest, NOON + MINUTE)
                await alerts.save(other, [change], {own.unit: subject_of(own)})
                return change.alert

        second = asyncio.create_task(daemon())
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'daemon'"
        await until(lambda: direct.fetchval(waiting), "the daemon waits")
        acknowledged = acknowledge(alert, by, NOON)
        assert acknowledged is not None
        await alerts.save(direct, [acknowledged], {own.unit: subject_of(own)})
        await transaction.commit()
        after = await second
    finally:
        await other.close()
    assert (after.acknowledged_by, after.status) == (by, "resolved")
    assert await stored(direct, own, alert) == after


async def test_a_foreign_organization_finds_nothing_to_lock(direct: Connection, own: Tenant, foreign: Tenant) -> None:
    alert = await save(direct, own, open_alert(make(own.unit)))
    async with direct.transaction():
        assert await alerts.lock(direct, foreign.id, alert.id) is None


async def test_silences_of_an_organization_are_those_that_are_open(
    direct: Connection, own: Tenant, foreign: Tenant
) -> None:
    silent = await save(direct, own, open_alert(make(own.unit, AlertType.MONITORING_INTERRUPTED)))
    await save(direct, own, open_alert(make(own.unit)), resolve(make(own.unit, AlertType.GATEWAY_SILENT), NOON))
    async with direct.transaction():
        assert [a.id for a, _ in await alerts.lock_open_silences(direct, [own.id])] == [silent.id]
        assert await alerts.lock_open_silences(direct, [foreign.id]) == []
    assert (await alerts.speakers(direct, [silent.id, uuid4()])).keys() == {silent.id}


async def test_alarms_are_those_that_touch_the_stretch(direct: Connection, own: Tenant) -> None:
    first = await save(direct, own, open_alert(make(own.unit)))
    first = await save(direct, own, resolve(first, NOON + 10 * MINUTE))
    last = await save(direct, own, open_alert(make(own.unit, minute=30)))
    late = make(own.unit, minute=12, backfilled=True, began_at=NOON + 11 * MINUTE)
    late = await save(direct, own, resolve(late, NOON + 14 * MINUTE))
    await save(direct, own, open_alert(make(own.unit, AlertType.DOOR_OPEN)))

    async def alarms(begin: float, end: float) -> list:
        async with direct.transaction():
            return await alerts.lock_alarms(direct, own.unit, NOON + begin * MINUTE, NOON + end * MINUTE)

    assert await alarms(10, 20) == [first, late]
    assert await alarms(15, 29) == []
    assert await alarms(40, 50) == [last]


async def test_only_a_historical_alert_is_corrected_in_what_it_was_opened_with(direct: Connection, own: Tenant) -> None:
    async def moved(**changes: object) -> tuple[object, ...]:
        before = await save(direct, own, resolve(make(own.unit, **changes), NOON + 10 * MINUTE))
        after = replace(before, opened_at=NOON + MINUTE, began_at=NOON - MINUTE, celsius=9.0, severity=Severity.INFO)
        await save(direct, own, correct(after, NOON, "late readings"))
        row = await direct.fetchrow(
            "select opened_at, began_at, celsius, severity::text from alerts where id = $1", after.id
        )
        return tuple(row)

    assert await moved(minute=3, backfilled=True) == (NOON + MINUTE, NOON - MINUTE, 9.0, "info")
    assert (await moved(minute=4))[0] == NOON + 4 * MINUTE


def test_every_type_has_a_title() -> None:
    assert TITLES.keys() == set(AlertType)
