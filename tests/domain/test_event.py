"""Facts are small and frozen."""

import pytest

from frostguard.domain.event import NOTHING, Event, EventKind
from tests.domain.stories import START


def test_a_fact_cannot_be_changed():
    event = Event(EventKind.DATA_LATE, START)
    with pytest.raises(AttributeError):
        event.at = START  # type: ignore[misc]
    assert NOTHING == ()
