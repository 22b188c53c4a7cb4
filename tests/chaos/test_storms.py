"""Storms that must not come, one that must be on record in time, and what is told of forty units at once.

The short forms have 500 units, `make chaos` runs 10,000.
"""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ingest.clock import DEAF
from tests.chaos.rig import Rig, eventually, rigged
from tests.chaos.storm import CANARY, SENSORS, TURN_BACK, StormRig, packet, send

AWAY = timedelta(hours=6)
STEP = timedelta(minutes=5)
STEPS_PER_MESSAGE = 12

CANARY_IS_SILENT = """
select count(*) from alerts a join units u on u.id = a.unit_id
 where u.name = %s and a.alert_type = 'monitoring_interrupted'
"""
OTHERS = f"select count(*) from alerts where unit_id is distinct from (select id from units where name = '{CANARY}')"
FALSE_SILENCES = f"""
select count(*) from events e join units u on u.id = e.unit_id
 where e.kind in ('data_late', 'data_interrupted') and u.name <> '{CANARY}'
"""
NOTIFICATIONS = "select count(*) from notification_outbox n join alerts a on a.id = n.alert_id"


@contextmanager
def storming(folder: Path, units: int) -> Iterator[StormRig]:
    rig = StormRig(folder, units)
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


# --- six hours away


def begin(rig: StormRig) -> None:
    """Everybody reports once; the daemon stops in order; the clock goes on by six hours."""
    rig.start_daemon()
    now = datetime.now(UTC)
    send(rig, {name: [packet(serials, [now])] for name, serials in rig.serials.items()})
    eventually(lambda: rig.count() == rig.units, 60, "everybody is heard once")
    eventually(lambda: rig.one("select count(*) from outages") == 1, 30, "the daemon listens")
    rig.kill_daemon(signal.SIGTERM)
    with psycopg.connect(rig.database, autocommit=True) as c:
        rendered = TURN_BACK.replace("%(by)s", f"interval '{AWAY.total_seconds()} seconds'")
        c.execute(rendered.encode())
        c.execute("delete from alerts")  # the canary's, if it was quick; it begins anew
        c.execute("delete from unit_states where unit_id = (select id from units where name = %s)", (CANARY,))
        c.execute("delete from sensor_states where unit_id = (select id from units where name = %s)", (CANARY,))


