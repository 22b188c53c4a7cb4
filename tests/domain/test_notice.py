"""When an alert speaks."""

from dataclasses import replace

import pytest

from frostguard.domain.alert import AlertType, Severity, acknowledge, resolve, rise, tell
from frostguard.domain.limits import Limits
from frostguard.domain.notice import Occasion, Place, Suppression, decide, last_end
from tests.domain.stories import DOOR, OTHER, PRIMARY, START, UNIT, clock, moment
from tests.domain.test_alert import make_alert

LIMITS = Limits()
ORGANIZATION, SITE = OTHER, DOOR
PLACE = Place(ORGANIZATION, SITE, UNIT)
ALERT = make_alert()


def asked(alert=ALERT, minute="11", place=PLACE, **changes):
    decision = decide(alert, place, Occasion(moment(minute), LIMITS, **changes))
    return f"{decision.verb} {decision.reason}" + (f" {clock(decision.until)}" if decision.until else "")


def window(start="0", end="60", **changes):
    return Suppression(ORGANIZATION, moment(start), moment(end), **changes)


def test_an_open_alert_speaks_once():
    assert asked() == "notify due"
    assert asked(tell(ALERT, moment("11")).alert) == "nothing told"


def test_a_rise_in_severity_speaks_again_also_when_acknowledged():
    alert = acknowledge(tell(ALERT, moment("11")).alert, PRIMARY, moment("12")).alert
    assert asked(alert) == "nothing told"
    assert asked(rise(alert, Severity.CRITICAL, moment("13")).alert) == "notify due"


def test_a_historical_alert_never_speaks():
    assert asked(replace(ALERT, backfilled=True)) == "nothing backfilled"


def test_while_the_backlog_is_drained_nothing_speaks():
    assert asked(caught_up=False) == "hold catching_up"


def test_what_opened_and_closed_in_the_backlog_is_recorded_only():
    over = resolve(ALERT, moment("20")).alert
    assert asked(over, "21") == "nothing over"
    assert asked(over, "20+59") == "notify due"
    assert asked(tell(ALERT, moment("11")).alert, "20+59") == "nothing told"


@pytest.mark.parametrize(
    ("suppression", "expected"),
    [
        (window(), "hold suppressed 60"),
        (window(site_id=SITE), "hold suppressed 60"),
        (window(unit_id=UNIT), "hold suppressed 60"),
        (window(unit_id=UNIT, types=frozenset({AlertType.ALARM_ACTIVE})), "hold suppressed 60"),
        (window(types=frozenset({AlertType.DOOR_OPEN})), "notify due"),
        (window(site_id=PRIMARY), "notify due"),
        (window(unit_id=PRIMARY), "notify due"),
        (window()._replace(organization_id=PRIMARY), "notify due"),
        (window("0", "11"), "notify due"),
        (window("11", "12"), "hold suppressed 12"),
        (window("12", "60"), "notify due"),
    ],
)
def test_a_window_holds_what_it_covers(suppression, expected):
    assert asked(suppressions=(suppression,)) == expected


def test_when_the_window_ends_it_is_asked_again():
    windows = (window(), window("5", "90", site_id=SITE))
    assert last_end(windows, PLACE, ALERT.type, moment("11")) == moment("90")
    assert asked(minute="60", suppressions=windows) == "hold suppressed 90"
    assert asked(minute="90", suppressions=windows) == "notify due"
    assert asked(resolve(ALERT, moment("70")).alert, "90", suppressions=windows) == "nothing over"


def test_a_linked_alert_is_silent_while_another_speaks_for_it():
    speaker = make_alert(type=AlertType.GATEWAY_SILENT)
    linked = replace(ALERT, linked_to=speaker.id)
    assert asked(linked, speaker=speaker) == "hold linked"
    over = resolve(speaker, moment("12")).alert
    assert asked(linked, "13", speaker=over) == "hold linked 27"
    assert asked(linked, "27", speaker=over) == "notify due"
    assert asked(linked) == "notify due"


def test_a_silent_gateway_waits_for_others():
    gateway = make_alert(type=AlertType.GATEWAY_SILENT)
    assert asked(gateway, "10+59") == "hold grouping 11"
    assert asked(gateway, "11") == "notify due"
    assert gateway.opened_at > START
