"""Units and what belongs to them, laid out below a prefix, held against systemd's own tools where they are."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from frostguard.cli import install_systemd
from frostguard.cli.install_systemd import SECRETS, UNITS
from frostguard.cli.main import main
from frostguard.config import GROUPS

MOST_EXPOSED = 1.5
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")


@pytest.fixture
def prefix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["install-systemd", "--prefix", str(tmp_path / "root")]) == 0
    capsys.readouterr()
    return tmp_path / "root"


def units_of(prefix: Path) -> Path:
    return prefix / "usr/local/lib/systemd/system"


def lines_of(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def test_everything_is_laid_out_with_the_paths_of_this_installation(prefix: Path) -> None:
    found = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    assert found == {
        *(f"usr/local/lib/systemd/system/{path.name}" for path in UNITS.glob("frostguard*")),
        "usr/local/lib/sysusers.d/frostguard.conf",
        "usr/local/lib/tmpfiles.d/frostguard.conf",
        "etc/frostguard/frostguard.env",
        *(f"etc/frostguard/credentials/{name}" for name in SECRETS),
    }
    for service in SERVICES:
        (command,) = lines_of(units_of(prefix) / service, "ExecStart")
        assert command.startswith(str(Path(sys.executable).parent))
        assert Path(command.split()[0]).exists()


def test_secrets_are_for_root_alone_and_the_one_that_signs_tokens_is_made(prefix: Path) -> None:
    folder = prefix / "etc/frostguard/credentials"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert len(texts.pop("JWT_SECRET").strip()) >= 32
    assert set(texts.values()) == {""}


def test_a_second_time_changes_nothing_that_is_not_ours(
    prefix: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    unit = units_of(prefix) / "frostguard-api.service"
    edited = prefix / "etc/frostguard/frostguard.env"
    edited.write_text("PORT=4040\n")
    secret = (prefix / "etc/frostguard/credentials/JWT_SECRET").read_text()
    unit.write_text("[Service]\n")
    assert main(["install-systemd", "--prefix", str(prefix)]) == 0
    said = capsys.readouterr().out
    assert edited.read_text() == "PORT=4040\n"
    assert (prefix / "etc/frostguard/credentials/JWT_SECRET").read_text() == secret
    assert f"kept       {edited}" in said
    assert f"updated    {unit}" in said
    assert f"unchanged  {units_of(prefix) / 'frostguard.target'}" in said
    assert "systemctl enable --now frostguard.target" in said


def test_the_environment_file_names_every_setting_but_secrets(prefix: Path) -> None:
    text = (prefix / "etc/frostguard/frostguard.env").read_text()
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    known = {field.alias for group in GROUPS for field in group.model_fields.values()}
    assert named == known - set(SECRETS)
    assert not re.findall(r"^[^#\n]", text, re.MULTILINE), "nothing but comments: the defaults are in force"


def test_every_secret_there_is_can_be_a_credential() -> None:
    secret = {
        field.alias for group in GROUPS for field in group.model_fields.values() if "SecretStr" in str(field.annotation)
    }
    assert secret == set(SECRETS)


def test_each_program_gets_its_own_secrets_only() -> None:
    given = {
        service: {line.partition(":")[0] for line in lines_of(UNITS / service, "LoadCredential")}
        for service in SERVICES
    }
    assert "JWT_SECRET" not in given["frostguard-ingest@.service"] | given["frostguard-housekeeping.service"]
    assert "MQTT_URL" not in given["frostguard-api.service"]
    assert given["frostguard-migrate.service"] == {"DATABASE_URL"}
    assert set().union(*given.values()) == set(SECRETS)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["install-systemd", "--prefix", str(tmp_path / "file")]) == 78
    assert capsys.readouterr().err.startswith(f"frostguard: cannot write {tmp_path}/file")


def test_a_place_that_the_units_do_not_see_is_warned_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install_systemd, "HIDDEN", (str(tmp_path),))
    monkeypatch.setattr(install_systemd, "ROOT", tmp_path)
    tmp_path.chmod(0o700)
    assert [warning.partition(" lies")[0] for warning in install_systemd.warnings()][:1] == ["this installation"]
    assert any("cannot enter" in warning for warning in install_systemd.warnings())


@pytest.mark.parametrize("service", SERVICES)
def test_programs_that_notify_are_watched_and_all_stop_in_time(service: str) -> None:
    unit = UNITS / service
    if lines_of(unit, "Type") == ["notify"]:
        assert int(lines_of(unit, "WatchdogSec")[0]) <= 20
        assert int(lines_of(unit, "TimeoutStopSec")[0]) > 10
        assert lines_of(unit, "RestartPreventExitStatus") == ["78"]
    else:
        assert lines_of(unit, "Type") in (["oneshot"], ["simple"])


@needs_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_is_hardened(prefix: Path, service: str) -> None:
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", units_of(prefix) / service],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said.stdout)
    assert found, said.stderr
    assert float(found[1]) <= MOST_EXPOSED


def complaints_of_systemd(prefix: Path) -> str:
    folder = units_of(prefix)
    names = [path.name.replace("@.", "@0.") for path in folder.iterdir()]
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *(folder / name for name in names)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0 or said.stderr
    return said.stderr


@needs_systemd
def test_the_units_are_clean(prefix: Path) -> None:
    assert complaints_of_systemd(prefix) == ""


@needs_systemd
@pytest.mark.parametrize(
    "mistake", ["ProtectSytem=strict", "ExecStart=/no/such/program", "MemoryMax=many"], ids=["name", "path", "value"]
)
def test_a_mistake_in_a_unit_would_be_found(prefix: Path, mistake: str) -> None:
    unit = units_of(prefix) / "frostguard-api.service"
    unit.write_text(unit.read_text().replace("[Service]\n", f"[Service]\n{mistake}\n", 1))
    assert "frostguard-api.service" in complaints_of_systemd(prefix)


@needs_systemd
@pytest.mark.skipif(os.geteuid() != 0, reason="accounts and owners are root's to make")
@pytest.mark.parametrize(("tool", "kind"), [("systemd-sysusers", "sysusers.d"), ("systemd-tmpfiles", "tmpfiles.d")])
def test_the_account_and_the_folders_are_clean(prefix: Path, tool: str, kind: str) -> None:
    file = prefix / "usr/local/lib" / kind / "frostguard.conf"
    what = ["--dry-run"] if tool == "systemd-sysusers" and _knows(tool, "--dry-run") else ["--root", prefix]
    (prefix / "etc").mkdir(exist_ok=True)
    command = [tool, *what, *(["--create"] if tool == "systemd-tmpfiles" else []), file]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    if tool == "systemd-sysusers" and "--root" in what:
        assert "frostguard:" in (prefix / "etc/passwd").read_text()


def _knows(tool: str, option: str) -> bool:
    return option in subprocess.run([tool, "--help"], capture_output=True, text=True, check=False).stdout


@needs_systemd
def test_the_timer_comes_once_a_day(prefix: Path) -> None:
    (calendar,) = lines_of(units_of(prefix) / "frostguard-housekeeping.timer", "OnCalendar")
    said = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=2", calendar], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0
    assert re.search(r"Iter\S* #2", said.stdout)
