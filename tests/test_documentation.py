"""What is written down is what is there: settings, commands, metrics, links, and nothing of anybody's machine."""

import argparse
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import frostguard
from api.metrics import Metrics
from frostguard.cli.check_config import example
from frostguard.cli.main import parser
from ingest import rollups

ROOT = Path(frostguard.__file__).parent.parent
README, OPERATIONS = (ROOT / "README.md").read_text(), (ROOT / "OPERATIONS.md").read_text()

# Written in two pieces, so that this file does not accuse itself.
MACHINES = ["/wo" + "rk/", "/ro" + "ot/", "/opt/py" + "pi", "/home/" + "runner"]
REGISTRIES = ["pypi." + "org", "python" + "hosted", "npm" + "js.", "deb." + "debian", "docker" + ".io/", "ghcr" + ".io"]
FREE = ["requirements/", "tests/golden/", "LICENSE"]


def committed() -> list[Path]:
    """All files that are in the repository or would be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def commands(of: argparse.ArgumentParser) -> Iterator[str]:
    """Every command as it is typed."""
    groups = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield of.prog
    for group in groups:
        for below in group.choices.values():
            yield from commands(below)


def metric_names() -> set[str]:
    """The names that Prometheus sees, without the parts of a histogram."""
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for registry in (rollups.REGISTRY, Metrics().registry)
        for family in registry.collect()
    }  # fmt: skip


def test_the_example_of_all_settings_is_up_to_date() -> None:
    assert (ROOT / ".env.example").read_text() == example(), "frostguard check-config --example > .env.example"


@pytest.mark.parametrize("command", list(commands(parser())))
def test_every_command_is_described(command: str) -> None:
    words = command.split()
    text = README + OPERATIONS
    assert command in text or (f"`{words[0]} {words[1]}" in text and f"`{words[-1]}`" in text)


def test_every_metric_is_described_and_none_that_is_not_there() -> None:
    described = set(re.findall(r"`(frostguard_[a-z_]+)`", OPERATIONS))
    assert described == metric_names()


def test_links_between_documents_lead_somewhere() -> None:
    links = [
        (document, target)
        for document in committed()
        if document.suffix == ".md"
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
        if "://" not in target
    ]
    assert [f"{document.name}: {target}" for document, target in links if not (document.parent / target).exists()] == []


def test_decisions_are_numbered_one_by_one() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert len(numbers) == len(set(numbers))
    assert all(number.isdigit() for number in numbers)


@pytest.mark.parametrize("words", [MACHINES, REGISTRIES], ids=["machines", "registries"])
def test_nothing_names_a_machine_or_a_registry(words: list[str]) -> None:
    found = []
    for path in committed():
        name = str(path.relative_to(ROOT))
        if words is REGISTRIES and any(name.startswith(free) for free in FREE[1:]):
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{name}: {word}" for word in words if word in text]
    assert not found
