"""The files of the page as they are kept: versions, compression, addresses."""

import gzip
from pathlib import Path

import pytest

from api.assets import DOCUMENT, FOLDER, POLICY, START, Assets, accepts_gzip


@pytest.mark.parametrize(("header", "wanted"), [
    ("gzip", True), ("gzip, deflate, br, zstd", True), ("br;q=1.0, gzip;q=0.8", True), ("*", True), ("", False),
    ("identity", False), ("br, gzip;q=0", False), ("gzip;q=0.000", False), ("x-gzip", False), ("gzip;q=0.5", True),
])  # fmt: skip
def test_compression_is_for_who_asks(header: str, wanted: bool) -> None:
    assert bool(accepts_gzip(header)) is wanted


def test_a_change_of_any_file_changes_every_address(tmp_path: Path) -> None:
    (tmp_path / DOCUMENT).write_text("@version@\n@preloads@")
    (tmp_path / START).write_text('import { one } from "./one.mjs";\n')
    (tmp_path / "one.mjs").write_text('import {\n  two,\n} from "./two.mjs";\n')
    (tmp_path / "two.mjs").write_text("export const two = 2;\n")
    (tmp_path / "later.mjs").write_text("export {};\n")
    before = Assets(tmp_path)
    (tmp_path / "two.css").write_text("body {}")
    (tmp_path / "notes.txt").write_text("not served")
    after = Assets(tmp_path)
    assert before.version != after.version
    assert after.names == ["app.mjs", "later.mjs", "one.mjs", "two.css", "two.mjs"]
    assert after.find(after.version, "two.css") is not None
    for version, name in (
        (before.version, "one.mjs"), (after.version, "notes.txt"), (after.version, DOCUMENT),
        (after.version, "../assets.py"), (after.version, ""), ("", "one.mjs"),
    ):  # fmt: skip
        assert after.find(version, name) is None, (version, name)
    text = after.document.body.decode()
    needed = [name for name in after.names if f"/page/{after.version}/{name}" in text]
    assert needed == ["app.mjs", "one.mjs", "two.mjs"], "what is imported from the start, and not what comes later"


def test_both_forms_say_the_same() -> None:
    assets = Assets()
    for name in assets.names:
        asset = assets.find(assets.version, name)
        assert asset is not None
        assert gzip.decompress(asset.packed) == asset.body == (FOLDER / name).read_bytes()
    assert "@" not in assets.document.body.decode().replace("@media", "")


def test_the_policy_allows_no_inline_script_and_no_markup_from_texts() -> None:
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "require-trusted-types-for 'script'" in POLICY
