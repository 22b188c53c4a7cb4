"""The locks fit pyproject.toml, pin everything by hash, and name no host. Offline: a resolver would ask the network."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    found = PIN.findall((ROOT / "requirements" / name).read_text())
    return {canonicalize_name(package): version for package, version in found}


def wanted(*extras: str) -> list[Requirement]:
    texts = PROJECT["dependencies"] + [t for extra in extras for t in PROJECT["optional-dependencies"][extra]]
    return [Requirement(text) for text in texts]


LOCKS = [("runtime.txt", wanted()), ("tracing.txt", wanted("tracing")), ("dev.txt", wanted("local", "tracing", "dev"))]
FILES = ["runtime.txt", "tracing.txt", "dev.txt", "build.txt"]


@pytest.mark.parametrize(("lock", "requirements"), LOCKS)
def test_every_requirement_is_pinned_to_a_version_that_it_allows(lock: str, requirements: list[Requirement]) -> None:
    pinned = pins(lock)
    assert [str(r) for r in requirements if not r.specifier.contains(pinned.get(canonicalize_name(r.name), "0"))] == []


@pytest.mark.parametrize("lock", FILES)
def test_every_pin_has_a_hash(lock: str) -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / "requirements" / lock).read_text())
    assert [block.splitlines()[0] for block in blocks if PIN.match(block) and "--hash=sha256:" not in block] == []


def test_a_server_is_built_with_what_the_tests_were_built_with() -> None:
    assert {"editables", "hatchling"} <= pins("build.txt").keys()
    assert pins("build.txt").items() <= pins("dev.txt").items()


def test_traces_add_to_what_runs_and_change_none_of_it() -> None:
    assert pins("runtime.txt").items() <= pins("tracing.txt").items() <= pins("dev.txt").items()


@pytest.mark.parametrize("lock", FILES)
def test_no_host_is_named(lock: str) -> None:
    assert (
        re.findall(r"https?://|--(?:extra-)?index-url|--find-links", (ROOT / "requirements" / lock).read_text()) == []
    )
