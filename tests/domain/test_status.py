"""The one word for a unit."""

import pytest

from frostguard.domain.link import DataPhase
from frostguard.domain.status import STATUSES, status_of
from frostguard.domain.temperature import TemperaturePhase

TABLE = {
    # data:         never                     fresh        late                      interrupted               manual
    "normal": "offline ok offline monitoring_interrupted manual_required",
    "excursion": "excursion excursion excursion monitoring_interrupted manual_required",
    "alarm": "alarm_active alarm_active alarm_active alarm_active alarm_active",
    "restoring": "offline restoring offline monitoring_interrupted manual_required",
}


@pytest.mark.parametrize("temperature", TemperaturePhase)
def test_the_first_that_applies(temperature):
    assert [str(status_of(temperature, data)) for data in DataPhase] == TABLE[temperature].split()


def test_each_pair_of_phases_has_a_status():
    assert len(STATUSES) == len(TemperaturePhase) * len(DataPhase)
