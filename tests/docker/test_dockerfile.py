"""The Dockerfile: rules that a linter of Dockerfiles has, and what may get into a build."""

import fnmatch
import re
import shlex
from pathlib import Path

import pytest

from tests.docker.dockerfile import ROOT, Stage, stages

KNOWN = {"WORKDIR", "COPY", "RUN", "USER", "ENV", "EXPOSE", "CMD", "ENTRYPOINT"}
STAGES = {stage.name: stage for stage in stages()}
FINAL = ["broker", "frostguard"]

each_stage = pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES.keys())


@each_stage
def test_images_are_pinned_and_stages_are_named(stage: Stage) -> None:
    assert re.search(r":\d+\.\d+\.\d+", stage.image)
    assert stage.name


@each_stage
def test_only_instructions_that_cannot_surprise(stage: Stage) -> None:
    """No ADD (it fetches and unpacks), no SHELL, no ARG and no VOLUME."""
    assert {word for word, _ in stage.instructions} <= KNOWN


@pytest.mark.parametrize("name", FINAL)
def test_nobody_is_root_at_the_end(name: str) -> None:
    users = STAGES[name].of("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])
    words = [word for word, _ in STAGES[name].instructions]
    assert "RUN" not in words[words.index("USER") :]


@each_stage
def test_programs_are_started_without_a_shell_that_swallows_signals(stage: Stage) -> None:
    for text in stage.of("CMD") + stage.of("ENTRYPOINT"):
        assert text.startswith("[")


@each_stage
def test_folders_are_absolute(stage: Stage) -> None:
    assert all(text.startswith("/") for text in stage.of("WORKDIR"))


@each_stage
def test_pip_takes_what_is_locked_and_leaves_no_cache(stage: Stage) -> None:
    for command in (part for text in stage.of("RUN") for part in text.split("&&") if "pip install" in part):
        words = shlex.split(command)
        assert {"--no-cache-dir", "--no-deps", "--no-input"} <= set(words)
        assert "--require-hashes" in words or "--no-index" in words


@each_stage
def test_no_secret_is_in_the_image(stage: Stage) -> None:
    for text in stage.of("ENV"):
        assert not re.search(r"PASSWORD|SECRET|TOKEN|_KEY|://", text)


@each_stage
def test_everything_that_is_copied_is_there_and_may_get_into_the_build(stage: Stage) -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*"
    let_in = [line[1:] for line in ignored if line.startswith("!")]
    for text in stage.of("COPY"):
        *sources, target = (word for word in text.split() if not word.startswith("--"))
        assert target
        if "--from=" in text:
            assert re.search(r"--from=(\w+)", text)[1] in STAGES
            continue
        for source in sources:
            assert source not in {".", "./"}
            assert (ROOT / source).exists(), source
            assert any(fnmatch.fnmatch(source.rstrip("/"), pattern) for pattern in let_in), source


def test_what_is_secret_or_large_stays_outside_of_the_build() -> None:
    text = (ROOT / ".dockerignore").read_text()
    for name in ("secrets", ".env", ".git", ".venv", "tests", ".frostguard"):
        assert f"!{name}" not in text.replace("!api", "")


def test_the_two_images_are_those_of_the_compose_file() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"target: (\w+)\}", compose)) == set(FINAL)
    assert all(Path(ROOT / "docker" / name).exists() for name in ("broker.sh", "init-secrets.sh"))
