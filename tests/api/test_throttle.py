"""Token buckets."""

import pytest

from api import throttle
from api.throttle import Throttle


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(throttle.time, "monotonic", lambda: now[0])
    return now


def test_a_bucket_holds_a_minutes_worth_and_fills_up_again(clock: list[float]) -> None:
    bucket = Throttle(60)
    assert [bucket.take("a") for _ in range(60)] == [0.0] * 60
    assert bucket.take("a") == pytest.approx(1)
    assert bucket.wait("a") == pytest.approx(1)
    assert bucket.take("b") == 0, "each address has its own"
    clock[0] += 1
    assert bucket.take("a") == 0
    assert bucket.take("a") > 0
    clock[0] += 3600
    assert [bucket.take("a") for _ in range(61)].count(0.0) == 60


def test_addresses_are_remembered_up_to_a_bound(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_ADDRESSES", 2)
    bucket = Throttle(1)
    for address in ("a", "b", "c"):
        assert bucket.take(address) == 0
    assert len(bucket._buckets) == 2
    assert bucket.wait("c") > 0
