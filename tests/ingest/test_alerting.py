"""What people are told: once for what belongs together, again when it gets worse, not while nobody wants to hear it."""

import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from frostguard.domain.alert import acknowledge, resolve_by_person
from frostguard.replay.verify import verify
from frostguard.store import alerts
from tests.ingest.stage import Stage, at, staged

SILENT = "monitoring_interrupted"


@pytest.fixture
async def stage(emptied: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with staged(emptied, monkeypatch) as one:
        yield one


async def person(stage: Stage) -> UUID:
    one = uuid4()
    await stage.connection.execute(
        "insert into users (id, email, password_hash) values ($1, $2, 'x')", one, f"{one}@example.org"
    )
    return one


async def deed(stage: Stage, kind: str, act) -> None:
    """What a person does to the newest alert of a type: lock, decide, save."""
    async with stage.connection.transaction():
        found = await alerts.lock(stage.connection, stage.planted.organization, await stage.alert_id(kind))
        assert found is not None
        alert, subject = found
        change = act(alert)
        await alerts.save(stage.connection, [change], {alert.subject_id: subject})


async def suppress(stage: Stage, begin: float, end: float, *types: str, **place: UUID) -> None:
    names = ", ".join(place)
    await stage.connection.execute(
        f"""insert into suppressions (organization_id, starts_at, ends_at, alert_types{", " if place else ""}{names})
            values ($1, $2, $3, $4::text[]::alert_type[]{", $5" if place else ""})""",
        stage.planted.organization, at(begin), at(end), list(types), *place.values(),
    )  # fmt: skip


# --- one unit


async def test_an_alarm_is_told_once_however_long_it_lasts(stage: Stage) -> None:
    await stage.live("0:4 5:8 10:8 15:8 20:9 25:12")
    await stage.commit(ask_alerts=True)
    assert await stage.told() == ["alarm_active critical x1"]


async def test_a_condition_that_returns_soon_opens_the_same_alert_again_and_is_told_again(stage: Stage) -> None:
    await stage.live("0:4 1:8 11:8 15:4 20:4 24:8 34:8")
    assert await stage.alerts() == ["alarm_active critical active 11-"]
    assert await stage.told() == ["alarm_active critical x1"] * 2
    actions = await stage.connection.fetch("select action, at from alert_timeline order by id")
    assert ("reopened", at(34)) in [tuple(row) for row in actions]


async def test_a_condition_that_returns_later_opens_another_alert(stage: Stage) -> None:
    await stage.live("0:4 1:8 11:8 15:4 20:4 24:4 25:8 35:8")
    assert await stage.alerts() == ["alarm_active critical resolved 11-20", "alarm_active critical active 35-"]


@pytest.mark.parametrize("acknowledged", [False, True])
async def test_a_rise_in_severity_is_told_again_also_when_somebody_has_acknowledged(
    stage: Stage, acknowledged: bool
) -> None:
    await stage.live("0:4 1:open 4:4 5:4")
    assert await stage.told() == ["door_open warning x1"]
    if acknowledged:
        by = await person(stage)
        await deed(stage, "door_open", lambda alert: acknowledge(alert, by, stage.clock()))
    await stage.live("9:4 11:4 12:4")
    status = "acknowledged" if acknowledged else "active"
    assert await stage.alerts() == [f"door_open critical {status} 4-"]
    assert await stage.told() == ["door_open warning x1", "door_open critical x1"]


async def test_an_acknowledged_alert_is_resolved_by_physics_and_keeps_who_it_was(stage: Stage) -> None:
    by = await person(stage)
    await stage.live("0:4 5:8 15:8")
    await deed(stage, "alarm_active", lambda alert: acknowledge(alert, by, stage.clock(), "on my way"))
    await stage.live("20:4 25:4")
    row = await stage.connection.fetchrow("select status::text, acknowledged_by, resolved_by from alerts")
    assert tuple(row) == ("resolved", by, None)


async def test_what_a_person_resolved_opens_again_while_the_condition_lasts_only_by_a_new_alarm(stage: Stage) -> None:
    by = await person(stage)
    await stage.live("0:4 5:8 15:8")
    await deed(stage, "alarm_active", lambda alert: resolve_by_person(alert, by, at(16), holds=False))
    await stage.live("20:8 25:8")
    assert await stage.alerts() == ["alarm_active critical resolved 15-16"]
    await stage.live("30:4 35:4 36:8 46:8")
    assert await stage.alerts() == ["alarm_active critical resolved 15-16", "alarm_active critical active 46-"]


# --- windows of silence


async def test_a_suppressed_alert_is_recorded_and_told_at_the_windows_end_if_it_is_still_open(stage: Stage) -> None:
    await suppress(stage, 0, 30)
    await stage.live("0:4 5:8 15:8")
    assert await stage.alerts() == ["alarm_active critical active 15-"]
    assert (await stage.wait(29.9, ask_alerts=True)).judged.held
    assert await stage.told() == []
    assert not (await stage.wait(30, ask_alerts=True)).judged.held
    assert await stage.told() == ["alarm_active critical x1"]
    await stage.wait(31, ask_alerts=True)
    assert await stage.told() == ["alarm_active critical x1"]


async def test_a_suppressed_alert_that_is_over_at_the_windows_end_is_recorded_and_never_told(stage: Stage) -> None:
    await suppress(stage, 0, 30)
    await stage.live("0:4 5:8 15:8 20:4 25:4")
    await stage.wait(31, ask_alerts=True)
    assert await stage.alerts() == ["alarm_active critical resolved 15-25"]
    assert await stage.told() == []


@pytest.mark.parametrize(
    ("types", "place", "silenced"),
    [
        ([], "unit_id", True),
        ([], "site_id", True),
        (["alarm_active"], "unit_id", True),
        (["door_open"], "unit_id", False),
        ([], "other", False),
    ],
)
async def test_a_window_covers_its_types_and_its_place(
    emptied: str, monkeypatch: pytest.MonkeyPatch, types: list[str], place: str, silenced: bool
) -> None:
    async with staged(emptied, monkeypatch, units=2) as stage:
        site = await stage.connection.fetchval("select id from sites")
        where = {"unit_id": stage.units[0], "site_id": site, "other": stage.units[1]}[place]
        await suppress(stage, 0, 60, *types, **{place.replace("other", "unit_id"): where})
        await stage.live("0:4 5:8 15:8")
        assert (await stage.told() == []) is silenced


# --- the backlog


async def test_what_opened_and_closed_inside_the_backlog_is_recorded_and_not_told(stage: Stage) -> None:
    await stage.backlog("0:4 5:8 15:8 20:4 25:4 30:4", minute=60)
    await stage.drain()
    assert await stage.alerts() == ["alarm_active critical resolved 15-25"]
    assert await stage.told() == []


async def test_what_closed_in_the_last_minute_of_the_backlog_is_recorded_and_not_told_either(stage: Stage) -> None:
    await stage.backlog("0:4 5:8 15:8 20:4 20.5:4", minute=21)
    await stage.drain(21.1)
    await stage.commit(ask_alerts=True)
    assert await stage.alerts() == ["alarm_active critical resolved 15-20.5"]
    assert await stage.told() == []


async def test_what_the_backlog_leaves_open_is_told_although_it_is_over_before_anybody_asked(stage: Stage) -> None:
    await stage.backlog("0:4 5:8 15:8 20:8", minute=21)
    await stage.commit(listening=False, drained=True)
    await stage.commit([stage.said("20.7:4"), stage.said("20.9:4")])
    assert await stage.alerts() == ["alarm_active critical resolved 15-20.9"]
    assert await stage.told() == ["alarm_active critical x1"]


async def test_what_the_backlog_leaves_open_is_told_once_when_it_is_drained(stage: Stage) -> None:
    written = await stage.backlog("0:4 5:8 15:8 20:8", minute=21)
    assert await stage.told() == []
    assert written.judged.held
    await stage.drain()
    assert await stage.alerts() == ["alarm_active critical active 15-"]
    assert await stage.told() == ["alarm_active critical x1"]


# --- late stretches


LATE = " ".join(f"{n}:9" for n in range(10, 35, 5)) + " 35:4 40:4"


async def test_a_late_stretch_that_proves_an_alarm_is_recorded_and_nobody_is_told(stage: Stage) -> None:
    await stage.live("0:4 60:4")
    await stage.commit([stage.said(word) for word in LATE.split()])
    assert "alarm_active* critical resolved 20-40" in await stage.alerts()
    await stage.commit(ask_alerts=True)
    assert [line for line in await stage.told() if "alarm" in line] == []
    assert stage.state().temperature.phase == "normal"


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_a_late_stretch_that_comes_in_pieces_is_one_alarm(stage: Stage, size: int) -> None:
    """Three hours, far longer than what is looked at before a piece."""
    await stage.live("0:4 200:4")
    words = [f"{n}:9" for n in range(10, 190, 10)] + ["190:4", "195:4"]
    for start in range(0, len(words), size):
        await stage.commit([stage.said(word) for word in words[start : start + size]])
    assert [line for line in await stage.alerts() if "alarm" in line] == ["alarm_active* critical resolved 20-195"]


async def alarms(stage: Stage) -> list[str]:
    """The alarms that stand, and what replay says of everything on record."""
    report = await verify(stage.connection)
    assert (report.differences, report.incomparable) == ([], {})
    return [line for line in await stage.alerts() if line.startswith("alarm_active") and "info" not in line]


async def test_a_late_stretch_that_comes_newest_piece_first_is_one_alarm_that_grows(stage: Stage) -> None:
    await stage.live("0:4 5:4 200:4 205:4")
    for piece in ("60:9 70:9 80:9 85:4 90:4", "30:9 40:9 50:9", "10:9 20:9"):
        await stage.commit([stage.said(word) for word in piece.split()])
    assert await alarms(stage) == ["alarm_active* critical resolved 20-90"]
    rows = await stage.connection.fetch("select detail from alert_timeline where action = 'corrected' order by id")
    assert len(rows) == 2
    assert rows[0]["detail"].startswith("late readings: it was 2026-")


async def test_two_late_alarms_that_turn_out_to_be_one_leave_a_trace_of_the_second(stage: Stage) -> None:
    await stage.live("0:4 5:4 200:4 205:4")
    for piece in ("10:9 20:9 22:4 23:4", "60:9 70:9 75:4 80:4"):
        await stage.commit([stage.said(word) for word in piece.split()])
    assert len(await alarms(stage)) == 2
    await stage.commit([stage.said(word) for word in ["22.5:9", "40:9", "50:9"]])
    assert await alarms(stage) == ["alarm_active* critical resolved 20-80"]
    assert "alarm_active* info resolved 70-80" in await stage.alerts()
    [linked] = await stage.connection.fetch("select linked_to from alerts where backfilled and linked_to is not null")
    assert linked[0] == await stage.connection.fetchval("select id from alerts where opened_at = $1", at(20))


async def test_a_late_alarm_that_later_readings_refute_is_withdrawn_and_stays_on_record(stage: Stage) -> None:
    await stage.live("0:4 5:4 200:4 205:4")
    for piece in ("10:9 30:9 35:4 40:4", "15:4 20:4"):
        await stage.commit([stage.said(word) for word in piece.split()])
    assert await alarms(stage) == []
    assert "alarm_active* info resolved 30-40" in await stage.alerts()
    detail = await stage.connection.fetchval("select detail from alert_timeline where action = 'corrected'")
    assert detail == "withdrawn: late readings show no alarm"


PROVED = """
select opened_at, resolved_at, began_at, celsius, extreme_celsius, status::text, told from alerts
 where unit_id = $1 and alert_type = 'alarm_active' and backfilled and severity = 'critical' order by opened_at
"""


@pytest.mark.parametrize("seed", range(4))
async def test_a_late_stretch_gives_the_same_alarms_in_whatever_pieces_it_comes(
    emptied: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """One unit gets it at once, the others cut anywhere, in any order, with pieces that come again."""
    dice = random.Random(seed)
    words = [f"{10 * n + 10}:{dice.choice([4, 4, 9, 9, 9, 12])}" for n in range(14)]
    async with staged(emptied, monkeypatch, units=6) as stage:
        await stage.live("0:4 5:4 300:4 305:4", *range(6))
        found = []
        for unit in range(6):
            cuts = sorted({0, len(words), *(dice.sample(range(len(words)), 4) if unit else ())})
            pieces = [words[a:b] for a, b in itertools.pairwise(cuts)]
            for piece in dice.sample(pieces, len(pieces)) + dice.choices(pieces, k=2):
                await stage.commit([stage.said(word, unit) for word in piece], redelivered=True)
            found.append([tuple(row) for row in await stage.connection.fetch(PROVED, stage.units[unit])])
        assert found == [found[0]] * 6
        assert await alarms(stage) != []
        assert [line for line in await stage.told() if "alarm" in line] == []


async def test_a_late_stretch_inside_an_alarm_on_record_is_no_second_one(stage: Stage) -> None:
    await stage.live("0:4 5:8 15:8 60:8")
    await stage.commit([stage.said(f"{n}:8") for n in range(20, 55, 5)])
    assert [line for line in await stage.alerts() if "alarm" in line] == ["alarm_active critical active 15-"]


async def test_a_late_stretch_that_is_too_short_proves_nothing(stage: Stage) -> None:
    await stage.live("0:4 60:4")
    await stage.commit([stage.said("10:9"), stage.said("15:9"), stage.said("19:4")])
    assert [line for line in await stage.alerts() if "alarm" in line] == []


# --- what belongs together


async def linked(stage: Stage) -> int:
    found: int = await stage.connection.fetchval(
        """select count(*) from alerts a join alerts speaker on speaker.id = a.linked_to
            where a.alert_type = 'monitoring_interrupted' and speaker.alert_type = 'gateway_silent'"""
    )
    return found


async def everybody(stage: Stage, minute: float, *units: int) -> None:
    await stage.wait(minute)
    await stage.commit([stage.row(minute, 4.0, n) for n in units or range(len(stage.units))])


async def test_a_silent_gateway_is_one_notification_with_its_forty_units_under_it(
    emptied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(emptied, monkeypatch, units=80, gateways=2) as stage:
        for minute in (0, 5):
            await everybody(stage, minute)
        for minute in range(10, 40, 5):
            await everybody(stage, minute, *range(40, 80))
        await stage.wait(40, ask_alerts=True)
        kinds = [line.partition(" ")[0] for line in await stage.alerts()]
        assert (kinds.count("gateway_silent"), kinds.count(SILENT), len(kinds)) == (1, 40, 41)
        assert await linked(stage) == 40
        assert await stage.told() == ["gateway_silent warning x40"]
        assert "gateway_silent warning active 20.5-" in await stage.alerts()


async def test_units_that_stay_silent_when_their_gateway_is_back_speak_for_themselves(
    emptied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(emptied, monkeypatch, units=80, gateways=2) as stage:
        await everybody(stage, 0)
        for minute in range(5, 40, 5):
            await everybody(stage, minute, *range(40, 80))
        await stage.wait(36, ask_alerts=True)
        for minute in range(40, 60, 5):
            await everybody(stage, minute, *range(2, 80))
        await stage.wait(56, ask_alerts=True)
        assert await stage.told() == ["gateway_silent warning x40", f"{SILENT} warning x1", f"{SILENT} warning x1"]


async def test_a_third_of_an_organization_that_falls_silent_together_is_told_once_one_level_up(
    emptied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(emptied, monkeypatch, units=100, gateways=10) as stage:
        await everybody(stage, 0)
        for minute in range(5, 60, 5):
            await everybody(stage, minute, *range(40, 100))  # four gateways of ten are gone
            await stage.commit(ask_alerts=True)
        kinds = [line.partition(" ")[0] for line in await stage.alerts()]
        assert (kinds.count("gateway_silent"), kinds.count(SILENT), kinds.count("ingest_degraded")) == (4, 40, 1)
        assert await stage.told() == ["ingest_degraded critical x40"]
        for minute in range(60, 90, 5):
            await everybody(stage, minute)
        assert {line.rpartition(" ")[0].rpartition(" ")[2] for line in await stage.alerts()} == {"resolved"}
        await stage.wait(90, ask_alerts=True)
        assert await stage.told() == ["ingest_degraded critical x40"]


@pytest.mark.parametrize("gateways", [100, pytest.param(5000, marks=[pytest.mark.chaos, pytest.mark.timeout(900)])])
async def test_gateways_that_are_all_cut_off_at_once_are_one_notification(
    emptied: str, monkeypatch: pytest.MonkeyPatch, gateways: int
) -> None:
    """A backbone, a power station or the broker's own network: every will is published in the same second."""
    async with staged(emptied, monkeypatch, units=gateways, gateways=gateways) as stage:
        for minute in (0, 5):
            await everybody(stage, minute)
        await stage.commit(statuses={gateway: (False, stage.clock()) for gateway in stage.gateways})
        told: list[str] = []
        for minute in range(6, 45):
            await stage.wait(minute, ask_alerts=True)
            told = await stage.told()
        assert told == [f"ingest_degraded critical x{gateways}"]
        kinds = Counter(line.partition(" ")[0] for line in await stage.alerts())
        assert kinds == {"ingest_degraded": 1, "gateway_silent": gateways, SILENT: gateways}


async def test_a_last_will_is_only_a_hint(stage: Stage) -> None:
    gateway = stage.gateways[0]
    await stage.live("0:4 1:tick")
    await stage.commit(statuses={gateway: (False, at(1))})
    await stage.wait(5)
    assert await stage.alerts() == [], "no alert by itself"
    await stage.wait(6)
    assert await stage.alerts() == ["gateway_silent warning active 5.5-"], "sooner than after three check-ins"


@pytest.mark.parametrize("first", ["will", "word"])
async def test_a_will_of_an_earlier_connection_does_not_make_a_gateway_lost(stage: Stage, first: str) -> None:
    gateway = stage.gateways[0]
    await stage.live("0:4 1:tick")
    if first == "will":
        await stage.commit([stage.row(1, 4.0)], statuses={gateway: (False, at(0.9))})
    else:
        await stage.commit(statuses={gateway: (False, at(0.9))})
        await stage.commit([stage.row(1, 4.0)])
    assert stage.memory.gateways[gateway].lost_at is None
    await stage.wait(16)
    assert await stage.alerts() == []


async def test_a_retained_online_is_no_word_of_a_silent_gateway(stage: Stage) -> None:
    """The broker says it again at every subscription, whatever became of the gateway since."""
    gateway = stage.gateways[0]
    await stage.live("0:4 20:tick")
    assert await stage.alerts() == ["gateway_silent warning active 15.5-"]
    await stage.open()
    await stage.commit(listening=False, statuses={gateway: (True, at(20))})
    await stage.drain()
    assert await stage.alerts() == ["gateway_silent warning active 15.5-"]
    await stage.commit(statuses={gateway: (True, at(21))})
    assert await stage.alerts() == ["gateway_silent warning resolved 15.5-21"], "but a birth message is"


async def test_a_daemon_that_was_away_calls_no_gateway_silent(stage: Stage) -> None:
    await stage.live("0:4")
    await stage.open()
    await stage.drain(360)
    await stage.wait(375)
    assert [line for line in await stage.alerts() if line.startswith("gateway")] == []
    await stage.wait(376)
    assert "gateway_silent warning active 375.5-" in await stage.alerts()


async def test_the_deadline_of_a_gateway_follows_the_interval_of_its_sensors(stage: Stage) -> None:
    await stage.connection.execute("update sensors set report_interval_seconds = 3600")
    await stage.change("select 1")
    await stage.live("0:4 10:tick")
    await stage.change("update sensors set report_interval_seconds = 60, updated_at = $1", stage.clock())
    await stage.commit()
    assert [line for line in await stage.alerts() if line.startswith("gateway")] == [
        "gateway_silent warning active 10-"
    ]


# --- more that wait than one batch can ask


async def test_an_alert_that_may_speak_is_found_behind_many_that_must_wait(
    emptied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.alerting.OWED", 3)
    async with staged(emptied, monkeypatch, units=10) as stage:
        for unit in range(9):
            await suppress(stage, 0, 600, unit_id=stage.units[unit])
        await suppress(stage, 0, 30, unit_id=stage.units[9])
        for minute, celsius in ((0, 4.0), (5, 8.0), (15, 8.0)):
            await stage.wait(minute)
            await stage.commit([stage.row(minute, celsius, n) for n in range(9)])
        for minute, celsius in ((16, 8.0), (26, 8.0)):  # the last in order of opening
            await stage.wait(minute)
            await stage.commit([stage.row(minute, celsius, 9)])
        await stage.wait(31)
        asked = 0
        while not await stage.told():
            assert (await stage.commit(ask_alerts=True)).judged.held, "it is asked again"
            asked += 1
            assert asked < 8
        assert await stage.told() == ["alarm_active critical x1"]


async def test_a_notification_is_named_after_what_it_says_so_that_twice_is_once(stage: Stage) -> None:
    await stage.live("0:4 5:8 15:8")
    row = await stage.connection.fetchrow("select * from notification_outbox")
    assert row["occasion"] == f"critical@{at(15).isoformat()}"
