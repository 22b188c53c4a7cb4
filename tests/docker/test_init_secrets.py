"""First secrets: made once, for nobody else to see, and such that the programs take them."""

import os
import shutil
import ssl
import stat
import subprocess
from pathlib import Path

import orjson
import pytest
import yaml

from frostguard.config import AuthSettings, DatabaseSettings, MqttSettings, load
from tests.docker.dockerfile import ROOT

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")


def make(folder: Path, *names: str) -> str:
    environment = {"PATH": os.environ["PATH"], "SECRETS_DIR": str(folder)}
    said = subprocess.run(
        [ROOT / "docker" / "init-secrets.sh", *names], env=environment, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "secrets"
    make(folder, "monitoring.example.com", "192.0.2.7")
    return folder


def test_there_is_a_file_for_every_secret_of_the_compose_file(secrets: Path) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    wanted = {Path(entry["file"]).name for entry in compose["secrets"].values()}
    made = {path.name for path in secrets.iterdir()}
    assert made == wanted | {"ca.key"}


def test_the_folder_shuts_others_out_and_containers_can_read_the_files(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()}
    assert modes.pop("ca.key") == 0o400
    assert set(modes.values()) == {0o444}


def test_a_second_time_changes_nothing(secrets: Path) -> None:
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    assert not any(line.startswith("made ") for line in make(secrets).splitlines())
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before


def test_the_programs_take_them(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("database_url", "mqtt_url", "jwt_secret"):
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setenv(f"{name.upper()}_FILE", str(secrets / name))
    password = (secrets / "postgres_password").read_text().strip()
    assert f":{password}@postgres:5432/" in load(DatabaseSettings).url.get_secret_value()
    assert len(load(AuthSettings).jwt_secret.get_secret_value()) >= 64
    mqtt = load(MqttSettings)
    assert (mqtt.tls, mqtt.host, mqtt.port, mqtt.username) == (True, "broker", 8883, "frostguard-ingest")


def test_the_s3_gets_the_keys_that_the_programs_have(secrets: Path) -> None:
    (identity,) = orjson.loads((secrets / "s3.json").read_bytes())["identities"]
    keys = [(secrets / name).read_text().strip() for name in ("s3_access_key", "s3_secret_key")]
    assert list(identity["credentials"][0].values()) == keys
    assert "Admin" in identity["actions"]


def test_the_certificate_is_good_for_the_broker_and_the_names_that_were_given(secrets: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(secrets / "server.crt", secrets / "server.key")
    client = ssl.create_default_context(cafile=str(secrets / "ca.crt"))
    for name in ("broker", "localhost", "monitoring.example.com", "192.0.2.7"):
        shake_hands(client, server, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client, server, "elsewhere.example.com")


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """A TLS handshake in memory."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = client.wrap_bio(back, there, server_hostname=name)
    answerer = server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for each in (caller, answerer):
            try:
                each.do_handshake()
            except ssl.SSLWantReadError:
                continue
