"""The command line and its documentation say the same; what is wrong is said in one line."""

import re
import ssl
from pathlib import Path

import pytest

from firmware_sim.broken import KINDS
from firmware_sim.errors import UsageError
from firmware_sim.options import COMMANDS, find_url, make_parser, parse_address, parse_run
from firmware_sim.scenario import list_scenarios

DOCUMENT = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()


def section(title: str) -> str:
    return DOCUMENT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_column(title: str) -> list[str]:
    return re.findall(r"^\| `(.+?)` \|", section(title), re.MULTILINE)


def test_every_option_is_documented_and_no_other():
    options = [a.option_strings[-1] for a in make_parser()._actions if a.dest != "help"]
    assert first_column("Options of `run`") == options


def test_every_command_and_scenario_is_documented_and_no_other():
    assert first_column("Commands") == list(COMMANDS)
    assert sorted(first_column("Scenarios")) == list_scenarios()


def test_the_number_of_broken_kinds_is_documented():
    assert f"of {len(KINDS)} kinds" in DOCUMENT


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--gateways", text] for text in ("0", "-1", "1.5", "many")),
        *(["--rate", text] for text in ("0", "nan", "x")),
        ["--broken", "1.5"],
        ["--late", "0.5"],
        ["--late", "2:5"],
        ["--power-cut", "5"],
        ["--per-message", "251"],
        ["--start", "yesterday"],
        ["--rate", "5", "--max"],
        ["--truth", "x"],
        ["--username", "x"],
        ["--unknown"],
    ],
)
def test_a_wrong_option_is_one_line_and_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        parse_run(arguments)
    assert caught.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://h", ("h", 1883, None, None)),
        ("mqtt://u:p%40ss@h:99", ("h", 99, "u", "p@ss")),
        ("mqtts://u@h", ("h", 8883, "u", None)),
        ("mqtt://[::1]:1", ("::1", 1, None, None)),
    ],
)
def test_urls(url, expected):
    address = parse_address(url, None, 30)
    assert (address.broker.host, address.broker.port, address.username, address.password) == expected
    assert isinstance(address.broker.tls, ssl.SSLContext) == url.startswith("mqtts")


@pytest.mark.parametrize(
    ("url", "ca_file"),
    [
        ("http://h", None),
        ("h:1883", None),
        ("mqtt://", None),
        ("mqtt://u:secret@h:99999", None),
        ("mqtt://u:secret@h", Path("ca.pem")),
        ("mqtts://u:secret@h", Path("missing.pem")),
    ],
)
def test_urls_that_cannot_be_used_are_refused_without_telling_the_password(url, ca_file):
    with pytest.raises(UsageError) as caught:
        parse_address(url, ca_file, 30)
    assert "secret" not in str(caught.value)


def test_the_url_comes_from_the_option_else_the_environment_else_the_default(monkeypatch):
    monkeypatch.setenv("MQTT_URL", "mqtt://environment")
    assert find_url("mqtt://option") == "mqtt://option"
    assert find_url(None) == "mqtt://environment"
    monkeypatch.delenv("MQTT_URL")
    assert find_url(None) == "mqtt://127.0.0.1:1883"
