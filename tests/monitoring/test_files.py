"""Rules and dashboard name metrics that there are, and rules say what to do and where it is written."""

import json
import re
from pathlib import Path

import pytest
import yaml

import frostguard
from tests.test_documentation import metric_names

ROOT = Path(frostguard.__file__).parent.parent
RULES = yaml.safe_load((ROOT / "monitoring" / "alerts.yml").read_text())["groups"][0]["rules"]
PANELS = json.loads((ROOT / "monitoring" / "grafana.json").read_text())["panels"]


def named(expression: str) -> set[str]:
    """The metrics of an expression, without the parts of a histogram."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"frostguard_[a-z_]+", expression)}


def closes(expression: str) -> bool:
    return (
        all(expression.count(a) == expression.count(b) for a, b in ("()", "[]", "{}"))
        and expression.count('"') % 2 == 0
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_is_about_something_there_is_and_says_what_to_do(rule: dict) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert named(rule["expr"]) <= metric_names()
    assert named(rule["expr"]) or rule["expr"].startswith("up{")
    assert closes(rule["expr"])
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    document, _, anchor = rule["annotations"]["runbook"].partition("#")
    titles = re.findall(r"^#+ (.+)$", (ROOT / document).read_text(), re.MULTILINE)
    assert anchor in {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_rules_have_names_of_their_own() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_shows_what_there_is(panel: dict) -> None:
    for target in panel["targets"]:
        assert named(target["expr"])
        assert named(target["expr"]) <= metric_names()
        assert closes(target["expr"])


def test_panels_do_not_lie_on_each_other() -> None:
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS}) == len(PANELS)
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
