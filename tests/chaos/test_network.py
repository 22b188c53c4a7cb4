"""The network to the database says nothing any more: told in time, stopped in time, and nothing is lost."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.rig import eventually, rigged
from tests.tcp_proxy import Proxy

COUNT = 2000


@pytest.mark.case("B6")
def test_a_database_that_is_swallowed_is_noticed_and_left_in_time_and_nothing_is_lost(
    tmp_path: Path, case: Callable[..., None]
) -> None:
    """B6: nothing comes through either way, in the midst of readings; and again, when the daemon is to stop."""
    with rigged(tmp_path, gateways=10, sensors=5) as rig, Proxy(rig.postgres.port) as network:
        rig.door = network.port
        rig.start_daemon()
        rig.publish("--rate", "100", "--count", str(COUNT))
        eventually(lambda: rig.count() > 100, 30, "readings come")
        with network.swallowing():
            began, slowest = time.monotonic(), 0.0
            while rig.probe("/readyz") == 200:
                asked = time.monotonic()
                assert rig.probe("/livez") == 200
                slowest = max(slowest, time.monotonic() - asked)
                assert time.monotonic() < began + 60, "never noticed"
                time.sleep(0.1)
            case("detected", time.monotonic() - began, "s", below=10)
            case("slowest answer of the daemon meanwhile", slowest * 1000, "ms")
        healed, stored = time.monotonic(), rig.count()
        eventually(lambda: rig.probe("/readyz") == 200 and rig.count() > stored, 60, "it goes on alone")
        case("goes on after it has healed", time.monotonic() - healed, "s")
        with network.swallowing():
            time.sleep(0.5)
            told = time.monotonic()
            code = rig.kill_daemon(signal.SIGTERM)
            case("stopped", time.monotonic() - told, "s", below=10)
            assert code == 0
        rig.start_daemon()
        rig.finish()
        rig.settle()
        verdict = rig.verdict()
        assert verdict.faults == {}
        case("readings stored", verdict.stored, equal=COUNT)
