"""Nobody has made partitions for weeks: the daemon makes what it needs when it needs it, and says so in its log."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.chaos.rig import rigged

COUNT = 4_000
PARTITIONS = "select inhrelid::regclass::text from pg_inherits where inhparent = 'sensor_readings'::regclass"


@pytest.mark.case("B14")
def test_readings_for_which_there_is_no_partition_are_stored_all_the_same(
    tmp_path: Path, case: Callable[..., None]
) -> None:
    with rigged(tmp_path, gateways=10, sensors=5) as rig:
        rig.start_daemon()
        with psycopg.connect(rig.database, autocommit=True) as c:
            for (name,) in c.execute(PARTITIONS).fetchall():
                c.execute(f"drop table {name}")
            rig.publish("--rate", "1000", "--count", str(COUNT))
            rig.finish()
            rig.settle()
            made = c.execute(PARTITIONS).fetchall()
        case("partitions made by the batch that missed them", len(made))
        case("times that a batch was given back to the broker", rig.metric("frostguard_commit_retries_total"), equal=0)
        verdict, told = rig.verdict(), (tmp_path / "ingest.log").read_text()
    assert made
    assert "no partition for some readings" in told
    assert verdict.faults == {}
    case("readings lost", COUNT - verdict.stored, equal=0)
