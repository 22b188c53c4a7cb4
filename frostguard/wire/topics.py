"""The topic grammar: which topics exist, what they name, and nothing beside them.

    frostguard/v1/{organization}/{gateway}/readings | status | committed     native gateways
    v3/{application}@{tenant}/devices/{device}/up                            The Things Stack v3
    application/{id}/device/{eui}/event/up                                   ChirpStack v4

Level counts are exact, every name is `[A-Za-z0-9_-]{1,64}`.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from frostguard.errors import TopicError
from frostguard.wire.reasons import Reason


class TopicKind(StrEnum):
    """What a topic carries: the messages of native gateways, or the uplinks of a LoRaWAN network."""

    READINGS = "readings"
    STATUS = "status"
    COMMITTED = "committed"
    TTS = "tts"
    CHIRPSTACK = "chirpstack"


class Topic(NamedTuple):
    """Who speaks. `organization` is a slug, None for a network; `device` is None for a native gateway.

    For The Things Stack `gateway` is `application@tenant` as in the topic, for ChirpStack the application's id.
    """

    kind: TopicKind
    organization: str | None
    gateway: str
    device: str | None = None


SUBSCRIPTIONS: tuple[str, ...] = (
    "frostguard/v1/+/+/readings",
    "frostguard/v1/+/+/status",
    "v3/+/devices/+/up",
    "application/+/device/+/event/up",
)

# The longest topic of the grammar: v3/ 64 @ 64 /devices/ 64 /up.
MAX_TOPIC = 208

_NAME = "[A-Za-z0-9_-]{1,64}"
_is_name = re.compile(_NAME).fullmatch
_is_network = re.compile(f"{_NAME}(?:@{_NAME})?").fullmatch
_native = re.compile(f"frostguard/v1/({_NAME})/({_NAME})/(readings|status|committed)").fullmatch
# The open-source edition of The Things Stack has no tenants, and no @ in its topics.
_tts = re.compile(f"v3/({_NAME}(?:@{_NAME})?)/devices/({_NAME})/up").fullmatch
_chirpstack = re.compile(f"application/({_NAME})/device/({_NAME})/event/up").fullmatch

# What to compare a topic with that is nearly one of ours.
_FILTERS = tuple(tuple(filter_.split("/")) for filter_ in (*SUBSCRIPTIONS, "frostguard/v1/+/+/committed"))


def parse(topic: bytes | str) -> Topic:
    """Return what the topic names; raises TopicError with a reason for whatever is outside the grammar."""
    text = _as_text(topic)
    if match := _native(text):
        organization, gateway, kind = match.groups()
        return Topic(TopicKind(kind), organization, gateway)
    if match := _tts(text):
        return Topic(TopicKind.TTS, None, match[1], match[2])
    if match := _chirpstack(text):
        return Topic(TopicKind.CHIRPSTACK, None, match[1], match[2])
    raise _refusal(text)


def subscriptions_of(organizations: Iterable[str], networks: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the filters for what these organizations (slugs) and networks (kind, gateway) send, and nobody else.

    A name outside the grammar could hold a wildcard, and nothing of it would be taken: it is left out.
    """
    found = [
        f"frostguard/v1/{slug}/+/{kind}"
        for slug in organizations
        if _is_name(slug)
        for kind in (TopicKind.READINGS, TopicKind.STATUS)
    ]
    for kind, gateway in networks:
        if kind == TopicKind.TTS and _is_network(gateway):
            found.append(f"v3/{gateway}/devices/+/up")
        elif kind == TopicKind.CHIRPSTACK and _is_name(gateway):
            found.append(f"application/{gateway}/device/+/event/up")
    return tuple(found)


def readings_topic(organization: str, gateway: str) -> str:
    """Return where a native gateway publishes its readings; raises TopicError for a name outside the grammar."""
    return _native_topic(organization, gateway, TopicKind.READINGS)


def status_topic(organization: str, gateway: str) -> str:
    """Return where a native gateway says that it is online (retained, with its last will)."""
    return _native_topic(organization, gateway, TopicKind.STATUS)


def committed_topic(organization: str, gateway: str) -> str:
    """Return where the daemon tells a gateway which of its readings are safe."""
    return _native_topic(organization, gateway, TopicKind.COMMITTED)


def _native_topic(organization: str, gateway: str, kind: TopicKind) -> str:
    if not (_is_name(organization) and _is_name(gateway)):
        raise TopicError(Reason.TOPIC_NAME, "names are 1 to 64 of A-Z a-z 0-9 _ -")
    return f"frostguard/v1/{organization}/{gateway}/{kind.value}"


def _as_text(topic: bytes | str) -> str:
    if len(topic) > MAX_TOPIC:
        raise TopicError(Reason.TOPIC_TOO_LONG, f"a topic has at most {MAX_TOPIC} characters")
    if isinstance(topic, str):
        return topic
    try:
        return topic.decode()
    except UnicodeDecodeError:
        raise TopicError(Reason.TOPIC_NOT_UTF8, "the topic is not UTF-8") from None


def _refusal(text: str) -> TopicError:
    """Return the reason why `text`, which matched nothing, is no topic of ours; the coarsest reason first."""
    if "\0" in text:
        return TopicError(Reason.TOPIC_NUL, "the topic holds a NUL")
    if "+" in text or "#" in text:
        return TopicError(Reason.TOPIC_WILDCARD, "one publishes to a topic, not to a filter")
    if text.startswith("$"):
        return TopicError(Reason.TOPIC_RESERVED, "topics that begin with $ belong to the broker")
    levels = tuple(text.split("/"))
    if "" in levels:
        return TopicError(Reason.TOPIC_EMPTY_LEVEL, "a level of the topic is empty")
    return _misfit(levels)


def _misfit(levels: tuple[str, ...]) -> TopicError:
    if any(_fits(levels, filter_) for filter_ in _FILTERS):
        return TopicError(Reason.TOPIC_NAME, "names are 1 to 64 of A-Z a-z 0-9 _ -")
    for filter_ in _FILTERS:
        opening = filter_[: filter_.index("+")]
        if levels[: len(opening)] == opening and len(levels) != len(filter_):
            return TopicError(Reason.TOPIC_LEVELS, f"a topic under {'/'.join(opening)} has {len(filter_)} levels")
    return TopicError(Reason.TOPIC_UNKNOWN, "no such topic in the contract")


def _fits(levels: tuple[str, ...], filter_: tuple[str, ...]) -> bool:
    return len(levels) == len(filter_) and all(
        wanted in ("+", level) for level, wanted in zip(levels, filter_, strict=True)
    )
