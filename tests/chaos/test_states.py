"""Kill daemon and database under a load of excursions: states and alerts must be those of the readings, to the second.

Two oracles, of which neither looks at what the daemon knew: a fold of what was sent, and the replay of what is stored.
"""

import random
import time
from pathlib import Path

import psycopg
import pytest

from tests.chaos.excursions import Judgement, Plan, Publisher, judgement, silent_mortals
from tests.chaos.rig import Rig, eventually, rigged
from tests.chaos.test_kills import FAULTS

# One transaction in fifteen fails in the COMMIT itself, when everything has been written: as where a disk is full then.
COMMITS_FAIL = """
create function fail_at_times() returns trigger language plpgsql as $$ begin
  if pg_current_xact_id()::text::bigint % 15 = 0 then raise exception 'no room' using errcode = '53100'; end if;
  return null; end $$;
create constraint trigger fail_at_times after insert on sensor_readings deferrable initially deferred
  for each row execute function fail_at_times()
"""


def run(rig: Rig, faults: list[str], *, rate: int, seconds_between: float, mortal: bool = True) -> Judgement:
    """Publish while the faults happen at random moments; let it come to rest; judge."""
    plan = Plan(rig)  # its settings are there before the first reading
    with psycopg.connect(rig.database, autocommit=True) as c:
        c.execute(COMMITS_FAIL)
    rig.start_daemon()
    publisher = Publisher(plan, rate)
    publisher.start()
    try:
        for n, fault in enumerate(faults):
            if n == len(faults) // 2:
                publisher.end_mortals()
            time.sleep(random.uniform(0.5, 1.5) * seconds_between)
            FAULTS[fault](rig)
        time.sleep(seconds_between)
    finally:
        publisher.end_mortals()
        publisher.stop()
    rig.settle()
    if mortal:
        eventually(lambda: min(silent_mortals(plan)) > 0, 60, "the silence of each mortal is on record")
    found = judgement(plan)
    sent = sum(map(len, plan.sent.values()))
    print(
        f"\n{len(faults)} faults, {sent} readings sent, {found.report.readings} folded of {found.report.units} units,"
        f" {found.alerts} alerts: {found.faults or 'no difference'}, mortals {sorted(set(silent_mortals(plan)))}"
    )
    for difference in found.report.differences[:5]:
        print(difference)
    if mortal:
        assert set(silent_mortals(plan)) == {1}, "each is told once"
    return found


def test_states_and_alerts_are_those_of_the_readings_whoever_is_killed(tmp_path: Path) -> None:
    with rigged(tmp_path, gateways=5, sensors=40) as rig:
        found = run(rig, ["daemon", "postgres", "daemon"], rate=1000, seconds_between=1.0)
    assert found.alerts > 300, "there was something to lose"
    assert not found.faults


def test_a_memory_that_moves_before_the_commit_goes_wrong_where_commits_fail(tmp_path: Path) -> None:
    with rigged(tmp_path, program="tests.chaos.hasty_memory", gateways=5, sensors=40) as rig:
        found = run(rig, ["postgres"], rate=1000, seconds_between=2.0, mortal=False)
    assert found.faults.get("missing", 0) > 0
    assert found.faults.get("differences", 0) > 0


@pytest.mark.chaos
def test_acknowledging_on_receipt_misses_alerts_when_the_daemon_is_killed(tmp_path: Path) -> None:
    """What is stored is judged rightly even then; it is what was sent that shows what is missing."""
    with rigged(tmp_path, program="tests.chaos.early_ack", gateways=5, sensors=40) as rig:
        found = run(rig, ["daemon"] * 5, rate=2000, seconds_between=1.0, mortal=False)
    assert found.missing > 0


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_long_run_of_twenty_kills_of_daemon_and_database(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"\nseed {seed}")
    random.seed(seed)
    faults = ["daemon"] * 10 + ["postgres"] * 6 + ["postgres immediate"] * 4
    random.shuffle(faults)
    with rigged(tmp_path, gateways=5, sensors=40) as rig:
        found = run(rig, faults, rate=1000, seconds_between=3.0)
    assert found.alerts > 3000
    assert not found.faults
