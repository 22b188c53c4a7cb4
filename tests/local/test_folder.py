"""One run at a time in a folder, and what a restart finds again."""

import os
import stat
import subprocess
import sys

import pytest

from frostguard.errors import UsageError
from frostguard.local.folder import DataFolder, database_url_of
from frostguard.local.ports import TakenError


def test_what_is_remembered_is_there_again(tmp_path) -> None:
    folder = DataFolder.open(tmp_path / "data")
    secret = folder.secret("jwt_secret")
    folder.remember(mqtt_port=1883, database_url="postgresql://x")
    folder.close()
    again = DataFolder.open(tmp_path / "data")
    assert again.secret("jwt_secret") == secret
    assert again.get("mqtt_port") == 1883
    assert again.get("unheard of", 7) == 7
    again.close()
    assert database_url_of(tmp_path / "data") == "postgresql://x"


def test_secrets_differ_and_are_long(tmp_path) -> None:
    folder = DataFolder.open(tmp_path)
    assert folder.secret("a") != folder.secret("b")
    assert len(folder.secret("a")) >= 32
    folder.close()


def test_nobody_else_can_read_what_is_remembered(tmp_path) -> None:
    folder = DataFolder.open(tmp_path / "data")
    folder.remember(a=1)
    folder.close()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "state.json").stat().st_mode) == 0o600


def test_a_second_run_is_refused_by_name(tmp_path) -> None:
    folder = DataFolder.open(tmp_path)
    with pytest.raises(TakenError, match=f"in use by another `frostguard up` \\(process {os.getpid()}\\)"):
        DataFolder.open(tmp_path)
    folder.close()
    DataFolder.open(tmp_path).close()


def test_the_lock_of_a_dead_run_is_waited_for_until_its_last_child_is_gone(tmp_path) -> None:
    folder = DataFolder.open(tmp_path)
    # A child of ours inherits the lock and lives a little longer than its parent's claim.
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"], pass_fds=(folder.lock,))
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    os.ftruncate(folder.lock, 0)
    os.pwrite(folder.lock, f"{dead.pid}\n".encode(), 0)
    folder.close()
    again = DataFolder.open(tmp_path)
    assert child.poll() is not None
    again.close()
    child.wait()


def test_a_folder_that_cannot_be_used_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot use the data folder"):
        DataFolder.open(tmp_path / "file")


def test_a_state_file_that_is_damaged_is_named_and_kept(tmp_path) -> None:
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(UsageError, match=r"state\.json is not JSON"):
        DataFolder.open(tmp_path)
    assert (tmp_path / "state.json").read_text() == "{"


def test_an_unused_folder_has_no_database(tmp_path) -> None:
    assert database_url_of(tmp_path / "nowhere") is None
