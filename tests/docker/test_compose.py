"""docker-compose.yml against the compose specification's schema, and against what we promise of it."""

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

import frostguard
from frostguard.config import GROUPS

ROOT = Path(frostguard.__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PUBLISHED = {"4000:4000", "8883:8883"}
OURS = {name for name, service in SERVICES.items() if str(service["image"]).startswith("frostguard:")}
ONCE = {"migrate", "s3-bucket"}
SETTINGS = {str(field.alias) for group in GROUPS for field in group.model_fields.values()}

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def validator() -> jsonschema_rs.Validator:
    text = (files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json").read_text()
    return jsonschema_rs.validator_for(json.loads(text))


def test_it_is_what_the_specification_says() -> None:
    assert [f"{error.instance_path}: {error.message}" for error in validator().iter_errors(COMPOSE)] == []


def test_a_mistake_would_be_found() -> None:
    broken = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    broken["services"]["api"]["helthcheck"] = {}
    broken["services"]["broker"]["ports"] = [{"target": True}]
    assert len(list(validator().iter_errors(broken))) >= 2


def test_nothing_is_published_but_the_api_and_the_tls_port() -> None:
    assert {port for service in SERVICES.values() for port in service.get("ports", [])} == PUBLISHED
    assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == {"api", "broker"}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert not any("network_mode" in service or "extra_hosts" in service for service in SERVICES.values())


@each_service
def test_a_service_is_shut_in(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "pid", "ipc", "devices", "userns_mode"} & service.keys()
    user, _, group = str(service["user"]).partition(":")
    assert int(user) > 0
    assert int(group) > 0


@each_service
def test_a_service_has_its_bounds(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert SERVICES[name]["logging"]["options"]["max-size"]
    assert SERVICES[name]["restart"] == ("no" if name in ONCE else "unless-stopped")


@each_service
def test_an_image_is_pinned_by_its_version(name: str) -> None:
    assert re.search(r":\d+(\.\d+)+(-[a-z0-9.]+)?$", SERVICES[name]["image"])


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE - {"housekeeping"}))
def test_a_server_says_whether_it_is_healthy(name: str) -> None:
    health = SERVICES[name]["healthcheck"]
    assert health["test"][0] == "CMD"
    assert set(health) >= {"interval", "timeout", "retries"}


@each_service
def test_what_a_service_waits_for_can_come_true(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert wait == {"condition": expected}, other
        assert ("healthcheck" in SERVICES[other]) == (expected == "service_healthy")
        assert set(SERVICES[name]["networks"]) & set(SERVICES[other]["networks"])


@each_service
def test_secrets_come_as_files_and_are_in_no_text(name: str) -> None:
    service = SERVICES[name]
    mounted = {secret if isinstance(secret, str) else secret["source"] for secret in service.get("secrets", [])}
    assert mounted <= COMPOSE["secrets"].keys()
    environment = service.get("environment", {})
    for variable, value in environment.items():
        if variable.endswith("_FILE"):
            assert str(value).removeprefix("/run/secrets/") in mounted, variable
        assert not re.search(r"PASSWORD$|SECRET$|_KEY$|://[^/]*:[^/]*@", f"{variable}={value}".split("=")[0]), variable
        assert "@" not in str(value)
    if name in OURS:
        known = {variable.removesuffix("_FILE") for variable in environment} | {"TMPDIR"}
        assert known - SETTINGS - {"TMPDIR", "MQTT_CA"} == set()


def test_every_volume_and_every_secret_is_used() -> None:
    volumes = {entry.partition(":")[0] for service in SERVICES.values() for entry in service.get("volumes", [])}
    assert volumes == COMPOSE["volumes"].keys()
    secrets = {
        each if isinstance(each, str) else each["source"]
        for service in SERVICES.values()
        for each in service.get("secrets", [])
    }
    assert secrets == COMPOSE["secrets"].keys()


@pytest.mark.parametrize("name", sorted(OURS))
def test_commands_are_commands_of_ours(name: str) -> None:
    program, *arguments = SERVICES[name]["command"]
    assert program in {"frostguard", "frostguard-ingest", "frostguard-api"}
    if program == "frostguard":
        from frostguard.cli.main import parser

        parser().parse_args(arguments)


def test_secrets_are_not_committed() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", "--quiet", "secrets/database_url"], cwd=ROOT, capture_output=True, check=False
    )
    if ignored.returncode == 128:
        pytest.skip("not a git checkout")
    assert ignored.returncode == 0
