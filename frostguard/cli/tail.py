"""`frostguard tail`: new readings as they are committed."""

import argparse
from collections.abc import AsyncIterator, Sequence
from typing import Any

from frostguard.cli.arguments import ArgumentsError, add_command, add_database, positive, with_connection
from frostguard.cli.tables import celsius, json_line, printable
from frostguard.store import feed, status
from frostguard.store.connection import Connection, Record
from frostguard.wire.feed import READINGS, Batch, Listed, decode_batch

MAX_NAMES = 100_000


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "tail", run, "print new readings as they are committed, until Ctrl-C")
    parser.add_argument("--organization", metavar="SLUG", help="only this one")
    parser.add_argument("--unit", metavar="NAME", help="only units with this name or id")
    parser.add_argument("--count", type=positive, metavar="N", help="end after N readings")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    add_database(parser)


def run(given: argparse.Namespace) -> int:
    """Print until interrupted, or until --count readings are printed."""
    with_connection(given, lambda connection: _follow(connection, given))
    return 0


async def _follow(connection: Connection, given: argparse.Namespace) -> None:
    names = Names(connection, given.organization, await _units(connection, given))
    left = given.count
    async for texts in _texts(connection, names, as_json=given.json):
        for text in texts[:left]:
            print(text, flush=True)
        left = None if left is None else left - len(texts)
        if left is not None and left <= 0:
            return


async def _texts(connection: Connection, names: "Names", *, as_json: bool) -> AsyncIterator[list[str]]:
    """Give the lines of each batch."""
    async for rows in feed.follow(connection, await feed.position(connection)):
        for row in rows:
            if row.kind == READINGS:
                yield await _lines(names, decode_batch(row.body), as_json=as_json)


async def _units(connection: Connection, given: argparse.Namespace) -> set[str] | None:
    if given.unit is None:
        return None
    found = await status.find_units(connection, given.organization, given.unit)
    if not found:
        raise ArgumentsError(f"no unit is named {given.unit!r}")
    return {str(unit) for unit in found}


class Names:
    """What units and sensors are called; asked for once. A unit that is not wanted has no name."""

    def __init__(self, connection: Connection, organization: str | None, wanted: set[str] | None) -> None:
        self._connection = connection
        self._organization = organization
        self._wanted = wanted
        self._units: dict[str, Record | None] = {}
        self._sensors: dict[str, str] = {}

    async def of_units(self, units: Sequence[str]) -> dict[str, Record]:
        """Return the names of those that are wanted."""
        if len(self._units) > MAX_NAMES:
            self._units.clear()
        unknown = {unit for unit in units if unit not in self._units and (not self._wanted or unit in self._wanted)}
        if unknown:
            found = await feed.names(self._connection, list(unknown), self._organization)
            self._units |= {unit: found.get(unit) for unit in unknown}
        return {unit: name for unit in units if (name := self._units.get(unit)) is not None}

    async def of_sensors(self, sensors: Sequence[str]) -> dict[str, str]:
        """Return the serials."""
        if len(self._sensors) > MAX_NAMES:
            self._sensors.clear()
        if unknown := set(sensors) - self._sensors.keys():
            self._sensors |= await feed.serials(self._connection, list(unknown))
        return self._sensors


async def _lines(names: Names, batch: Batch, *, as_json: bool) -> list[str]:
    units = await names.of_units([*(r.unit_id for r in batch.readings), *(n.unit_id for n in batch.newest)])
    shown = [reading for reading in batch.readings if reading.unit_id in units]
    serials = await names.of_sensors([reading.sensor_id for reading in shown])
    rows = [_row(reading, units[reading.unit_id], serials.get(reading.sensor_id)) for reading in shown]
    if many := [newest for newest in batch.newest if newest.unit_id in units]:
        rows.append({"backlog": {"units": len(many), "since": batch.since}})
    return [json_line(row) if as_json else line(row) for row in rows]


def _row(reading: Listed, names: Record, serial: str | None) -> dict[str, Any]:
    """Return one reading with the names around it."""
    shown = {name: value for name, value in reading._asdict().items() if name != "newest"}
    around = {"unit": names["unit"], "site": names["site"], "organization": names["organization"]}
    return {**shown, **around, "sensor": serial or reading.sensor_id}


def line(row: dict[str, Any]) -> str:
    """Return one reading, or what stands for very many, for people."""
    if "backlog" in row:
        many = row["backlog"]
        return f"{many['since'][:19].replace('T', ' ')}  a backlog from then on, of {many['units']} units"
    parts = [celsius(row["temperature"]) if row["fault"] is None else f"fault {printable(row['fault'])}"]
    if row["humidity"] is not None:
        parts.append(f"{row['humidity']:.0f} %RH")
    if row["door_open"] is not None:
        parts.append("door open" if row["door_open"] else "door closed")
    if row["battery_percent"] is not None:
        parts.append(f"battery {row['battery_percent']} %")
    at = row["recorded_at"][:19].replace("T", " ")
    where = f"{printable(row['site'])} / {printable(row['unit'])}"
    return f"{at}  {where:<40}  {printable(row['sensor']):<18}  {'  '.join(parts)}"
