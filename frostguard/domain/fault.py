"""Sensor faults: a value that is no measurement is stored as a fault, never as a temperature, never an excursion."""

PHYSICAL_LOW_CELSIUS = -100.0
PHYSICAL_HIGH_CELSIUS = 150.0
NO_PROBE_CELSIUS = 327.67  # what a LoRaWAN probe sends with nothing plugged in: the largest signed number


def temperature_fault(celsius: float, range_low: float, range_high: float) -> str | None:
    """Return the name of the fault in a value, None if a sensor with this physical range (°C) can have measured it."""
    if celsius != celsius or abs(celsius) == float("inf"):  # noqa: PLR0124 - only NaN differs from itself
        return "not_a_number"
    if abs(celsius) == NO_PROBE_CELSIUS:
        return "no_probe"
    if not PHYSICAL_LOW_CELSIUS <= celsius <= PHYSICAL_HIGH_CELSIUS:
        return "impossible_value"
    if not range_low <= celsius <= range_high:
        return "out_of_range"
    return None
