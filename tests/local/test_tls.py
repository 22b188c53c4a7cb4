"""Mosquitto behind TLS: whom our own TLS settings trust, and whom the broker lets in by certificate."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from frostguard.config import MqttSettings
from frostguard.doctor.broker import STRANGER, certificate
from frostguard.doctor.finding import Level
from frostguard.gateway_passwords import mosquitto_hash
from frostguard.local.broker import DAEMON, Broker, find_mosquitto
from frostguard.local.ports import free_port
from ingest.mqtt import tls_context


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str) -> None:
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")  # fmt: skip


def signed(folder: Path, name: str, by: str, host: str = "localhost", days: str = "30") -> None:
    """A certificate for `host`, its key beside it."""
    (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n")
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.crt", "-CAkey", f"{by}.key", "-CAcreateserial",
            "-days", days, "-extfile", f"{name}.ext", "-out", f"{name}.crt")  # fmt: skip


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None or find_mosquitto() is None:
        pytest.skip("no openssl or no mosquitto")
    folder = tmp_path_factory.mktemp("pki")
    authority(folder, "ours")
    authority(folder, "rogue")
    signed(folder, "good", "ours")
    signed(folder, "foreign", "rogue")
    signed(folder, "elsewhere", "ours", host="elsewhere.example")
    signed(folder, "expired", "ours", days="-1")
    signed(folder, "gateway", "ours")
    signed(folder, "thief", "rogue")
    return folder


class TlsBroker(Broker):
    """Mosquitto with a certificate, and with `mutual` one asked of clients."""

    more: str = ""

    def _command(self) -> list[str | Path]:
        command = super()._command()
        with Path(command[-1]).open("a") as file:
            file.write(self.more)
        return command


@pytest.fixture
def start(certificates: Path, tmp_path: Path) -> Iterator:
    started: list[Broker] = []

    def begin(name: str, *, mutual: bool = False) -> Broker:
        broker = TlsBroker(tmp_path / "broker", free_port(), kind="mosquitto")
        broker.more = f"certfile {certificates / name}.crt\nkeyfile {certificates / name}.key\ntls_version tlsv1.2\n"
        if mutual:
            broker.more += f"cafile {certificates / 'ours.crt'}\nrequire_certificate true\n"
        broker.folder.mkdir()
        broker.set_passwords({DAEMON: mosquitto_hash("pw")})
        broker.start()
        started.append(broker)
        return broker

    yield begin
    for broker in started:
        broker.stop()


def settings_for(broker: Broker, certificates: Path, client: str | None = None) -> MqttSettings:
    return MqttSettings(
        url=f"mqtts://{DAEMON}:pw@localhost:{broker.port}", ca_file=certificates / "ours.crt", client_id=DAEMON,
        cert_file=certificates / f"{client}.crt" if client else None,
        key_file=certificates / f"{client}.key" if client else None,
    )  # fmt: skip


async def connects(settings: MqttSettings) -> bool:
    """Whether we get as far as MQTT with the daemon's own TLS context: a CONNACK, even one that says no."""
    try:
        reader, writer = await asyncio.open_connection(settings.host, settings.port, ssl=tls_context(settings))
        writer.write(STRANGER)
        try:
            return (await reader.read(4)).startswith(b"\x20")
        finally:
            writer.transport.abort()
    except OSError:  # ssl.SSLError is one
        return False


@pytest.mark.case("H20")
@pytest.mark.parametrize(
    ("name", "trusted"), [("good", True), ("foreign", False), ("elsewhere", False), ("expired", False)]
)
async def test_the_daemon_trusts_a_broker_with_a_good_certificate_only(start, certificates, name, trusted) -> None:
    assert await connects(settings_for(start(name), certificates)) is trusted


@pytest.mark.case("H20")
@pytest.mark.parametrize(("client", "admitted"), [(None, False), ("thief", False), ("gateway", True)])
async def test_mutual_tls_lets_in_who_has_a_certificate_of_ours(start, certificates, client, admitted) -> None:
    assert await connects(settings_for(start("good", mutual=True), certificates, client)) is admitted


async def test_the_doctor_tells_when_a_certificate_ends(start, certificates: Path) -> None:
    level, says, _ = await certificate(settings_for(start("good"), certificates))
    assert (level, "ends in 30 days" in says or "29 days" in says) == (Level.OK, True)
