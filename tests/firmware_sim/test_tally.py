"""Percentiles out of constant memory."""

import pytest

from firmware_sim.tally import Latencies, Tally


def test_percentiles_are_right_to_two_percent():
    latencies = Latencies()
    for n in range(1, 1001):
        latencies.add(n / 1000)
    for percent in (50, 95, 99):
        assert latencies.percentile(percent) == pytest.approx(percent / 100, rel=0.021)
    assert latencies.percentile(100) == 1.0


def test_nothing_counted_has_no_percentile():
    assert Latencies().summary() == {"p50": None, "p95": None, "p99": None, "max": None}


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, 1e9])
def test_no_duration_is_out_of_range(seconds):
    latencies = Latencies()
    latencies.add(seconds)
    assert latencies.count == 1


def test_the_summary_holds_every_counter():
    summary = Tally(published=3).summary()
    assert summary["published"] == 3
    assert {"readings", "acknowledged", "committed", "dropped", "publish_to_ack_ms"} <= summary.keys()
