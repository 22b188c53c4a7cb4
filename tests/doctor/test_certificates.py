"""Ends of real certificates, and of files that are none."""

import shutil
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from frostguard.doctor import certificates
from frostguard.doctor.finding import Level
from tests.local.test_tls import openssl

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    made = tmp_path_factory.mktemp("pki")
    for name, days in (("soon", 5), ("later", 400), ("centuries", 36_500)):
        openssl(made, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                str(days), "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")  # fmt: skip
    (made / "both.crt").write_text("# a chain\n" + (made / "later.crt").read_text() + (made / "soon.crt").read_text())
    (made / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    return made


@pytest.mark.parametrize(("name", "days"), [("soon", 5), ("later", 400), ("centuries", 36_500)])
def test_the_end_is_what_openssl_wrote(folder: Path, name: str, days: int) -> None:
    [end] = certificates.ends((folder / f"{name}.crt").read_text())
    assert abs(end - (NOW + timedelta(days=days))) < timedelta(hours=1)
    decoded = ssl._ssl._test_decode_cert(str(folder / f"{name}.crt"))  # type: ignore[attr-defined]
    assert end.timestamp() == ssl.cert_time_to_seconds(decoded["notAfter"])


@pytest.mark.parametrize(
    ("names", "days", "level", "says"),
    [
        ([], 0, Level.OK, "no certificate files"),
        (["later.crt"], 0, Level.OK, "later.crt ends in 400 days"),
        (["later.crt", "both.crt"], 0, Level.WARN, "3 certificates; both.crt ends in 5 days"),
        (["soon.crt"], 6, Level.FAIL, "ended 1 days ago"),
        (["later.crt", "gone.crt"], 0, Level.FAIL, "No such file"),
        (["broken.crt"], 0, Level.FAIL, "holds no certificate"),
    ],
)
async def test_the_first_that_ends_is_told(folder: Path, names: list[str], days: int, level: Level, says: str) -> None:
    found = await certificates.files([folder / name for name in names], NOW + timedelta(days=days))
    assert found[0] is level
    assert says in found[1]


def test_the_files_of_every_listener_are_found() -> None:
    text = "certfile /a/one.crt\n# cafile /a/no.crt\nlistener 2\n  certfile /a/two three.crt \ncafile /a/ca.crt"
    assert certificates.named_in(text) == [Path("/a/one.crt"), Path("/a/two three.crt"), Path("/a/ca.crt")]
