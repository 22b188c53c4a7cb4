"""What could not be used, at the terminal."""

import json

import pytest


@pytest.fixture
def letters(psql) -> None:
    for topic, payload, reason in (
        ("a/b", b"{broken", "not_json"),
        ("c/d", b"\xff\x00", "not_json"),
        ("e\x1b[2J/f", b'{"x":1}', "unknown_gateway"),
    ):
        psql("insert into dead_letters (topic, payload, reason, detail) values (%s, %s, %s, 'why')",
             topic, payload, reason)  # fmt: skip


def test_none_is_said(command) -> None:
    assert command("dead-letters", "list").out == "0 open\n"


@pytest.mark.usefixtures("letters")
def test_the_newest_come_first_with_a_sum_by_reason(command) -> None:
    lines = command("dead-letters", "list").out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["3", "2", "1"]
    assert lines[-1] == "3 open: 2 not_json, 1 unknown_gateway"
    assert "\x1b" not in lines[1]


@pytest.mark.usefixtures("letters")
def test_the_list_can_be_narrowed(command) -> None:
    said = command("dead-letters", "list", "--reason", "not_json", "--limit", "1", "--json")
    [letter] = [json.loads(line) for line in said.out.splitlines()]
    assert (letter["id"], letter["reason"], letter["bytes"]) == (2, "not_json", 2)


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(
    ("number", "fields"),
    [
        ("1", {"payload": "{broken", "topic": "a/b"}),
        ("2", {"payload": "(2 bytes, not text)", "payload_base64": "/wA="}),
    ],
)
def test_a_payload_is_shown_as_text_where_it_is_text(command, number: str, fields: dict[str, str]) -> None:
    shown = json.loads(command("dead-letters", "show", number, "--json").out)
    assert fields.items() <= shown.items()
    plain = command("dead-letters", "show", number).out
    assert all(value in plain for value in fields.values())


@pytest.mark.usefixtures("letters")
def test_a_replay_is_asked_for(command, psql) -> None:
    asked = "select id from dead_letters where replay_requested_at is not null order by id"
    assert command("dead-letters", "replay", "1").out.startswith("1 asked for")
    assert psql(asked) == [(1,)]
    assert command("dead-letters", "replay", "--reason", "not_json").out.startswith("2 asked for")
    assert psql(asked) == [(1,), (2,)]
    assert command("dead-letters", "replay", "--all").out.startswith("3 asked for")
    assert "asked for" in command("dead-letters", "list").out
