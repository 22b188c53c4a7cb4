import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.errors import PacketError, TopicError
from frostguard.wire.topics import (
    MAX_TOPIC,
    SUBSCRIPTIONS,
    Topic,
    TopicKind,
    committed_topic,
    parse,
    readings_topic,
    status_topic,
    subscriptions_of,
)
from tests.wire.mutations import FUZZ

NAME = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
LONG = "x" * 64


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        (b"frostguard/v1/acme/a84041000181c061/readings", Topic(TopicKind.READINGS, "acme", "a84041000181c061")),
        ("frostguard/v1/acme/gw_1/status", Topic(TopicKind.STATUS, "acme", "gw_1")),
        ("frostguard/v1/a-b/G/committed", Topic(TopicKind.COMMITTED, "a-b", "G")),
        (f"frostguard/v1/{LONG}/{LONG}/committed", Topic(TopicKind.COMMITTED, LONG, LONG)),
        ("v3/cold-rooms@ttn/devices/eui-a8/up", Topic(TopicKind.TTS, None, "cold-rooms@ttn", "eui-a8")),
        ("v3/cold-rooms/devices/eui-a8/up", Topic(TopicKind.TTS, None, "cold-rooms", "eui-a8")),
        (f"v3/{LONG}@{LONG}/devices/{LONG}/up", Topic(TopicKind.TTS, None, f"{LONG}@{LONG}", LONG)),
        (
            b"application/ca739e26-7b67-4f14-b69e-d568c22a5a75/device/24e124136c000001/event/up",
            Topic(TopicKind.CHIRPSTACK, None, "ca739e26-7b67-4f14-b69e-d568c22a5a75", "24e124136c000001"),
        ),
    ],
)
def test_a_topic_of_the_contract_names_who_speaks(topic, expected):
    assert parse(topic) == expected


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("", "topic_empty_level"),
        ("/", "topic_empty_level"),
        ("frostguard/v1//gw/readings", "topic_empty_level"),
        ("frostguard/v1/acme/gw/readings/", "topic_empty_level"),
        ("/frostguard/v1/acme/gw/readings", "topic_empty_level"),
        ("frostguard/v1/acme/gw", "topic_levels"),
        ("frostguard/v1/acme/gw/readings/x", "topic_levels"),
        ("v3/app@ttn/devices/d/up/x", "topic_levels"),
        ("application/1/device/24e124136c000001/up", "topic_levels"),
        ("frostguard/v1/acme/gw/telemetry", "topic_unknown"),
        ("frostguard/v1/acme/gw/READINGS", "topic_unknown"),
        ("frostguard/v2/acme/gw/readings", "topic_unknown"),
        ("v3/app@ttn/devices/d/join", "topic_unknown"),
        ("v3/app@ttn/things/d/up", "topic_unknown"),
        ("application/1/device/24e124136c000001/event/join", "topic_unknown"),
        ("hello", "topic_unknown"),
        ("frostguard", "topic_unknown"),
        ("frostguard/v1/ac me/gw/readings", "topic_name"),
        ("frostguard/v1/acmé/gw/readings", "topic_name"),
        ("frostguard/v1/acme/gw.1/readings", "topic_name"),
        (f"frostguard/v1/acme/{'x' * 65}/readings", "topic_name"),
        ("frostguard/v1/acme/gw\n/readings", "topic_name"),
        ("frostguard/v1/acme/\u0661/readings", "topic_name"),
        ("v3/app@ttn@x/devices/d/up", "topic_name"),
        ("v3/@ttn/devices/d/up", "topic_name"),
        ("frostguard/v1/+/gw/readings", "topic_wildcard"),
        ("frostguard/v1/acme/#", "topic_wildcard"),
        ("frostguard/v1/acme/g+w/readings", "topic_wildcard"),
        ("$SYS/broker/uptime", "topic_reserved"),
        ("$share/group/frostguard/v1/acme/gw/readings", "topic_reserved"),
        ("frostguard/v1/acme/g\0w/readings", "topic_nul"),
        (b"frostguard/v1/acme/g\xffw/readings", "topic_not_utf8"),
        (b"frostguard/v1/acme/g\xc0\xafw/readings", "topic_not_utf8"),
        ("x" * (MAX_TOPIC + 1), "topic_too_long"),
        (b"x" * 65_535, "topic_too_long"),
        ("a/" * 3_000, "topic_too_long"),
    ],
)
def test_everything_else_is_refused_with_its_reason(topic, reason):
    with pytest.raises(TopicError) as caught:
        parse(topic)
    assert caught.value.reason == reason
    assert caught.value.detail.isprintable()


