from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.wire.battery import CHEMISTRIES, DEFAULT_CHEMISTRY, percent

VOLTS = st.floats(0, 10)


@pytest.mark.parametrize(
    ("volts", "chemistry", "expected"),
    [
        (3.05, "LiFeS2_AA", 69),
        (3.05, None, 69),
        (3.05, "unobtainium", 69),
        (3.6, "lithium", 100),
        (2.0, "li", 5),
        (2.4, "Li-FeS2", 20),
        (3.0, "Li-SOCl2", 5),
        (3.0, "ER14505", 5),
        (3.55, "li_socl2", 80),
        (2.95, "Li-MnO2", 80),
        (2.95, "CR17450", 80),
        (2.8, "Alkaline_AA", 70),
        (2.8, "alkaline", 70),
        (2.7, "CR2032", 50),
        (3.0, "CR123A", 70),
        (2.6, "CR123A", 10),
        (0.0, "CR2032", 0),
        (9.9, "CR2032", 100),
    ],
)
def test_a_voltage_means_what_the_chemistry_says(volts, chemistry, expected):
    assert percent(volts, chemistry) == expected


@pytest.mark.parametrize("chemistry", CHEMISTRIES)
def test_every_point_of_a_curve_is_met_exactly(chemistry):
    for volts, level in CHEMISTRIES[chemistry]:
        assert percent(volts, chemistry) == level


@given(st.sampled_from([*CHEMISTRIES, None]), VOLTS, VOLTS)
def test_more_volts_are_never_less_percent(chemistry, one, other):
    low, high = sorted((one, other))
    assert 0 <= percent(low, chemistry) <= percent(high, chemistry) <= 100


@pytest.mark.parametrize("volts", [nan, inf, -inf])
def test_a_voltage_that_is_no_number_is_refused(volts):
    with pytest.raises(ValueError, match="finite"):
        percent(volts, None)


def test_curves_rise_from_empty_to_full():
    assert DEFAULT_CHEMISTRY in CHEMISTRIES
    for curve in CHEMISTRIES.values():
        assert list(curve) == sorted(curve)
        assert [curve[0][1], curve[-1][1]] == [0, 100]
