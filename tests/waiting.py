"""Waiting for what another process does and no event of ours tells; bounded, and named when it fails."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], what: str, seconds: float = 15) -> None:
    """Poll until the condition holds; fail by name."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)
