"""The modules of the page: sound, small, no way from text to markup; and their own tests, under Node."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import frostguard
from api.assets import FOLDER

HERE = Path(__file__).parent
ROOT = Path(frostguard.__file__).parent.parent
MODULES = sorted(FOLDER.glob("*.mjs"))
MODULE_LINES, LINE_LENGTH = 400, 120
# Every way by which a text can become markup, script or style in a page.
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|DOMParser|createContextualFragment"
    r"|\beval\(|new Function|setHTML|javascript:"
)
ELSEWHERE = re.compile(r"https?://(?!www\.w3\.org/2000/svg|page\.invalid)")

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def name_of(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_sizes_of_the_house(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("/**"), "a module opens with a sentence"
    assert text.count("\n") <= MODULE_LINES
    assert [line for line in text.splitlines() if len(line) > LINE_LENGTH] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_text_becomes_markup_and_nothing_comes_from_elsewhere(path: Path) -> None:
    assert MARKUP.findall(path.read_text()) == []
    assert ELSEWHERE.findall(path.read_text()) == []


def test_styles_and_document_need_nothing_from_elsewhere() -> None:
    for name in ("page.css", "index.html"):
        text = (FOLDER / name).read_text()
        assert ELSEWHERE.findall(text) == []
        assert "@import" not in text


def test_every_import_is_there() -> None:
    names = {path.name for path in MODULES}
    wanted = {name for path in MODULES for name in re.findall(r'"\./([\w.]+)"', path.read_text())}
    assert wanted <= names
    assert names - wanted == {"app.mjs"}, "every module but the first is used"


@needs_node
@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_node_can_read_it(path: Path) -> None:
    done = subprocess.run(["node", "--check", str(path)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@needs_node
def test_what_is_pure_does_what_it_says() -> None:
    tests = [str(path) for path in sorted(HERE.glob("*.test.mjs"))]
    assert tests
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", *tests], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
