import re
from pathlib import Path

import pytest

import frostguard
from frostguard.wire.reasons import Fault, Reason

ROOT = Path(frostguard.__file__).parents[1]
CONTRACT = (ROOT / "docs" / "mqtt.md").read_text()


def table(heading):
    """Return the words in the first column of the table below a heading."""
    section = CONTRACT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE)


@pytest.mark.parametrize(("heading", "words"), [("What is refused, and why", Reason), ("Faults", Fault)])
def test_the_contract_lists_every_word_once(heading, words):
    assert sorted(table(heading)) == sorted(words)


@pytest.mark.parametrize("word", [*Reason, *Fault])
def test_words_are_stable_snake_case(word):
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,49}", word)


def test_every_reason_is_used():
    code = "".join(path.read_text() for path in (ROOT / "frostguard" / "wire").glob("*.py"))
    for word in [*Reason, *Fault]:
        assert f"{type(word).__name__}.{word.name}" in code, word
