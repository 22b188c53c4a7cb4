"""The one word for a unit, out of the seven, from its two axes."""

from enum import StrEnum

from frostguard.domain.link import DataPhase
from frostguard.domain.temperature import TemperaturePhase


class UnitStatus(StrEnum):
    """The seven statuses, first that applies first."""

    ALARM_ACTIVE = "alarm_active"
    MANUAL_REQUIRED = "manual_required"
    MONITORING_INTERRUPTED = "monitoring_interrupted"
    EXCURSION = "excursion"
    OFFLINE = "offline"
    RESTORING = "restoring"
    OK = "ok"


def _first_that_applies(temperature: TemperaturePhase, data: DataPhase) -> UnitStatus:
    order = (
        (UnitStatus.ALARM_ACTIVE, temperature is TemperaturePhase.ALARM),
        (UnitStatus.MANUAL_REQUIRED, data is DataPhase.MANUAL),
        (UnitStatus.MONITORING_INTERRUPTED, data is DataPhase.INTERRUPTED),
        (UnitStatus.EXCURSION, temperature is TemperaturePhase.EXCURSION),
        (UnitStatus.OFFLINE, data in {DataPhase.LATE, DataPhase.NEVER}),
        (UnitStatus.RESTORING, temperature is TemperaturePhase.RESTORING),
    )
    return next((status for status, applies in order if applies), UnitStatus.OK)


STATUSES = {(t, d): _first_that_applies(t, d) for t in TemperaturePhase for d in DataPhase}


def status_of(temperature: TemperaturePhase, data: DataPhase) -> UnitStatus:
    """Return the first status that applies."""
    return STATUSES[temperature, data]
