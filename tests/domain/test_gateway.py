"""A gateway's silence comes before that of its units, and a last will alone is no alert."""

from frostguard.domain.gateway import Gateway, fall_silent, gateway_due, hear, lose
from frostguard.domain.limits import Limits
from frostguard.domain.outages import Outage
from tests.domain.stories import UNIT, clock, moment, write

HEARD = Gateway(UNIT, moment("0"))


def due(gateway, outages=()):
    found = gateway_due(gateway, 300, Limits(), outages)
    return None if found is None else clock(found)


def test_three_missed_check_ins_of_its_fastest_sensor_are_silence():
    assert due(HEARD) == "15+30"
    silent, events = fall_silent(HEARD, moment("15+30"))
    assert write(events) == "15+30:gateway_silent"
    assert due(silent) is None


def test_a_last_will_shortens_the_wait_and_is_no_silence_itself():
    assert due(lose(HEARD, moment("2"))) == "5+30"
    assert due(lose(HEARD, moment("9"))) == "9"
    assert due(lose(HEARD, moment("90"))) == "15+30"
    assert lose(lose(HEARD, moment("2")), moment("4")).lost_at == moment("2")


def test_any_message_makes_a_will_stale():
    gateway, events = hear(lose(HEARD, moment("2")), moment("3"))
    assert (due(gateway), write(events)) == ("18+30", "")


def test_it_is_heard_again():
    silent, _ = fall_silent(HEARD, moment("15+30"))
    back, events = hear(silent, moment("40"))
    assert write(events) == "40:gateway_heard"
    assert due(back) == "55+30"
    assert hear(back, moment("39")) == (back, ())


def test_a_gateway_never_heard_or_without_sensors_is_not_silent():
    assert gateway_due(Gateway(UNIT), 300, Limits()) is None
    assert gateway_due(HEARD, None, Limits()) is None


def test_our_silence_is_not_the_gateways():
    assert due(HEARD, (Outage(moment("3"), moment("360")),)) == "375+30"
    assert due(lose(HEARD, moment("2")), (Outage(moment("3"), moment("360")),)) == "365+30"
