"""Mail by SMTP or into a folder, behind the answers, bounded."""

import asyncio
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import ClassVar

import pytest

from api import mail
from api.mail import Letter, Mailer, message_of
from frostguard.config import MailSettings, load

LETTER = Letter("a@x.io", "Grüße", "Text with ä\n")


async def send(settings: MailSettings, *letters: Letter) -> Mailer:
    mailer = Mailer(settings)
    for letter in letters:
        mailer.send(letter)
    task = asyncio.create_task(mailer.run())
    await mailer.drained()
    task.cancel()
    return mailer


async def test_a_folder_gets_one_file_per_mail_that_only_we_can_read(tmp_path: Path) -> None:
    mailer = await send(load(MailSettings, {"MAIL_DIR": tmp_path / "new"}), LETTER, LETTER)
    files = sorted((tmp_path / "new").iterdir())
    assert (len(files), mailer.sent) == (2, 2)
    assert files[0].stat().st_mode & 0o077 == 0
    found = message_from_bytes(files[0].read_bytes())
    assert (found["To"], found["Auto-Submitted"]) == ("a@x.io", "auto-generated")


async def test_without_a_way_out_it_is_logged_and_no_text_with_it(caplog) -> None:
    await send(load(MailSettings), LETTER)
    assert "set SMTP_URL or MAIL_DIR" in caplog.text
    assert "Text with" not in caplog.text


class Smtp(socketserver.StreamRequestHandler):
    """Enough of an SMTP server; `refuse` makes it busy for the first connections."""

    received: ClassVar[list[bytes]] = []
    refuse = 0

    def handle(self) -> None:
        if Smtp.refuse > 0:
            Smtp.refuse -= 1
            self.wfile.write(b"421 busy\r\n")
            return
        self.wfile.write(b"220 test\r\n")
        data = b""
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go\r\n")
                while (part := self.rfile.readline()) != b".\r\n":
                    data += part
                Smtp.received.append(data)
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")


@pytest.fixture
def smtp() -> Iterator[str]:
    Smtp.received, Smtp.refuse = [], 0
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"smtp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


async def test_smtp_takes_it_and_a_busy_server_is_tried_again(smtp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: float) -> None:
        return

    monkeypatch.setattr(mail.asyncio, "sleep", at_once)
    Smtp.refuse = 2
    mailer = await send(load(MailSettings, {"SMTP_URL": smtp, "MAIL_FROM": "F <f@x.io>"}), LETTER)
    assert (mailer.sent, mailer.failed, len(Smtp.received)) == (1, 0, 1)
    Smtp.refuse = 3
    mailer = await send(load(MailSettings, {"SMTP_URL": smtp}), LETTER)
    assert (mailer.sent, mailer.failed) == (0, 1)


def test_a_line_break_cannot_add_a_header() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        message_of(Letter("a@x.io", "x\nBcc: b@x.io", "t"), "f@x.io")


def test_the_queue_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "MAX_QUEUED", 1)
    mailer = Mailer(load(MailSettings))
    mailer.send(LETTER)
    mailer.send(LETTER)
    assert mailer.dropped == 1
