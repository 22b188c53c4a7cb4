"""Silence counts only while we listened."""

import pytest

from frostguard.domain.outages import Outage, silence_due
from tests.domain.stories import clock, moment

PATIENCE = moment("10") - moment("0")


def outages(text):
    return tuple(Outage(moment(a), moment(b)) for a, b in (span.split("-") for span in text.split()))


@pytest.mark.parametrize(
    ("last", "spans", "upto", "due"),
    [
        ("0", "", None, "10"),
        ("0", "3-60", None, "70"),
        ("0", "10-60", None, "10"),
        ("0", "9-60 65-100", None, "110"),
        ("0", "9-60 70-100", None, "70"),
        ("5", "3-60", None, "70"),
        ("60", "3-60", None, "70"),
        ("61", "3-60", None, "71"),
        ("0", "3-60", "50", "10"),
        ("0", "3-60", "60", "70"),
        ("0", "3-60 61-100", "99", "70"),
        ("0", "3-60 61-100", None, "110"),
    ],
)
def test_the_deadline_of_a_silence(last, spans, upto, due):
    found = silence_due(moment(last), PATIENCE, outages(spans), None if upto is None else moment(upto))
    assert clock(found) == due
