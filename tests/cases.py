"""Cases of the test programme: a test is marked with its case and says figures, which the report collects.

`@pytest.mark.case("C4")` names the case; the fixture `case` takes each figure, prints it and holds it against its
target. `tests/reliability_report.py` runs what is marked and writes docs/reliability-report.md from what was said.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FILE = "FROSTGUARD_CASES"  # where figures go, one JSON object a line; unset: nowhere


def _write(line: dict[str, object]) -> None:
    if FILE in os.environ:
        with Path(os.environ[FILE]).open("a") as file:
            file.write(json.dumps(line) + "\n")


def case_names(node: pytest.Item) -> list[str]:
    """The cases that a test is marked with."""
    return [name for marker in node.iter_markers("case") for name in marker.args]


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Say a figure: what it is, the number, its unit, and a target that it must be below, or equal to."""

    def say(what: str, value: float, unit: str = "", *, below: float | None = None, equal: float | None = None) -> None:
        target = f"< {below}" if below is not None else f"= {equal}" if equal is not None else ""
        _write({"test": request.node.nodeid, "cases": case_names(request.node), "what": what, "value": value,
                "unit": unit, "target": target})  # fmt: skip
        print(f"\n{'/'.join(case_names(request.node))}: {what}: {value:.4g} {unit} {target and f'(target {target})'}")
        assert below is None or value < below, what
        assert equal is None or value == equal, what

    return say


def pytest_configure(config: pytest.Config) -> None:
    """Let tests be marked."""
    config.addinivalue_line("markers", "case(name): shows a case of the test programme, for `make reliability`")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note how every test of a case ended."""
    report = yield
    if case_names(item) and (report.when == "call" or report.outcome != "passed"):
        _write({"test": item.nodeid, "cases": case_names(item), "outcome": report.outcome, "seconds": report.duration})
    return report
