"""Topics: which there are, and nothing else."""

import pytest

from api.feed.topics import ACTIONS, Topic, parse
from frostguard.domain.access import Action, Role, may
from tests.factories import identity

ID = str(identity("x"))


@pytest.mark.parametrize("key", ACTIONS)
def test_every_topic_is_read_as_it_is_written(key: tuple[str, str]) -> None:
    topic = Topic(key[0], ID, key[1])
    assert parse(topic.name) == topic
    assert topic.target == identity("x")
    assert isinstance(topic.action, Action)


@pytest.mark.parametrize(
    "text",
    [
        "", "x", f"org:{ID}", f"org:{ID}:readings", f"site:{ID}:alerts", f"unit:{ID}:units", f"user:{ID}:units",
        f"org:{ID.upper()}:units", f" org:{ID}:units", f"org:{ID}:units\n", f"org:{ID}:units:x", "org:*:units",
        f"org:{ID[:-1]}:units", f"org:{ID}0:units", f"ORG:{ID}:units",
    ],
)  # fmt: skip
def test_what_is_none_is_none(text: str) -> None:
    assert parse(text) is None


def test_every_role_may_follow_what_it_may_see() -> None:
    assert all(may(role, action) for role in Role for action in ACTIONS.values())
