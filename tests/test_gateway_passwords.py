"""Passwords of gateways, in Mosquitto's own form."""

import shutil
import subprocess

import pytest

from frostguard.gateway_passwords import matches, mosquitto_hash, new_password


def test_a_hash_matches_its_password_and_no_other() -> None:
    stored = mosquitto_hash("correct horse")
    assert matches("correct horse", stored)
    assert not matches("correct hors", stored)


def test_the_same_password_never_gives_the_same_hash() -> None:
    assert mosquitto_hash("pw") != mosquitto_hash("pw")


@pytest.mark.parametrize("stored", ["", "pw", "$6$101$c2FsdA==$aGFzaA==", "$7$x$c2FsdA==$aGFzaA==", "$7$1$?$?", "$7$1"])
def test_what_is_no_hash_of_ours_matches_nothing(stored: str) -> None:
    assert not matches("pw", stored)


def test_what_mosquitto_passwd_writes_is_understood(tmp_path) -> None:
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        pytest.skip("mosquitto_passwd is not installed")
    file = tmp_path / "passwords"
    file.touch(mode=0o600)
    subprocess.run([tool, "-b", str(file), "gw1", "päss wörd"], check=True, capture_output=True)
    user, _, stored = file.read_text().strip().partition(":")
    assert user == "gw1"
    assert matches("päss wörd", stored)


def test_new_passwords_need_no_quoting_and_differ() -> None:
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(password.replace("-", "").replace("_", "").isalnum() and len(password) >= 32 for password in made)
