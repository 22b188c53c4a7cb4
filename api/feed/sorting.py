"""Sorts rows of the feed into topics: which unit belongs where is known here, in the order of the commits."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from api.feed.pending import Members, Pending
from api.feed.topics import Topic
from api.feed.window import Decoded
from api.handlers.alerts import shown_alert
from frostguard.store.feed import Row
from frostguard.wire import feed
from frostguard.wire.feed import Batch, Happened, Listed, Newest, Placed, Standing

Wanted = Callable[[Topic], Pending | None]
"""Returns what is collected for a topic, None for one that nobody asks for."""


class Place(NamedTuple):
    """Where a unit is."""

    organization: str
    site: str


class Sorter:
    """Knows the place of every unit."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}

    def begin(self, places: Iterable[Any]) -> None:
        """Take the places of all units: rows with unit, organization, site."""
        self.places = {row["unit"]: Place(row["organization"], row["site"]) for row in places}

    def sort(self, row: Row, decoded: Decoded, wanted: Wanted) -> None:
        """Hand a row's pieces to the topics that are wanted."""
        found: Any = decoded
        match row.kind:
            case feed.READINGS:
                self._batch(row.first, found, wanted)
            case feed.EVENTS:
                for number, happened in enumerate(found, row.first):
                    _happened(number, happened, wanted)
            case feed.UNITS:
                for number, placed in enumerate(found, row.first):
                    _placed(number, placed, wanted)

    def move(self, placed: Iterable[Placed]) -> list[str]:
        """Note where units are now. Returns those that left their organization, or are gone."""
        left = []
        for each in placed:
            before = self.places.pop(each.unit_id, None)
            if each.organization_id is not None and each.site_id is not None:
                self.places[each.unit_id] = Place(each.organization_id, each.site_id)
            if before is not None and before.organization != each.organization_id:
                left.append(each.unit_id)
        return left

    def _batch(self, number: int, batch: Batch, wanted: Wanted) -> None:
        for reading in batch.readings:
            place = self.places.get(reading.unit_id)
            if place is not None:
                self._reading(number, reading, place, wanted)
            number += 1
        for standing in batch.standings:
            place = self.places.get(standing.unit_id)
            if place is not None:
                _patch(number, standing.unit_id, place, _standing(standing), wanted)
                state = wanted(Topic("unit", standing.unit_id, "state"))
                if state is not None:
                    state.patch(number, standing.unit_id, _standing(standing))
            number += 1
        for newest in batch.newest:
            place = self.places.get(newest.unit_id)
            if place is not None:
                _backlog(number, newest, place, batch.since, wanted)
            number += 1

    @staticmethod
    def _reading(number: int, reading: Listed, place: Place, wanted: Wanted) -> None:
        readings = wanted(Topic("unit", reading.unit_id, "readings"))
        if readings is not None:
            readings.add(number, "readings", _shown(reading))
        if reading.newest:
            values = {"lastReadingAt": reading.recorded_at, "lastTemperature": reading.temperature}
            _patch(number, reading.unit_id, place, values, wanted)


def _placed(number: int, placed: Placed, wanted: Wanted) -> None:
    """Tell all who may see the unit now, and those of whom it is gone."""
    unit = placed.unit_id
    if placed.organization_id is not None and placed.site_id is not None:
        _patch(number, unit, Place(placed.organization_id, placed.site_id), _known(placed), wanted)
        state = wanted(Topic("unit", unit, "state"))
        if state is not None:
            state.patch(number, unit, _known(placed))
    for scope, before, now in (
        ("org", placed.organization_before, placed.organization_id),
        ("site", placed.site_before, placed.site_id),
    ):
        pending = wanted(Topic(scope, before, "units")) if before is not None and before != now else None
        if pending is not None:
            pending.lose(number, unit)


def _patch(number: int, unit: str, place: Place, members: Members, wanted: Wanted) -> None:
    for topic in (Topic("org", place.organization, "units"), Topic("site", place.site, "units")):
        pending = wanted(topic)
        if pending is not None:
            pending.patch(number, unit, members)


def _backlog(number: int, newest: Newest, place: Place, since: str | None, wanted: Wanted) -> None:
    values = {"lastReadingAt": newest.last_reading_at, "lastTemperature": newest.last_temperature}
    _patch(number, newest.unit_id, place, values, wanted)
    readings = wanted(Topic("unit", newest.unit_id, "readings"))
    if readings is not None:
        readings.add(number, "backlog", {"from": since, "to": newest.last_reading_at or since})


def _happened(number: int, happened: Happened, wanted: Wanted) -> None:
    members: Members
    if happened.kind == "alert":
        if happened.alert is None:
            return  # it was purged since
        members = {"action": happened.data["action"], "at": happened.at, "alert": shown_alert(happened.alert)}
        alerts = wanted(Topic("org", happened.organization_id, "alerts"))
        if alerts is not None:
            alerts.add(number, "alerts", members)
    else:
        members = {"at": happened.at, **happened.data}
    if happened.unit_id is not None:
        state = wanted(Topic("unit", happened.unit_id, "state"))
        if state is not None:
            state.add(number, "state", {"kind": happened.kind, **members})


def _shown(reading: Listed) -> Members:
    """As `Reading` in the HTTP API: what was not measured is left out."""
    optional = {
        "humidity": reading.humidity,
        "doorOpen": reading.door_open,
        "batteryPercent": reading.battery_percent,
        "batteryVolts": reading.battery_volts,
        "rssi": reading.rssi,
        "snr": reading.snr,
        "fault": reading.fault,
    }
    return {
        "recordedAt": reading.recorded_at,
        "sensorId": reading.sensor_id,
        "temperature": reading.temperature,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _standing(standing: Standing) -> Members:
    return {
        "status": standing.status,
        "statusSince": standing.status_since,
        "temperatureState": standing.temperature_state,
        "dataState": standing.data_state,
        "doorOpen": standing.door_open,
        "lastReadingAt": standing.last_reading_at,
        "lastTemperature": standing.last_temperature,
    }


def _known(placed: Placed) -> Members:
    return {
        "siteId": placed.site_id,
        "areaId": placed.area_id,
        "name": placed.name,
        "unitType": placed.unit_type,
        "sortOrder": placed.sort_order,
        "updatedAt": placed.updated_at,
    }
