"""Readings that come by HTTP."""

from typing import Annotated, Any, Literal

from pydantic import RootModel, StringConstraints

from api.shapes.common import Query, Shape


class Message(RootModel[dict[str, Any]]):
    """The payload of an MQTT message, see docs/mqtt.md: `{"readings": [{"sensor": ..., ...}], "boot": ...}`."""


class Uplink(RootModel[dict[str, Any]]):
    """An uplink as a webhook of The Things Stack v3 sends it."""


class Event(RootModel[dict[str, Any]]):
    """An event as the HTTP integration of ChirpStack v4 sends it, in JSON."""


class EventQuery(Query):
    """What ChirpStack says the event is: `up`, or one that is no reading."""

    event: Annotated[str, StringConstraints(max_length=50)] | None = None


class ItemResult(Shape):
    """What becomes of one reading."""

    index: int
    status: Literal["accepted", "rejected"]
    reason: str | None
    detail: str | None


class Taken(Shape):
    """The message is kept, and will be stored in a moment; sent again, it is stored once."""

    status: Literal["taken", "ignored"]
    accepted: int
    rejected: int
    results: list[ItemResult]
