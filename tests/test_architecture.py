"""The house rules that a program can check: sizes, mirrors, names, what lies where."""

import ast
import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import frostguard
import ingest

ROOT = Path(frostguard.__file__).parent.parent
OURS = {"frostguard": ROOT, "ingest": ROOT, "api": ROOT, "firmware_sim": ROOT / "firmware-sim"}

MODULE_LINES, FUNCTION_LINES, PARAMETERS, PUBLIC_METHODS, NESTING = 400, 60, 6, 15, 3

# Modules without a test of their own name, and why.
UNMIRRORED = {
    "frostguard/backup/folder.py": "tests/backup/test_work.py changes each part of it",
    "frostguard/archive/sums.py": "tests/archive/test_run.py compares them with those of all readings",
    "frostguard/config.py": "tests/cli/test_check_config.py loads every group",
    "frostguard/groups.py": "tests/test_config.py reads groups from everywhere",
    "frostguard/secret_files.py": "tests/test_config.py reads secrets from everywhere",
    "frostguard/errors.py": "names only; tests/store/test_connection.py tells which SQLSTATE becomes which",
    "frostguard/domain/reading.py": "one tuple, which tests/store/test_statements.py compares with the table",
    "frostguard/migrate.py": "tests/test_migrations.py",
    "api/positions.py": "tests/api/handlers/test_alerts.py pages through lists by it",
    "api/rolled_up.py": "tests/api/handlers/test_readings.py",
    "api/routes/alerts.py": "tests/api/test_table.py runs every route there is",
    "api/handlers/feeds.py": "three doors, which the tests of api/feed open",
    "api/routes/feeds.py": "tests/api/feed opens them all",
    "api/routes/ingest.py": "tests/api/test_table.py runs every route there is",
    "api/routes/manual_logs.py": "tests/api/test_table.py runs every route there is",
    "api/routes/readings.py": "tests/api/test_table.py runs every route there is",
    "api/shapes/alerts.py": "tests/api/test_table.py holds every answer against its shape",
    "api/shapes/feeds.py": "tests/api/test_table.py holds every answer against its shape",
    "api/shapes/ingest.py": "tests/api/test_table.py holds every answer against its shape",
    "api/shapes/manual_logs.py": "tests/api/test_table.py holds every answer against its shape",
    "api/shapes/readings.py": "tests/api/test_table.py holds every answer against its shape",
    "api/shapes/retention.py": "tests/api/handlers/test_retention.py tries its bounds",
    "frostguard/store/alert_lists.py": "tests/api/handlers/test_alerts.py",
    "frostguard/store/corrective_actions.py": "tests/api/handlers/test_corrective_actions.py",
    "frostguard/store/http_inbox.py": "tests/api/handlers/test_ingest.py",
    "frostguard/store/manual_log_lists.py": "tests/api/handlers/test_manual_logs.py",
    "frostguard/store/rollups.py": "tests/ingest/test_rollups.py lives through random histories with it",
    "frostguard/store/suppression_lists.py": "tests/api/handlers/test_suppressions.py",
    "ingest/batch.py": "plain data, filled and read by tests of intake and writer",
    "ingest/tally.py": "one list of counters, which tests/ingest/test_daemon.py reads from /metrics",
    "ingest/metrics.py": "names only, which tests/test_documentation.py compares with OPERATIONS.md",
    "firmware-sim/firmware_sim/errors.py": "names only",
}

# Functions that may nest one level deeper, and why.
DEEPER = {("ingest/reader.py", "feed"): "the hot loop: a call for each packet costs more than a level"}

# What makes a reader remember a condition; `with` and `try` hold a resource or an answer, not a question.
NESTS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def modules() -> list[Path]:
    """Every module of ours that ships."""
    return sorted(path for name, folder in OURS.items() for path in (folder / name).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, FUNCTIONS))


def depth(node: ast.AST, level: int = 0) -> int:
    """How deep statements nest below the node; an elif is no deeper than its if, a nested function begins anew."""
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FUNCTIONS):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child, level + (isinstance(child, NESTS) and not is_elif)))
    return deepest


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_sizes_of_the_house(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MODULE_LINES
    tree = ast.parse(text)
    for function in functions(path):
        arguments = function.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        assert len([n for n in names if n not in {"self", "cls"}]) <= PARAMETERS, function.name
        assert (function.end_lineno or 0) - function.lineno < FUNCTION_LINES, function.name
        allowed = NESTING + ((name_of(path), function.name) in DEEPER)
        assert depth(function) <= allowed, f"{function.name} nests {depth(function)} deep"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            public = [f for f in node.body if isinstance(f, FUNCTIONS) and not f.name.startswith("_")]
            assert len(public) <= PUBLIC_METHODS, node.name


def mirror_of(path: Path) -> Path:
    """frostguard/store/units.py -> tests/store/test_units.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    below = [part for part in parts if part not in {"frostguard", "firmware-sim"}]
    return ROOT.joinpath("tests", *below[:-1], f"test_{below[-1]}.py")


def test_every_module_has_its_mirror() -> None:
    tested = [path for path in modules() if not path.name.startswith("__") and name_of(path) not in UNMIRRORED]
    assert [name_of(mirror_of(path)) for path in tested if not mirror_of(path).exists()] == []


def test_exceptions_are_still_needed() -> None:
    assert [name for name in UNMIRRORED if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_every_module_opens_with_a_sentence(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text()))
    assert said
    assert said.splitlines()[0].rstrip().endswith((".", ":", "?"))


def test_nothing_is_left_to_be_done() -> None:
    words = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")))
    files = [*modules(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "sql").glob("*.sql"), *ROOT.glob("*.md")]
    assert [name_of(path) for path in files if words.search(path.read_text())] == []


def test_our_generic_names_are_ours() -> None:
    for package in (frostguard, ingest):
        assert Path(package.__file__).parent.parent == ROOT
    assert (ROOT / "pyproject.toml").exists()


def test_no_other_distribution_claims_our_names() -> None:
    claims = []
    for distribution in importlib.metadata.distributions():
        if distribution.metadata["Name"] == "frostguard":
            continue
        tops = {file.parts[0] for file in distribution.files or [] if len(file.parts) > 1}
        claims += [f"{distribution.metadata['Name']}: {name}" for name in tops & OURS.keys()]
    assert claims == []


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [name_of(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_what_runs_is_pinned_alike_in_both_locks() -> None:
    pin = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)
    runtime, dev = (dict(pin.findall((ROOT / "requirements" / f"{n}.txt").read_text())) for n in ("runtime", "dev"))
    assert runtime.items() <= dev.items()
    assert "pytest" in dev.keys() - runtime.keys()