def backlog(serials: list[str]) -> list[bytes]:
    """What a gateway has kept in the meantime: a reading of each sensor for every five minutes."""
    last = datetime.now(UTC)
    times = [last - n * STEP for n in reversed(range(AWAY // STEP))]
    return [packet(serials, times[n : n + STEPS_PER_MESSAGE]) for n in range(0, len(times), STEPS_PER_MESSAGE)]


def come_back(rig: StormRig) -> None:
    """Half of the gateways' backlog waits in the broker, half with the gateways until the daemon listens again."""
    names = list(rig.serials)
    early, late = names[: len(names) // 2], names[len(names) // 2 :]
    send(rig, {name: backlog(rig.serials[name]) for name in early})
    began = time.monotonic()
    rig.start_daemon()
    eventually(lambda: rig.one(CANARY_IS_SILENT, CANARY) == 1, 300, "the daemon judges silence again")
    judged = time.monotonic() - began
    send(rig, {name: backlog(rig.serials[name]) for name in late})
    eventually(lambda: rig.count() == rig.units * (AWAY // STEP), 300, "the backlog is stored")
    print(
        f"\n{rig.units} units, {AWAY} away, {rig.count()} readings of backlog: silence is judged again {judged:.1f} s"
        f" after the start, all is stored after {time.monotonic() - began:.1f} s; false: {rig.one(FALSE_SILENCES)}"
        f" silences, {rig.one(OTHERS)} alerts"
    )


def stay_away(rig: StormRig) -> None:
    begin(rig)
    come_back(rig)
    assert rig.one(FALSE_SILENCES) == 0
    assert rig.one(OTHERS) == 0
    assert (
        rig.one(f"{NOTIFICATIONS} where a.unit_id is distinct from (select id from units where name = %s)", CANARY) == 0
    )
    assert rig.sql("select status::text, count(*) from unit_states group by status order by 2 desc") == [
        ("ok", rig.units), ("monitoring_interrupted", 1),
    ]  # fmt: skip


def test_a_daemon_that_was_away_for_six_hours_calls_nobody_offline(tmp_path: Path) -> None:
    with storming(tmp_path, 500) as rig:
        stay_away(rig)


def test_without_the_record_of_when_we_listened_the_same_return_is_a_storm(tmp_path: Path) -> None:
    with storming(tmp_path, 500) as rig:
        begin(rig)
        rig.sql("update listening set until = now()")
        rig.start_daemon()
        eventually(lambda: rig.one(OTHERS) >= rig.units, 60, "the storm")
        silent = rig.one("select count(*) from alerts where alert_type = 'monitoring_interrupted'")
        print(f"\ncontrol: {silent} false alerts of {rig.units} units")
        assert silent >= rig.units


@pytest.mark.chaos
@pytest.mark.timeout(1200)
def test_a_daemon_that_was_away_for_six_hours_calls_none_of_ten_thousand_offline(tmp_path: Path) -> None:
    with storming(tmp_path, 10_000) as rig:
        stay_away(rig)


# --- everybody at once


def excursion(rig: StormRig, bound: float) -> None:
    rig.sql("""update organizations set settings = '{"critical_high": 20}'""")
    rig.start_daemon()
    now = datetime.now(UTC)
    send(rig, {name: [packet(serials, [now])] for name, serials in rig.serials.items()})
    eventually(lambda: rig.count() == rig.units, 60, "everybody is heard once")
    eventually(lambda: rig.one("select count(*) from outages") == 1, 30, "the daemon listens")
    began, hot = time.monotonic(), datetime.now(UTC)
    send(rig, {name: [packet(serials, [hot], 30.0)] for name, serials in rig.serials.items()})
    sent = time.monotonic() - began
    on_record = "select count(*) from alerts where alert_type = 'alarm_active'"
    eventually(lambda: rig.one(on_record) == rig.units, bound, "every alarm is on record")
    seconds = time.monotonic() - began
    told = rig.one(f"{NOTIFICATIONS} where a.alert_type = 'alarm_active'")
    print(
        f"\n{rig.units} units in excursion: sent within {sent:.1f} s, all on record after {seconds:.1f} s, {told} told"
    )
    assert rig.one("select count(distinct opened_at) from alerts where alert_type = 'alarm_active'") == 1
    assert told == rig.units


def test_units_that_go_into_excursion_together_are_all_on_record(tmp_path: Path) -> None:
    with storming(tmp_path, 500) as rig:
        excursion(rig, 30)


@pytest.mark.chaos
@pytest.mark.timeout(1200)
def test_ten_thousand_units_that_go_into_excursion_together_are_all_on_record(tmp_path: Path) -> None:
    with storming(tmp_path, 10_000) as rig:
        excursion(rig, 120)


# --- one gateway


IMPATIENT = """{"slack_seconds": 1, "group_wait_seconds": 1}"""


def impatient(rig: Rig) -> list[subprocess.Popen[bytes]]:
    """Units whose monitoring is interrupted after six seconds; two processes, a gateway each; all report."""
    with psycopg.connect(rig.database, autocommit=True) as c:
        c.execute("update organizations set settings = %s", (IMPATIENT,))
        c.execute("update sensors set report_interval_seconds = 1")
        for gateway in rig._fleet()["gateways"]:
            serials = [sensor["serial"] for sensor in gateway["sensors"]]
            c.execute(
                "update sensors set gateway_id = g.id from gateways g where g.serial = %s and sensors.serial = any(%s)",
                (gateway["id"], serials),
            )
    rig.start_daemon()
    processes = [_gateway(rig, n) for n in range(2)]
    eventually(lambda: _count(rig, "unit_states where data_phase = 'fresh'") == 2 * SENSORS, 30, "all report")
    return processes


def test_a_gateway_that_is_cut_off_is_one_notification_with_its_forty_units_under_it(tmp_path: Path) -> None:
    with rigged(tmp_path, gateways=2, sensors=SENSORS) as rig:
        names = [gateway["id"] for gateway in rig._fleet()["gateways"]]
        processes = impatient(rig)
        processes[0].kill()
        processes[0].wait()
        rig.simulators.remove(processes[0])
        silent = "alerts where alert_type = 'monitoring_interrupted' and resolved_at is null"
        eventually(lambda: _count(rig, silent) >= SENSORS, 60, "its units' silence is on record")
        with psycopg.connect(rig.database, autocommit=True) as c:
            told = c.execute(
                """select a.alert_type::text, g.serial, n.together from notification_outbox n
                     join alerts a on a.id = n.alert_id left join gateways g on g.id = a.gateway_id"""
            ).fetchall()
            linked = c.execute(
                f"""select count(*) from ({"select * from " + silent}) a join alerts s on s.id = a.linked_to
                     where s.alert_type = 'gateway_silent'"""
            ).fetchall()[0][0]
        print(f"\ncut: told {told}, {linked} linked")
        assert told == [("gateway_silent", names[0], SENSORS)]
        assert linked == SENSORS


@pytest.mark.chaos
def test_a_daemon_that_was_stopped_for_a_while_calls_nobody_silent_when_it_wakes(tmp_path: Path) -> None:
    """Its connections stand, its clock has jumped, and what came meanwhile is still to be read."""
    with rigged(tmp_path, gateways=2, sensors=SENSORS) as rig:
        processes = impatient(rig)
        assert rig.daemon is not None
        spans = _count(rig, "outages")
        rig.daemon.send_signal(signal.SIGSTOP)
        time.sleep(3 * DEAF.total_seconds() / 2)
        rig.daemon.send_signal(signal.SIGCONT)
        eventually(lambda: _count(rig, "outages") > spans, 30, "it knows that it did not listen")
        since = "listening where until > (select max(drained) from outages) + interval '1 second'"
        eventually(lambda: _count(rig, since) == 1, 30, "it listens again")
        assert _count(rig, "alerts") == 0
        assert _count(rig, "events where kind = 'data_interrupted'") == 0
        for process in processes:
            process.send_signal(signal.SIGTERM)
        rig.finish()


def _gateway(rig: Rig, number: int) -> subprocess.Popen[bytes]:
    """A process for this gateway alone: each sensor reports twice in its interval."""
    fleet = rig._fleet()
    path = rig.folder / f"fleet-{number}.json"
    path.write_text(json.dumps(fleet | {"gateways": [fleet["gateways"][number]]}))
    return rig.publish("--fleet", str(path), "--rate", str(2 * SENSORS))


def _count(rig: Rig, what: str) -> int:
    with psycopg.connect(rig.database, autocommit=True) as c:
        row = c.execute(f"select count(*) from {what}").fetchone()
    return row[0] if row else 0
