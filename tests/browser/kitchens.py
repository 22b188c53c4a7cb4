"""A kitchen with something of everything in it: to look at, to take pictures of, to search for barriers."""

import math

from tests.browser.system import Kitchen, day_of, reading
from tests.waiting import eventually


def furnish(kitchen: Kitchen) -> None:
    """Units in several states, a day of readings, an alarm, a door that opened, a gap, a pending sensor."""
    with kitchen.system.sql() as c:
        c.execute("update organizations set name = 'Harbour Kitchens' where id = %s", (kitchen.id,))
    for name, unit_type in (
        ("Prep fridge", "fridge"), ("Fish counter", "display_case"), ("Walk-in freezer", "walk_in_freezer"),
        ("Delivery cooler", "walk_in_cooler"),
    ):  # fmt: skip
        kitchen.plant(name, unit_type=unit_type)
    kitchen.plant_site("Clinic", "Dispensary")
    kitchen.plant("Vaccine fridge", unit_type="fridge")
    kitchen.plant("Blast chiller", unit_type="blast_chiller")
    kitchen.publish("Prep fridge", *day_of(wavy(3.2, 0.9)), reading(0, 3.4))
    kitchen.publish("Fish counter", *with_door(day_of(wavy(1.5, 0.6))), reading(0, 1.9, doorOpen=False))
    kitchen.publish("Walk-in freezer", *day_of(warming(-21.0)), reading(0, -11.2))
    kitchen.publish("Delivery cooler", *day_of(lambda m: None if 300 < m < 480 else wavy(3.8, 0.7)(m)), reading(0, 4.1))
    kitchen.publish(
        "Vaccine fridge", *day_of(lambda m: wavy(4.4, 0.2)(m) + (3 if 500 < m < 530 else 0)), reading(0, 6.3)
    )
    kitchen.publish_as("a84041ffff1234ab", reading(3, 2.0), reading(1, 2.1))
    system = kitchen.system
    eventually(lambda: system.phase(kitchen.units["Walk-in freezer"]) == "alarm", "the freezer is in alarm")
    pending = "select count(*) from sensors where organization_id = %s and unit_id is null"
    eventually(lambda: system.value(pending, kitchen.id) == 1, "the new sensor is pending")


def wavy(mean: float, swing: float):
    """A compressor's rhythm."""
    return lambda minutes: round(mean + swing * math.sin(minutes / 14) + swing / 3 * math.sin(minutes / 101), 2)


def warming(mean: float):
    """A freezer whose compressor gave up 70 minutes ago."""
    return lambda minutes: wavy(mean, 0.8)(minutes) if minutes > 70 else round(mean + (70 - minutes) * 0.14, 2)


def with_door(readings):
    """The door stood open for half an hour, in the middle of the day."""
    count = len(readings)
    return [{**each, "doorOpen": 120 <= count - n < 126} for n, each in enumerate(readings)]
