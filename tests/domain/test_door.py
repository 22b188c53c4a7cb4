"""The door, as stories: 3 min warning, 10 min critical."""

from dataclasses import replace

import pytest

from frostguard.domain.limits import Limits
from frostguard.domain.unit import observe
from frostguard.domain.unit_state import UnitState
from tests.domain.stories import DOORS, OTHER, UNIT, make_reading, make_rules, moment, tell, write

STORIES = {
    "a door that was never open has nothing to end": ("0:closed 5:closed", ""),
    "three minutes open warn, ten are critical": (
        "0:open 2+59:tick 3:tick 9+59:tick 10:tick",
        "0:door_opened 3:door_warning 10:door_critical",
    ),
    "closing ends it": ("0:open 4:closed", "0:door_opened 3:door_warning 4:door_closed"),
    "closing in time says nothing more": ("0:open 2+59:closed 20:tick", "0:door_opened 2+59:door_closed"),
    "closing at the moment is past it": ("0:open 3:closed", "0:door_opened 3:door_warning 3:door_closed"),
    "a repeated open does not restart it": (
        "0:open 2:open 4:open 9:open 10:tick",
        "0:door_opened 3:door_warning 10:door_critical",
    ),
    "nor does a repeated closed": ("0:closed 2:open 3:closed 4:closed", "2:door_opened 3:door_closed"),
    "a temperature says nothing of the door": ("0:open 1:4 2:4 3:4", "0:door_opened 3:door_warning"),
}


@pytest.mark.parametrize(("story", "expected"), STORIES.values(), ids=STORIES.keys())
def test_story(story, expected):
    assert write(tell(story, make_rules()), DOORS) == expected


def test_a_warning_time_of_0_warns_at_once():
    rules = make_rules(replace(Limits(), door_warning_seconds=0))
    assert write(tell("0:open 0:tick", rules), DOORS) == "0:door_opened 0:door_warning"


def test_a_unit_with_two_doors_is_open_while_either_is():
    state, rules = UnitState(UNIT), make_rules()
    events = tell("0:open", rules, state)
    events += observe(state, make_reading(moment("1"), OTHER, door_open=False), rules)
    events += observe(state, make_reading(moment("2"), OTHER, door_open=True), rules)
    events += tell("3:closed", rules, state)
    assert write(events, DOORS) == "0:door_opened 3:door_warning"
    events = observe(state, make_reading(moment("4"), OTHER, door_open=False), rules)
    assert write(events, DOORS) == "4:door_closed"