@pytest.mark.parametrize("build", [readings_topic, status_topic, committed_topic])
@given(organization=NAME, gateway=NAME)
def test_what_is_built_is_parsed_back(build, organization, gateway):
    topic = build(organization, gateway)
    assert parse(topic) == parse(topic.encode()) == Topic(TopicKind(topic.rpartition("/")[2]), organization, gateway)


@pytest.mark.parametrize("name", ["", "+", "#", "a/b", "é", "x" * 65, "a\n", "\0"])
@pytest.mark.parametrize("build", [readings_topic, status_topic, committed_topic])
def test_no_topic_is_built_from_a_bad_name(build, name):
    for names in ((name, "gw"), ("acme", name)):
        with pytest.raises(TopicError, match="topic_name"):
            build(*names)


@pytest.mark.parametrize(
    ("filter_", "topic"),
    [
        ("frostguard/v1/+/+/readings", "frostguard/v1/acme/gw/readings"),
        ("frostguard/v1/+/+/status", "frostguard/v1/acme/gw/status"),
        ("v3/+/devices/+/up", "v3/app@ttn/devices/d/up"),
        ("application/+/device/+/event/up", "application/1/device/2/event/up"),
    ],
)
def test_each_subscription_brings_the_topics_of_one_kind(filter_, topic):
    assert filter_ in SUBSCRIPTIONS
    assert re.fullmatch(filter_.replace("+", "[^/]+"), topic)
    assert parse(topic)


GRAMMAR = re.compile(
    rb"frostguard/v1/[\w-]{1,64}/[\w-]{1,64}/(readings|status|committed)"
    rb"|v3/[\w-]{1,64}(@[\w-]{1,64})?/devices/[\w-]{1,64}/up"
    rb"|application/[\w-]{1,64}/device/[\w-]{1,64}/event/up"
)
LEVELS = [
    "frostguard", "v1", "v2", "v3", "acme", "gw-1", "readings", "status", "committed", "devices", "device", "up",
    "event", "application", "a@b", "@", "", "+", "#", "$SYS", "é", "\0", "x" * 64, "x" * 65, " ", "\n", "\u2028",
    "\u0663", "..",
]  # fmt: skip
SEEDS = [filter_.replace("+", "acme") for filter_ in SUBSCRIPTIONS]


def strange_topic(random):
    if random.random() < 0.3:
        return "/".join(random.choice(LEVELS) for _ in range(random.randrange(1, 9))).encode()
    levels = random.choice(SEEDS).split("/")
    levels[random.randrange(len(levels))] = random.choice(LEVELS)
    topic = bytearray("/".join(levels).encode())
    if random.random() < 0.5:
        topic[random.randrange(len(topic))] = random.randrange(256)
    return bytes(topic)


def test_no_strange_topic_passes_and_none_raises_anything_else():
    random = Random(7)
    passed = 0
    for _ in range(FUZZ):
        topic = strange_topic(random)
        try:
            parse(topic)
        except PacketError:
            assert not GRAMMAR.fullmatch(topic), topic
        else:
            assert GRAMMAR.fullmatch(topic), topic
            passed += 1
    assert passed


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_noise_is_no_topic(noise):
    with pytest.raises(TopicError):
        parse(noise)


def test_an_organization_is_heard_by_its_own_filters_and_no_name_is_a_wildcard() -> None:
    found = subscriptions_of(["acme", "+"], [("tts", "app@t"), ("tts", "#"), ("chirpstack", "52"), ("chirpstack", "+")])
    assert found == (
        "frostguard/v1/acme/+/readings",
        "frostguard/v1/acme/+/status",
        "v3/app@t/devices/+/up",
        "application/52/device/+/event/up",
    )
