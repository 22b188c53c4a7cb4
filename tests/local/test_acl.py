"""The rules of mosquitto.acl, as the embedded broker reads them."""

import pytest

from frostguard.errors import UsageError
from frostguard.local.acl import Acl, covers, read_acl
from frostguard.local.broker import ACL, DAEMON


@pytest.fixture(scope="module")
def acl() -> Acl:
    return read_acl(ACL)


@pytest.mark.parametrize(
    ("user", "topic", "allowed"),
    [
        ("gw1", "frostguard/v1/org/gw1/readings", True),
        ("gw1", "frostguard/v1/other/gw1/status", True),
        ("gw1", "frostguard/v1/org/gw2/readings", False),
        ("gw1", "frostguard/v1/org/gw1/committed", False),
        ("gw1", "frostguard/v1/org/gw1/readings/more", False),
        ("gw1", "frostguard/v1/org/gw1", False),
        ("gw1", "v3/app@tenant/devices/d/up", False),
        (DAEMON, "frostguard/v1/org/gw1/committed", True),
        (DAEMON, "frostguard/v1/org/gw1/readings", False),
        ("gw1/readings", "frostguard/v1/org/gw1/readings", False),
        ("+", "frostguard/v1/org/gw1/readings", False),
        ("#", "frostguard/v1/org/gw1/readings", False),
    ],
)
def test_who_may_publish_where(acl: Acl, user: str, topic: str, allowed: bool) -> None:
    assert acl.may_write(user, topic) is allowed


@pytest.mark.parametrize(
    ("user", "topic_filter", "allowed"),
    [
        ("gw1", "frostguard/v1/org/gw1/committed", True),
        ("gw1", "frostguard/v1/+/gw1/committed", True),
        ("gw1", "frostguard/v1/org/+/committed", False),
        ("gw1", "frostguard/v1/org/gw1/#", False),
        ("gw1", "#", False),
        ("gw1", "$SYS/#", False),
        (DAEMON, "frostguard/v1/+/+/readings", True),
        (DAEMON, "frostguard/v1/+/+/status", True),
        (DAEMON, "v3/+/devices/+/up", True),
        (DAEMON, "application/+/device/+/event/up", True),
        (DAEMON, "#", False),
    ],
)
def test_who_may_hear_what(acl: Acl, user: str, topic_filter: str, allowed: bool) -> None:
    assert acl.may_read(user, topic_filter) is allowed


@pytest.mark.parametrize(
    ("allowed", "asked", "answer"),
    [
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a/#", True),
        ("#", "$SYS/x", False),
        ("a/+", "a/#", False),
        ("a/+", "a/+", True),
        ("a/b", "a/+", False),
    ],
)
def test_a_filter_is_covered_only_whole(allowed: str, asked: str, answer: bool) -> None:
    assert covers(allowed, asked) is answer


@pytest.mark.parametrize("line", ["topic read a/b", "topic allow a", "pattern deny a", "nonsense"])
def test_a_line_that_is_not_understood_is_named(tmp_path, line: str) -> None:
    file = tmp_path / "acl"
    file.write_text(f"# a comment\n{line}\n")
    with pytest.raises(UsageError, match="line 2: not understood"):
        read_acl(file)
